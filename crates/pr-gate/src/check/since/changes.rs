//! Which files differ from the base.

use std::collections::{BTreeMap, BTreeSet};

use source_tree::git::{Git, listing};

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

/// A name as a text. A linter's names are UTF-8: others match none of them, and must not look like one that does.
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
    fn a_name_that_is_not_utf_8_answers_for_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        run(root, &["init", "-q"]);
        let long = "x = 1\n".repeat(20);
        write(root, b"\xff.py", "x = 1\n");
        write(root, b"moved\xff.py", &long);
        run(root, &["add", "-A"]);
        run(root, &["commit", "-q", "-m", "one"]);
        // What is shown in place of these bytes is a name as well.
        write(root, "\u{fffd}.py".as_bytes(), "x = 2\n");
        std::fs::rename(root.join(odd()), root.join("a.py")).unwrap();
        run(root, &["add", "a.py"]);
        run(root, &["add", "-u"]);
        let launcher = Launcher::new(root, [("PATH".into(), env!("PATH").into())]);
        let git = Git::find(root, &launcher).unwrap().unwrap();
        let changes = TreeChanges::since(&git, "HEAD").unwrap();
        assert_eq!(changes.before("\u{fffd}.py"), BaseVersion::Nothing);
        assert_eq!(
            changes.before("a.py"),
            BaseVersion::Nothing,
            "renamed from a name that can't be asked for"
        );
    }

    fn odd() -> std::ffi::OsString {
        use std::os::unix::ffi::OsStringExt as _;
        std::ffi::OsString::from_vec(b"moved\xff.py".to_vec())
    }
}
