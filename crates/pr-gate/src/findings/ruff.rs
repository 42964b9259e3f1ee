//! ruff, run as a program.

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

/// What ruff says about a tree without Python.
const NO_FILES: &str = "warning: No Python files found under the given path(s)";

/// How many lines of that become warnings.
const WARNINGS: usize = 10;

/// Where ruff is.
#[derive(Debug, Clone)]
pub struct Ruff {
    program: PathBuf,
    before: Vec<OsString>,
    /// The variables that this program gets beside those of every program.
    passes: fn(&str) -> bool,
    launcher: Launcher,
    root: PathBuf,
    cache: bool,
    said: RuffSaid,
}

impl Ruff {
    /// Lints files that are part of the repository, but that it takes for ignored when it looks for files. What its own
    /// settings exclude stays excluded.
    ///
    /// # Errors
    /// When ruff fails, with what it said.
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

    /// Lints names.
    ///
    /// # Errors
    /// When ruff fails, with what it said.
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

    /// Lints a text as if it stood in the file of this name.
    ///
    /// # Errors
    /// When ruff fails, with what it said.
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

    /// The files below names that ruff looks at, from the root.
    ///
    /// # Errors
    /// When ruff fails, with what it said.
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

    /// Error for a ruff that failed with this text on stderr.
    fn failed_with(&self, said: &[u8]) -> Error {
        failed(self.said.told(String::from_utf8_lossy(said).trim()))
    }
}

fn failed(problem: String) -> Error {
    Error::Program { program: "ruff".to_owned(), problem }
}
