//! Which files differ from the base.

use std::collections::{BTreeMap, BTreeSet};

use source_tree::git::Git;

use crate::Error;

/// The files that differ between the base and the working tree.
#[derive(Debug, Default)]
pub struct TreeChanges {
    base: String,
    /// The changed files by their names now: their names in the base, if they are there.
    changed: BTreeMap<String, Option<String>>,
    /// What git tracks.
    tracked: BTreeSet<String>,
    /// Changed files behind a filter that is not run: what the base has of them is not what they were.
    behind_filter: BTreeSet<String>,
}

/// What a file was in the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaseVersion<'a> {
    /// What it is now.
    Same,
    /// Something else, under this name.
    Other(&'a str),
    /// It was not there.
    Nothing,
}

impl TreeChanges {
    /// What differs between the merge base of a revision and `HEAD` and the working tree, whether committed or not.
    ///
    /// # Errors
    /// [`Error::Usage`] when the revision names no commit that shares a history with `HEAD`.
    pub fn since(git: &Git, revision: &str) -> Result<Self, Error> {
        // The flags undo what a user's settings may change, and keep git from looking into submodules.
        const DIFF: [&str; 8] = [
            "diff",
            "--name-status",
            "-z",
            "-M",
            "--no-relative",
            "--no-ext-diff",
            "--no-textconv",
            "--ignore-submodules=dirty",
        ];
        let base = git.merge_base(revision)?;
        // First, since git reads the configuration of a submodule for the diff, and this refuses one without an end.
        let submodules = git.dirty_submodules(true)?;
        let output = git.run(&[&DIFF[..], &[&base, "--"]].concat())?;
        let tracked = names(&git.run(&["ls-files", "-z"])?).collect();
        let mut changed = BTreeMap::new();
        let mut fields = names(&output);
        while let Some(status) = fields.next() {
            let Some(first) = fields.next() else { break };
            match status.chars().next() {
                Some('A') => changed.insert(first, None),
                Some('R' | 'C') => {
                    let Some(now) = fields.next() else { break };
                    changed.insert(now, Some(first))
                }
                _ => changed.insert(first.clone(), Some(first)),
            };
        }
        for name in submodules {
            let name = String::from_utf8_lossy(&name).into_owned();
            changed.entry(name.clone()).or_insert(Some(name));
        }
        let names: Vec<&String> = changed.keys().collect();
        let behind_filter = git.behind_filter(&names)?;
        let behind_filter =
            behind_filter.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        Ok(Self { base, changed, tracked, behind_filter })
    }

    /// The base: a commit's name.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The changed files that can't be compared with what they were, since they lie behind a filter that is not run.
    pub fn behind_filter(&self) -> &BTreeSet<String> {
        &self.behind_filter
    }

    /// What a file was. A file in a submodule is the same when the submodule is. One that can't be compared was nothing: all
    /// that is found in it is new.
    pub fn before<'a>(&'a self, file: &'a str) -> BaseVersion<'a> {
        if self.behind_filter.contains(file) {
            return BaseVersion::Nothing;
        }
        match self.changed.get(file) {
            Some(Some(before)) => BaseVersion::Other(before),
            Some(None) => BaseVersion::Nothing,
            None if self.tracked.contains(file) => BaseVersion::Same,
            None => {
                let mut above = file;
                while let Some((folder, _)) = above.rsplit_once('/') {
                    if self.tracked.contains(folder) && !self.changed.contains_key(folder) {
                        return BaseVersion::Same;
                    }
                    above = folder;
                }
                BaseVersion::Nothing
            }
        }
    }
}

/// The names of an output that NULs part. A linter's names are UTF-8: others match none of them.
fn names(output: &[u8]) -> impl Iterator<Item = String> {
    output
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| String::from_utf8_lossy(name).into_owned())
}
