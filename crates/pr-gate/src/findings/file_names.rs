//! File names in a linter's output.

use std::path::Path;

use crate::Project;

/// The maximum number of names in a warning.
const SHOWN: usize = 3;

/// Converts names of a linter's output to names relative to the root, and records those that are outside it.
pub struct Names<'a> {
    project: &'a Project,
    /// The last name and its result. Linters list their findings file by file.
    last: (String, Option<String>),
    outside: Vec<String>,
    outside_count: usize,
    unplaced: usize,
}

impl<'a> Names<'a> {
    pub fn new(project: &'a Project) -> Self {
        let last = (String::new(), None);
        Self { project, last, outside: Vec::new(), outside_count: 0, unplaced: 0 }
    }

    /// Returns the name relative to the root, or `None` for a file that is outside the root or in a skipped folder.
    pub fn name(&mut self, said: &str) -> Option<String> {
        if self.last.0 != said || said.is_empty() {
            self.last = (said.to_owned(), self.find(said));
        }
        self.last.1.clone()
    }

    /// Records a finding that names no file.
    pub fn unplaced(&mut self) {
        self.unplaced += 1;
    }

    fn find(&mut self, said: &str) -> Option<String> {
        let Some(name) = self.below(Path::new(said)) else {
            self.outside_count += 1;
            if self.outside.len() < SHOWN {
                self.outside.push(format!("`{said}`"));
            }
            return None;
        };
        (!self.project.is_skipped(&name)).then_some(name)
    }

    fn below(&self, path: &Path) -> Option<String> {
        let name = self.project.tree.name_from_root(path).ok()?;
        (name != ".").then_some(name)
    }

    /// Whether any file was outside the root.
    pub fn some_outside(&self) -> bool {
        self.outside_count > 0
    }

    /// Returns warnings about the findings that are left out.
    pub fn warnings(self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.outside_count > 0 {
            let more = if self.outside_count > self.outside.len() { ", ..." } else { "" };
            warnings.push(format!(
                "findings in files outside `{}` are left out: {}{more}",
                self.project.tree.root.display(),
                self.outside.join(", ")
            ));
        }
        if self.unplaced > 0 {
            warnings.push(format!("{} findings name no file: they are left out", self.unplaced));
        }
        warnings
    }
}
