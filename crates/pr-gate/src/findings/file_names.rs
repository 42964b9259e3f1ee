//! File names in a linter's output.

use std::path::Path;

use crate::Project;

/// How many names a warning shows.
const SHOWN: usize = 3;

/// Turns names of a linter's output into names from the root, and remembers those that lead out of it.
pub struct Names<'a> {
    project: &'a Project,
    /// The last answer: a linter's findings come file by file.
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

    /// The name from the root; `None` for a file that is outside of it, or in a folder that is not looked into.
    pub fn name(&mut self, said: &str) -> Option<String> {
        if self.last.0 != said || said.is_empty() {
            self.last = (said.to_owned(), self.find(said));
        }
        self.last.1.clone()
    }

    /// A finding that names no file.
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

    /// Whether a file was named that is outside of the root.
    pub fn some_outside(&self) -> bool {
        self.outside_count > 0
    }

    /// What was left out.
    pub fn warnings(self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.outside_count > 0 {
            let more = if self.outside_count > self.outside.len() { ", ..." } else { "" };
            warnings.push(format!(
                "findings in files outside of `{}` are left out: {}{more}",
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
