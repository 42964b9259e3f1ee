//! Gathers the inputs of a check: runs the linter, and reads sources, waivers and owners.

use std::collections::{BTreeMap, BTreeSet};

use annotations::{Finding, KnownFinding, Language, may_be_annotated};

use super::since::{self, BaseVersion, TreeChanges, below};
use super::{CheckQuestion, FindingSource, Gathered, Linter, age, links};
use crate::findings::{self, Output};
use crate::fingerprint::fingerprints;
use crate::{Error, Progress, Project, codeowners, files, waivers};

/// ruff's rule for a source that can't be read or is not UTF-8. If the rule is not selected, ruff only warns about such
/// a source.
pub(crate) const UNREADABLE: &str = "E902";

/// Gathers the inputs of a check.
///
/// # Errors
/// - [`Error::Usage`] for a path that does not exist, a rule that ruff does not know, or a base that can't be compared
///   with.
/// - [`Error::Unreadable`] when a waiver file, CODEOWNERS or the linter's output can't be parsed.
/// - [`Error::Program`] when the linter or git fails.
/// - [`Error::File`] when a file can't be read.
pub fn gather(
    project: &Project,
    question: &CheckQuestion,
    progress: &dyn Progress,
) -> Result<Gathered, Error> {
    let paths = question.paths(project);
    // A source that the linter can't read must not count as one without findings.
    let codes = &*[question.codes(project), &[UNREADABLE.to_owned()]].concat();
    let (waivers, owners) = (waivers::load(project)?, codeowners::codeowners(project)?);
    let changes = question.since.as_ref().map(|revision| TreeChanges::since(since::git(project)?, revision));
    let changes = changes.transpose()?;
    let (linted, annotated) = std::thread::scope(|scope| {
        let annotated = scope.spawn(|| annotated(project, paths));
        let linted = lint(project, question, paths, codes, progress);
        (linted, annotated.join())
    });
    let (output, linter) = linted?;
    let mut sources = annotated.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    let Output { mut findings, tool, mut warnings, rules } = output;
    warnings.extend(skipped(project, paths));
    if matches!(question.source, FindingSource::Given(_)) {
        findings.retain(|finding| below(&finding.file, paths));
        if !question.codes.is_empty() {
            findings.retain(|finding| is_asked_for(&finding.code, codes));
        }
    }
    let links = links::resolve(project, &mut findings);
    if links.outside > 0 {
        warnings.push(format!("findings in {} links to files outside the tree are left out", links.outside));
    }
    warnings.extend(changes.as_ref().and_then(|changes| behind_filter(changes, &findings)));
    read_the_rest(project, &findings, &mut sources)?;
    let names = fingerprints(&findings, &sources);
    let known = |(finding, fingerprint)| KnownFinding { fingerprint, ..KnownFinding::from(finding) };
    let mut findings: Vec<_> = findings.into_iter().zip(names).map(known).collect();
    if let Some(changes) = &changes {
        let linter = linter.as_ref().map(|linter| (&linter.ruff, codes));
        since::mark_new(project, changes, linter, &mut findings, &sources)?;
        for known in &mut findings {
            let link = links.by(&known.finding);
            known.new |= link.is_some_and(|link| changes.before(link) != BaseVersion::Same);
        }
    }
    if question.age {
        age::ask(project, &mut findings)?;
    }
    let codes = looked_for(question, question.codes(project), rules);
    let paths = paths.to_vec();
    let weights = project.settings.weights();
    Ok(Gathered { findings, sources, tool, warnings, codes, paths, waivers, owners, weights, linter })
}

fn lint(
    project: &Project,
    question: &CheckQuestion,
    paths: &[String],
    codes: &[String],
    progress: &dyn Progress,
) -> Result<(Output, Option<Linter>), Error> {
    match &question.source {
        FindingSource::Given(bytes) => Ok((findings::read(project, bytes)?, None)),
        FindingSource::Ruff => {
            progress.begin("ruff", None);
            let (mut output, ruff) =
                findings::ruff_in_its_order(project, paths, codes).map_err(wrong_codes)?;
            findings::sort(&mut output.findings);
            Ok((output, Some(Linter { ruff, names: paths.to_vec() })))
        }
    }
}

/// Converts the error about a rule that ruff does not know to [`Error::Usage`].
fn wrong_codes(error: Error) -> Error {
    match error {
        Error::Program { problem, .. } if problem.contains("for '--select <") => {
            let line = problem.lines().next().unwrap_or_default();
            Error::Usage(format!("ruff: {}", line.trim_start_matches("error: ")))
        }
        other => other,
    }
}

/// Reads the sources that may have an annotation.
fn annotated(project: &Project, paths: &[String]) -> Result<BTreeMap<String, String>, Error> {
    let mut sources = BTreeMap::new();
    let mut bytes = Vec::new();
    for name in files::list(project, paths)? {
        if Language::of_path(&name).is_some()
            && files::read_into(project, &name, &mut bytes)?
            && may_be_annotated(&bytes)
        {
            sources.insert(name, text(std::mem::take(&mut bytes)));
        }
    }
    Ok(sources)
}

/// Converts a source to text and replaces bytes that are not UTF-8. Valid UTF-8 is not copied.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Reads the sources that have findings and are not in `sources` yet.
fn read_the_rest(
    project: &Project,
    findings: &[Finding],
    sources: &mut BTreeMap<String, String>,
) -> Result<(), Error> {
    let missing: BTreeSet<&str> = findings
        .iter()
        .map(|finding| finding.file.as_str())
        .filter(|file| !sources.contains_key(*file))
        .collect();
    let mut read = Vec::with_capacity(missing.len());
    for file in missing {
        if let Some(bytes) = files::read(project, file)? {
            read.push((file.to_owned(), text(bytes)));
        }
    }
    sources.extend(read);
    Ok(())
}

/// Returns a warning when paths are in skipped folders: they pass unchecked.
fn skipped(project: &Project, paths: &[String]) -> Option<String> {
    let skipped: Vec<&String> = paths.iter().filter(|path| project.is_skipped(path)).collect();
    let first = skipped.first()?;
    let more = skipped.len() - 1;
    let others = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("`{first}`{others} is in a skipped folder (`check.skip` of t4.toml) and was not checked"))
}

/// Returns a warning when findings are in files with a git filter, which can't be compared with the base.
fn behind_filter(changes: &TreeChanges, findings: &[Finding]) -> Option<String> {
    let files: BTreeSet<&str> = findings
        .iter()
        .map(|finding| finding.file.as_str())
        .filter(|file| changes.behind_filter().contains(*file))
        .collect();
    let first = files.first()?;
    let more = files.len() - 1;
    let others = if more > 0 { format!(" and {more} more files") } else { String::new() };
    Some(format!(
        "`{first}`{others} can't be compared with the base: a git filter (`.gitattributes`) applies, and T4 runs no \
         filters. All findings there count as new"
    ))
}

/// Whether a rule is selected: by its code or by a prefix of it, as with `--select`.
fn is_asked_for(code: &str, codes: &[String]) -> bool {
    code == "invalid-syntax" || codes.iter().any(|asked| asked == "ALL" || code.starts_with(asked.as_str()))
}

/// Returns the rules whose annotations can be stale. For the output of another linter, these are only the rules that it
/// checked according to the output.
fn looked_for(question: &CheckQuestion, codes: &[String], rules: BTreeSet<String>) -> Vec<String> {
    match question.source {
        FindingSource::Given(_) if question.codes.is_empty() => {
            // An empty list would mean every rule.
            if rules.is_empty() { vec!["invalid-syntax".to_owned()] } else { rules.into_iter().collect() }
        }
        _ if codes.iter().any(|code| code == "ALL") => Vec::new(),
        _ => codes.to_vec(),
    }
}
