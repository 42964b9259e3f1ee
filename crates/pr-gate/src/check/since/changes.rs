//! The files that differ from the base.

use std::collections::{BTreeMap, BTreeSet};

use source_tree::git::{Git, listing};

use crate::Error;

/// The files that differ between the base and the working tree.
#[derive(Debug, Default)]
pub struct TreeChanges {
    base: String,
    /// The changed files: for each name in the working tree, the name in the base, if it exists there.
    changed: BTreeMap<String, Option<String>>,
    /// The files that git tracks.
    tracked: BTreeSet<String>,
    /// Changed files with a git filter. The filter does not run, so the base has other bytes than the file had.
    behind_filter: BTreeSet<String>,
}

/// The version of a file in the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaseVersion<'a> {
    /// The file is unchanged.
    Same,
    /// The file differs; it has this name in the base.
    Other(&'a str),
    /// The base has no version to compare with.
    Nothing,
}

impl TreeChanges {
    /// Compares the working tree, including uncommitted changes, with the merge base of a revision and `HEAD`.
    ///
    /// # Errors
    /// [`Error::Usage`] when the revision is not the name of a commit, or has no commit in common with `HEAD`. Another
    /// error when git fails.
    pub fn since(git: &Git, revision: &str) -> Result<Self, Error> {
        // The flags override the user's settings, and keep git from searching submodules for changes.
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
        // This must run first: for the diff, git reads the configuration of submodules, and this call refuses one that
        // is a device or a pipe.
        let submodules = git.dirty_submodules(true)?;
        let output = git.run(&[&DIFF[..], &[&base, "--"]].concat())?;
        let tracked = listing::names(&git.run(&["ls-files", "-z"])?).filter_map(text).collect();
        let mut changed: BTreeMap<String, Option<String>> = listing::changed(&output)
            .filter_map(|entry| Some((text(entry.now)?, entry.before.and_then(text))))
            .collect();
        for name in submodules.iter().filter_map(|name| text(name)) {
            changed.entry(name.clone()).or_insert(Some(name));
        }
        let names: Vec<&String> = changed.keys().collect();
        let behind_filter = git.behind_filter(&names)?;
        let behind_filter = behind_filter.iter().filter_map(|name| text(name)).collect();
        Ok(Self { base, changed, tracked, behind_filter })
    }

    /// Returns the commit of the base.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Returns the changed files that can't be compared with the base, because a git filter applies to them.
    pub fn behind_filter(&self) -> &BTreeSet<String> {
        &self.behind_filter
    }

    /// Returns the version of a file in the base.
    ///
    /// A file in a submodule is unchanged when the submodule is. A file that can't be compared has no version, so that
    /// all its findings are new.
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

/// Converts a name to a string, or returns `None` when it is not UTF-8. Names of a linter's findings are UTF-8. A lossy
/// conversion could make another name equal to one of them.
fn text(name: &[u8]) -> Option<String> {
    std::str::from_utf8(name).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use source_tree::Launcher;

    use super::*;

    fn run(root: &Path, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.current_dir(root)
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"])
            .args(arguments);
        let output = git.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn write(root: &Path, name: &[u8], text: &str) {
        use std::os::unix::ffi::OsStrExt as _;
        std::fs::write(root.join(std::ffi::OsStr::from_bytes(name)), text).unwrap();
    }

    #[test]
    fn a_name_that_is_not_utf8_is_not_taken_for_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        run(root, &["init", "-q"]);
        let long = "x = 1\n".repeat(20);
        write(root, b"\xff.py", "x = 1\n");
        write(root, b"moved\xff.py", &long);
        run(root, &["add", "-A"]);
        run(root, &["commit", "-q", "-m", "one"]);
        // The replacement character is also a valid file name.
        write(root, "\u{fffd}.py".as_bytes(), "x = 2\n");
        std::fs::rename(root.join(odd()), root.join("a.py")).unwrap();
        run(root, &["add", "a.py"]);
        run(root, &["add", "-u"]);
        let launcher = Launcher::new(root, [("PATH".into(), env!("PATH").into())]);
        let git = Git::find(root, &launcher).unwrap().unwrap();
        let changes = TreeChanges::since(&git, "HEAD").unwrap();
        assert_eq!(changes.before("\u{fffd}.py"), BaseVersion::Nothing);
        assert_eq!(changes.before("a.py"), BaseVersion::Nothing, "renamed from a name that is not UTF-8");
    }

    fn odd() -> std::ffi::OsString {
        use std::os::unix::ffi::OsStringExt as _;
        std::ffi::OsString::from_vec(b"moved\xff.py".to_vec())
    }
}
