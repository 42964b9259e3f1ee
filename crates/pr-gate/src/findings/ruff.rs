//! Runs ruff as a program.

mod command;
mod configuration;
mod find;
mod fix;
mod running;
mod said;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use annotations::Finding;
use source_tree::Launcher;

use super::Output;
use super::file_names::Names;
use crate::{Error, Project};
use command::{argument, portions};
use said::RuffSaid;

pub use command::Excluded;
pub use configuration::{is_configuration, refuse_endless};
pub use fix::Survey;

/// ruff's message about a tree without Python.
const NO_FILES: &str = "warning: No Python files found under the given path(s)";

/// The maximum number of lines of ruff's messages that become warnings.
const WARNINGS: usize = 10;

/// A ruff program and the root of the tree in which it runs.
#[derive(Debug, Clone)]
pub struct Ruff {
    program: PathBuf,
    before: Vec<OsString>,
    /// Whether this program gets an environment variable that other programs do not get.
    passes: fn(&str) -> bool,
    launcher: Launcher,
    root: PathBuf,
    cache: bool,
    said: RuffSaid,
}

impl Ruff {
    /// Lints files that git tracks, but that ruff ignores when it searches folders. Files that ruff's settings exclude
    /// stay excluded.
    ///
    /// # Errors
    /// ruff fails. The error has its message.
    pub fn check_hidden(
        &self,
        names: &[String],
        codes: &[String],
        known: &mut Names<'_>,
        output: &mut Output,
    ) -> Result<(), Error> {
        let mut found = Output::default();
        self.check(names, codes, Excluded::Always, known, &mut found)?;
        let seen: BTreeSet<&str> = output.findings.iter().map(|finding| finding.file.as_str()).collect();
        found.findings.retain(|finding| !seen.contains(finding.file.as_str()));
        output.findings.append(&mut found.findings);
        Ok(())
    }

    /// Lints files and folders.
    ///
    /// # Errors
    /// ruff fails. The error has its message.
    pub fn check(
        &self,
        names: &[String],
        codes: &[String],
        excluded: Excluded,
        known: &mut Names<'_>,
        output: &mut Output,
    ) -> Result<(), Error> {
        for names in portions(names) {
            let mut command = self.linter(codes, excluded);
            command.arg("--").args(names.iter().map(|name| argument(name)));
            let (findings, said) = self.run(&mut command, None, known)?;
            output.findings.extend(findings);
            let lines = said.lines().filter(|line| !line.trim().is_empty());
            output.warnings.extend(lines.take(WARNINGS).map(|line| match line {
                NO_FILES => "there are no Python files to check".to_owned(),
                line => format!("ruff: {line}"),
            }));
        }
        Ok(())
    }

    /// Lints a text as the content of the file with this name.
    ///
    /// # Errors
    /// ruff fails. The error has its message.
    pub fn check_text(
        &self,
        project: &Project,
        name: &str,
        text: &[u8],
        codes: &[String],
        excluded: Excluded,
    ) -> Result<Vec<Finding>, Error> {
        let mut linter = self.linter(codes, excluded);
        linter.arg(format!("--stdin-filename={}", argument(name))).args(["--", "-"]);
        Ok(self.run(&mut linter, Some(text), &mut Names::new(project))?.0)
    }

    /// Returns the files that ruff checks for these files and folders, relative to the root.
    ///
    /// # Errors
    /// ruff fails. The error has its message.
    pub fn files(&self, project: &Project, names: &[String]) -> Result<BTreeSet<String>, Error> {
        let mut known = Names::new(project);
        let mut files = BTreeSet::new();
        for names in portions(names) {
            let output = self.printed(&mut self.lister(names))?;
            let text = String::from_utf8_lossy(&output);
            files.extend(text.lines().filter_map(|line| known.name(line)));
        }
        Ok(files)
    }

    /// Returns the error for a ruff that failed with this text on stderr.
    fn failed_with(&self, said: &[u8]) -> Error {
        failed(self.said.told(String::from_utf8_lossy(said).trim()))
    }
}

fn failed(problem: String) -> Error {
    Error::Program { program: "ruff".to_owned(), problem }
}
