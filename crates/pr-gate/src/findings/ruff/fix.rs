//! Fixes by ruff.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde::Deserialize;

use super::command::{Excluded, argument, portions};
use super::{Ruff, RuffSaid, failed};
use crate::findings::file_names::Names;
use crate::{Error, Project};

/// Numbers of findings, by rule and file.
pub type Survey = BTreeMap<String, BTreeMap<String, FindingCount>>;

/// Numbers of findings of one rule in one file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FindingCount {
    /// All findings.
    pub found: usize,
    /// The findings that ruff can fix.
    pub fixable: usize,
}

#[derive(Deserialize)]
struct RawCounted {
    code: Option<String>,
    filename: String,
    fix: Option<RawFix>,
}

#[derive(Deserialize)]
struct RawFix {
    applicability: String,
}

impl Ruff {
    /// Returns this ruff for another root, where it writes no cache.
    #[must_use]
    pub fn at(&self, root: &Path) -> Self {
        Self { root: root.to_owned(), cache: false, said: RuffSaid::of(root), ..self.clone() }
    }

    /// Counts the findings in files and folders, and those that ruff can fix.
    ///
    /// # Errors
    /// ruff fails. The error has its message.
    pub fn survey(
        &self,
        project: &Project,
        names: &[String],
        codes: &[String],
        unsafe_fixes: bool,
    ) -> Result<Survey, Error> {
        let mut known = Names::new(project);
        let mut survey = Survey::new();
        for names in portions(names) {
            let mut command = self.linter(codes, Excluded::WhenFound);
            command.arg("--").args(names.iter().map(|name| argument(name)));
            let output = self.printed(&mut command)?;
            let raws: Vec<RawCounted> =
                serde_json::from_slice(&output).map_err(|error| Error::unreadable("ruff's output", error))?;
            for raw in raws {
                let Some(file) = known.name(&raw.filename) else { continue };
                let code = raw.code.unwrap_or_else(|| "invalid-syntax".to_owned());
                let counted = survey.entry(code).or_default().entry(file).or_default();
                counted.found += 1;
                let applies = |fix: &RawFix| {
                    fix.applicability == "safe" || (unsafe_fixes && fix.applicability == "unsafe")
                };
                counted.fixable += usize::from(raw.fix.as_ref().is_some_and(applies));
            }
        }
        Ok(survey)
    }

    /// Returns a text with ruff's fixes for one rule. Writes nothing.
    ///
    /// # Errors
    /// ruff fails. The error has its message.
    pub fn fix_text(&self, name: &str, text: &str, code: &str, unsafe_fixes: bool) -> Result<String, Error> {
        let mut command = self.fixer(name, code, unsafe_fixes);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| failed(format!("can't be run: {error}")))?;
        let stdin = child.stdin.take();
        let output = std::thread::scope(|scope| {
            scope.spawn(move || {
                // If ruff exits before it has read everything, its message is the error.
                stdin.and_then(|mut stdin| stdin.write_all(text.as_bytes()).ok())
            });
            child.wait_with_output()
        });
        let output = output.map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(self.failed_with(&output.stderr));
        }
        // The text may be empty: a file may have only unused imports.
        String::from_utf8(output.stdout).map_err(|_| failed("its fix is not UTF-8".to_owned()))
    }
}
