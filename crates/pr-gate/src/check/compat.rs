//! The check with the semantics of the original checker (`t4 check --compat`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use annotations::Compat;
use source_tree::contained;

use super::{FindingSource, links};
use crate::settings::{DEFAULT_CODES, DEFAULT_SKIP};
use crate::{Error, Project, files, findings};

/// The default paths of the original.
const DEFAULT_PATHS: [&str; 7] = ["lukhas", "core", "api", "consciousness", "memory", "identity", "MATRIZ"];

/// The original's waiver file. On a case-sensitive file system its folder is not `audit/waivers`.
const WAIVERS: &str = "AUDIT/waivers/unused_imports.yaml";

/// The maximum size of the waiver file, in bytes.
const LARGEST_WAIVERS: u64 = 1 << 20;

/// Options of a check with the original's semantics.
#[derive(Debug, Clone, Default)]
pub struct CompatQuestion {
    /// Files and folders of the command line; empty for the original's.
    pub paths: Vec<PathBuf>,
    /// The rules of the command line, untrimmed; empty for the original's.
    pub codes: String,
    /// The source of the findings.
    pub source: FindingSource,
}

/// The original's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum CompatAnswer {
    /// The result of the check.
    Checked(Compat),
    /// The check failed. This is the JSON that the original prints then.
    Failed(String),
}

/// Checks with the original's semantics: its default paths and rules, its waiver file, and annotations on the first row
/// of a finding only.
///
/// Paths that do not exist, or that have the name of a skipped folder, are left out silently.
///
/// # Errors
/// The original crashed in these cases: [`Error::Usage`] for a path outside the root, [`Error::Unreadable`] for a
/// malformed waiver file. Another error when a file can't be read.
pub fn compat(project: &Project, question: &CompatQuestion, timestamp: &str) -> Result<CompatAnswer, Error> {
    let defaults = DEFAULT_PATHS.map(PathBuf::from);
    let paths = if question.paths.is_empty() { &defaults[..] } else { &question.paths };
    let mut names = Vec::new();
    for path in paths {
        if DEFAULT_SKIP.contains(&path.to_string_lossy().trim()) {
            continue;
        }
        let name = project.tree.name(path)?;
        if project.tree.path(&name).exists() {
            names.push(name);
        }
    }
    let failed = |message: &str| Ok(CompatAnswer::Failed(Compat::error(message, timestamp)));
    if names.is_empty() {
        return failed("No valid production paths to validate");
    }
    let codes = if question.codes.is_empty() { DEFAULT_CODES.join(",") } else { question.codes.clone() };
    let waivers = contained::text(&project.tree.root, WAIVERS, LARGEST_WAIVERS)?;
    let findings = match &question.source {
        FindingSource::Ruff => {
            findings::ruff_in_its_order(project, &names, &[codes]).map(|(output, _)| output)
        }
        FindingSource::Given(bytes) => findings::read_in_its_order(project, bytes),
    };
    let mut findings = match findings {
        Ok(output) => output.findings,
        Err(Error::Program { program, problem }) => {
            return failed(&format!("{program} failed: {problem}\n"));
        }
        Err(Error::Unreadable { problem, .. }) => {
            return failed(&format!("Failed to parse ruff output: {problem}"));
        }
        Err(error) => return Err(error),
    };
    let files: BTreeSet<_> = findings.iter().map(|finding| finding.file.clone()).collect();
    let outside: BTreeSet<_> = files.into_iter().filter(|file| links::leads_outside(project, file)).collect();
    findings.retain(|finding| !outside.contains(&finding.file));
    let mut sources: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for finding in &findings {
        if !sources.contains_key(&finding.file)
            && let Some(bytes) = files::read(project, &finding.file)?
        {
            sources.insert(finding.file.clone(), bytes);
        }
    }
    let checked = Compat::check(&findings, &sources, waivers.as_deref(), timestamp);
    checked.map(CompatAnswer::Checked).map_err(|problem| Error::unreadable(WAIVERS, problem))
}
