//! Submodules with changes of their own.
//!
//! To tell whether a submodule is changed, git runs another git in it, with that submodule's configuration: settings there
//! could name programs that nobody has looked at. So git is kept from it (`--ignore-submodules=dirty`), and each submodule
//! is asked here as a repository that is not trusted either.

use std::path::Path;

use super::Git;
use crate::Error;

/// How deep submodules in submodules are looked into.
const DEEPEST: usize = 16;

impl Git {
    /// The submodules, from the root, with changes that are not committed in them; with `new_files`, those too with files
    /// that git does not track. One whose commit is another than the repository's is told of by `git diff`.
    ///
    /// # Errors
    /// When git can't be run or fails.
    pub fn dirty_submodules(&self, new_files: bool) -> Result<Vec<Vec<u8>>, Error> {
        self.dirty_below(new_files, DEEPEST)
    }

    fn dirty_below(&self, new_files: bool, depth: usize) -> Result<Vec<Vec<u8>>, Error> {
        let mut dirty = Vec::new();
        let listed = self.run(&["ls-files", "-z", "--cached", "--stage"])?;
        for entry in listed.split(|byte| *byte == 0).filter(|entry| entry.starts_with(b"160000 ")) {
            let Some(at) = entry.iter().position(|byte| *byte == b'\t') else { continue };
            let name = entry.get(at + 1..).unwrap_or_default();
            let Ok(text) = std::str::from_utf8(name) else { continue };
            if self.is_dirty(text, new_files, depth)? {
                dirty.push(name.to_vec());
            }
        }
        Ok(dirty)
    }

    fn is_dirty(&self, name: &str, new_files: bool, depth: usize) -> Result<bool, Error> {
        const STATUS: [&str; 4] = ["status", "--porcelain=v2", "-z", "--ignore-submodules=dirty"];
        // One that is not checked out has no `.git`, and one behind a link is none.
        let is_there = crate::contained::look(&self.root, &format!("{name}/.git"));
        if !is_there.is_ok_and(|found| found.is_some()) {
            return Ok(false);
        }
        let submodule = self.elsewhere(&self.root.join(Path::new(name)))?;
        let files = if new_files { "--untracked-files=normal" } else { "--untracked-files=no" };
        if !submodule.run(&[&STATUS[..], &[files]].concat())?.is_empty() {
            return Ok(true);
        }
        Ok(depth > 0 && !submodule.dirty_below(new_files, depth - 1)?.is_empty())
    }
}
