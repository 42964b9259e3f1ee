//! Search for submodules with uncommitted changes.
//!
//! git finds out whether a submodule is changed by running another git inside it, under the submodule's configuration,
//! which may name programs. T4 keeps git from doing so (`--ignore-submodules=dirty`) and opens each submodule here as
//! another repository that is not trusted.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::Git;
use super::listing::{self, StagedEntry};
use crate::Error;

/// How deep submodules in submodules are looked into.
const DEEPEST: usize = 16;

impl Git {
    /// The submodules, from the root, that contain uncommitted changes; with `new_files`, also those that contain untracked
    /// files. A submodule at another commit is reported by `git diff`, not here.
    ///
    /// # Errors
    /// When git can't be run or fails.
    pub fn dirty_submodules(&self, new_files: bool) -> Result<Vec<Vec<u8>>, Error> {
        self.dirty_below(new_files, DEEPEST)
    }

    fn dirty_below(&self, new_files: bool, depth: usize) -> Result<Vec<Vec<u8>>, Error> {
        let mut dirty = Vec::new();
        let listed = self.run(&["ls-files", "-z", "--cached", "--stage"])?;
        for StagedEntry { name, .. } in listing::staged(&listed).filter(|entry| entry.mode == b"160000") {
            let Ok(text) = std::str::from_utf8(name) else {
                self.refuse_unreadable(name)?;
                continue;
            };
            if self.is_dirty(text, new_files, depth)? {
                dirty.push(name.to_vec());
            }
        }
        Ok(dirty)
    }

    /// Refuses a submodule that is checked out under a name that is not UTF-8: git would read its configuration, which
    /// could not be looked at before.
    fn refuse_unreadable(&self, name: &[u8]) -> Result<(), Error> {
        let path = self.root.join(OsStr::from_bytes(name));
        if path.join(".git").symlink_metadata().is_err() {
            return Ok(());
        }
        Err(Error::Refused(format!(
            "the name of the submodule `{}` is not UTF-8: T4 does not work in a repository with one",
            path.display()
        )))
    }

    fn is_dirty(&self, name: &str, new_files: bool, depth: usize) -> Result<bool, Error> {
        const STATUS: [&str; 4] = ["status", "--porcelain=v2", "-z", "--ignore-submodules=dirty"];
        // A submodule that is not checked out has no `.git`. Links are not followed.
        let is_there = crate::contained::look(&self.root, &format!("{name}/.git"));
        if !is_there.is_ok_and(|found| found.is_some()) {
            return Ok(false);
        }
        let submodule = self.elsewhere(&self.root.join(Path::new(name)))?;
        let files = if new_files { "--untracked-files=normal" } else { "--untracked-files=no" };
        // Those below it are opened first: git reads their configuration for the status.
        let below = depth > 0 && !submodule.dirty_below(new_files, depth - 1)?.is_empty();
        Ok(below || !submodule.run(&[&STATUS[..], &[files]].concat())?.is_empty())
    }
}
