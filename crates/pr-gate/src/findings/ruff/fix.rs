//! ruff's own fixes.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde::Deserialize;

use super::command::{Excluded, argument, portions};
use super::{Ruff, RuffSaid, failed};
use crate::findings::file_names::Names;
use crate::{Error, Project};

/// How many findings there are, by rule and file.
pub type Survey = BTreeMap<String, BTreeMap<String, FindingCount>>;

/// The findings of a rule in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FindingCount {
    /// All of them.
    pub found: usize,
    /// Those that ruff has a fix for.
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
    /// This ruff in another folder, where it leaves no cache.
    #[must_use]
    pub fn at(&self, root: &Path) -> Self {
        Self { root: root.to_owned(), cache: false, said: RuffSaid::of(root), ..self.clone() }
    }

    /// Counts the findings below names, and those that it could fix.
    ///
    /// # Errors
    /// When ruff fails, with what it said.
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

    /// A text as its fixes of one rule leave it. Nothing is written.
    ///
    /// # Errors
    /// When ruff fails, with what it said.
    pub fn fix_text(&self, name: &str, text: &str, code: &str, unsafe_fixes: bool) -> Result<String, Error> {
        let mut command = self.fixer(name, code, unsafe_fixes);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| failed(format!("can't be run: {error}")))?;
        let stdin = child.stdin.take();
        let output = std::thread::scope(|scope| {
            scope.spawn(move || {
                // A ruff that ends before it has read everything says why.
                stdin.and_then(|mut stdin| stdin.write_all(text.as_bytes()).ok())
            });
            child.wait_with_output()
        });
        let output = output.map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(self.failed_with(&output.stderr));
        }
        // Nothing may be left of a file that held unused imports alone.
        String::from_utf8(output.stdout).map_err(|_| failed("its fix is not UTF-8".to_owned()))
    }
}
