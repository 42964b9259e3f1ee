//! The check as the original made it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use annotations::Compat;
use source_tree::contained;

use super::{FindingSource, links};
use crate::settings::{DEFAULT_CODES, DEFAULT_SKIP};
use crate::{Error, Project, files, findings};

/// Where the original looks unless it is told.
const DEFAULT_PATHS: [&str; 7] = ["lukhas", "core", "api", "consciousness", "memory", "identity", "MATRIZ"];

/// Where it reads waivers from: in this spelling, which is another folder than `audit/waivers` on most systems.
const WAIVERS: &str = "AUDIT/waivers/unused_imports.yaml";

/// The largest waiver file that is read.
const LARGEST_WAIVERS: u64 = 1 << 20;

/// What is asked of it.
#[derive(Debug, Clone, Default)]
pub struct CompatQuestion {
    /// Files and folders as the command line has them; empty takes the original's.
    pub paths: Vec<PathBuf>,
    /// The rules as the command line has them, nothing trimmed; empty takes the original's.
    pub codes: String,
    /// Where the findings are from.
    pub source: FindingSource,
}

/// The original's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum CompatAnswer {
    /// It checked.
    Checked(Compat),
    /// It could not: the JSON that it prints then.
    Failed(String),
}

/// Checks as the original did: its default paths and rules, its annotations on the first row alone, its waiver file.
/// Paths that are not there, or are named as a folder that is not looked into, are left out without a word.
///
/// # Errors
/// [`Error::Usage`] for a path outside of the root, where the original broke down; a waiver file on which it did.
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
