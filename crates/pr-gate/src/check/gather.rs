//! Runs the linter and reads the files.

use std::collections::{BTreeMap, BTreeSet};

use annotations::{Facts, Finding, Language, may_be_annotated};

use super::since::{self, Changes};
use super::{Gathered, Linter, Question, Source, age};
use crate::findings::{self, Output};
use crate::fingerprint::fingerprints;
use crate::{Error, Progress, Project, files, owners, waivers};

/// Runs the linter and reads the files.
///
/// # Errors
/// When the linter, git or a file stand in the way, or a waiver file can't be read.
pub fn gather(project: &Project, question: &Question, progress: &dyn Progress) -> Result<Gathered, Error> {
    let (paths, codes) = (question.paths(project), question.codes(project));
    let (waivers, owners) = (waivers::load(project)?, owners::codeowners(project)?);
    let changes = question.since.as_ref().map(|revision| Changes::since(since::git(project)?, revision));
    let changes = changes.transpose()?;
    let (linted, annotated) = std::thread::scope(|scope| {
        let annotated = scope.spawn(|| annotated(project, paths));
        let linted = lint(project, question, paths, codes, progress);
        (linted, annotated.join())
    });
    let (output, linter) = linted?;
    let mut sources = annotated.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    let Output { mut findings, tool, mut warnings, rules } = output;
    if matches!(question.source, Source::Given(_)) {
        findings.retain(|finding| below(&finding.file, paths));
        if !question.codes.is_empty() {
            findings.retain(|finding| is_asked_for(&finding.code, codes));
        }
    }
    let links = read_the_rest(project, &mut findings, &mut sources)?;
    if links > 0 {
        warnings.push(format!("findings in {links} files that are links are left out"));
    }
    let mut facts = facts(project, changes.as_ref(), linter.as_ref(), codes, &findings, &sources)?;
    if question.age {
        age::ask(project, &findings, &mut facts)?;
    }
    let codes = looked_for(question, codes, rules);
    let paths = paths.to_vec();
    Ok(Gathered { findings, facts, sources, tool, warnings, codes, paths, waivers, owners, linter })
}

/// What is known of each finding: its fingerprint, and whether the change adds it.
fn facts(
    project: &Project,
    changes: Option<&Changes>,
    linter: Option<&Linter>,
    codes: &[String],
    findings: &[Finding],
    sources: &BTreeMap<String, String>,
) -> Result<Vec<Facts>, Error> {
    let new = match changes {
        Some(changes) => {
            let linter = linter.map(|linter| (&linter.ruff, codes));
            since::new(project, changes, linter, findings, sources)?
        }
        None => vec![true; findings.len()],
    };
    let fingerprints = fingerprints(findings, sources).into_iter();
    let facts = fingerprints.zip(new);
    Ok(facts.map(|(fingerprint, new)| Facts { fingerprint, new, first_seen: None }).collect())
}

fn lint(
    project: &Project,
    question: &Question,
    paths: &[String],
    codes: &[String],
    progress: &dyn Progress,
) -> Result<(Output, Option<Linter>), Error> {
    match &question.source {
        Source::Given(bytes) => Ok((findings::read(project, bytes)?, None)),
        Source::Ruff => {
            progress.begin("ruff", None);
            let (mut output, ruff) =
                findings::ruff_in_its_order(project, paths, codes).map_err(wrong_codes)?;
            findings::sort(&mut output.findings);
            Ok((output, Some(Linter { ruff, names: paths.to_vec() })))
        }
    }
}

/// A rule that ruff does not know is wrong usage.
fn wrong_codes(error: Error) -> Error {
    match error {
        Error::Program { problem, .. } if problem.contains("for '--select <") => {
            let line = problem.lines().next().unwrap_or_default();
            Error::Usage(format!("ruff: {}", line.trim_start_matches("error: ")))
        }
        other => other,
    }
}

/// The sources that may hold an annotation.
fn annotated(project: &Project, paths: &[String]) -> Result<BTreeMap<String, String>, Error> {
    let mut sources = BTreeMap::new();
    let mut bytes = Vec::new();
    for name in files::list(project, paths)? {
        if Language::of_path(&name).is_some()
            && files::read_into(project, &name, &mut bytes)?
            && may_be_annotated(&bytes)
        {
            sources.insert(name, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    Ok(sources)
}

/// Reads the sources that have findings and were not read yet. Findings in files that are reached through a link are
/// taken out: the file itself has them, or it is none of this tree. The number of such files.
fn read_the_rest(
    project: &Project,
    findings: &mut Vec<Finding>,
    sources: &mut BTreeMap<String, String>,
) -> Result<usize, Error> {
    let missing: BTreeSet<&str> = findings
        .iter()
        .map(|finding| finding.file.as_str())
        .filter(|file| !sources.contains_key(*file))
        .collect();
    let mut read = Vec::with_capacity(missing.len());
    let mut links = BTreeSet::new();
    for file in missing {
        if files::is_link(project, file) {
            links.insert(file.to_owned());
        } else if let Some(bytes) = files::read(project, file)? {
            read.push((file.to_owned(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    findings.retain(|finding| !links.contains(&finding.file));
    sources.extend(read);
    Ok(links.len())
}

/// Whether a file is one of some names, or below one of them.
fn below(file: &str, names: &[String]) -> bool {
    names.iter().any(|name| {
        name == "."
            || file.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Whether a rule is among those that `--select` names: by the whole code or the beginning of it.
fn is_asked_for(code: &str, codes: &[String]) -> bool {
    code == "invalid-syntax" || codes.iter().any(|asked| asked == "ALL" || code.starts_with(asked.as_str()))
}

/// The rules whose annotations can be stale. Of another linter's output, only what it shows to have looked for.
fn looked_for(question: &Question, codes: &[String], rules: BTreeSet<String>) -> Vec<String> {
    match question.source {
        Source::Given(_) if question.codes.is_empty() => {
            // An empty list would be every rule.
            if rules.is_empty() { vec!["invalid-syntax".to_owned()] } else { rules.into_iter().collect() }
        }
        _ if codes.iter().any(|code| code == "ALL") => Vec::new(),
        _ => codes.to_vec(),
    }
}
