//! Search for ruff configuration that refers to files outside the tree.
//!
//! ruff's error messages quote the configuration that it can't parse. A tree can make any file of the machine part of
//! its configuration, by a link or by `extend`, and the quoted lines could appear in a public log. Before T4 shows
//! ruff's stderr, this module follows the tree's configuration. A false "outside" hides a message; a false "inside"
//! could disclose a file. So every doubt counts as outside.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use ignore::WalkBuilder;
use toml::{Table, Value};

use crate::Error;

/// The names of ruff's configuration files, in any folder.
const NAMES: [&str; 3] = ["pyproject.toml", "ruff.toml", ".ruff.toml"];

/// The maximum size of a configuration file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// Why ruff's messages may quote a file outside the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigProblem {
    /// The configuration refers to a file outside the tree.
    Outside {
        /// The configuration file in the tree, relative to the root.
        file: String,
        /// The file outside.
        to: String,
        /// Whether that file is a device or a pipe, which may have no end.
        is_endless: bool,
    },
    /// The configuration can't be read, so it may refer to any file.
    Unreadable {
        /// The configuration file in the tree, relative to the root.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// Whether this is the name of a configuration file of ruff.
pub fn is_configuration(name: &Path) -> bool {
    name.file_name().is_some_and(|last| NAMES.iter().any(|known| last == *known))
}

/// Returns the first problem with the configuration files of a tree, in any folder.
pub fn of_tree(root: &Path) -> Option<ConfigProblem> {
    let walk = WalkBuilder::new(root)
        .standard_filters(false)
        .follow_links(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build();
    let names = walk.filter_map(|entry| {
        let entry = entry.ok()?;
        // Its folders may have names that are not UTF-8. ruff reads it there too.
        let name = entry.path().strip_prefix(root).ok()?.to_owned();
        is_configuration(&name).then_some(name)
    });
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    of_files(root, &names)
}

/// Returns the first problem with some configuration files of a tree.
pub fn of_files(root: &Path, names: &[PathBuf]) -> Option<ConfigProblem> {
    let Ok(root) = root.canonicalize() else { return None };
    let mut done = BTreeSet::new();
    names.iter().find_map(|name| follow(&root, &name.to_string_lossy(), &root.join(name), &mut done))
}

/// Refuses configuration files that refer to a device or a pipe, which a linter could read forever.
///
/// # Errors
/// [`Error::Unreadable`] with the name of the configuration file.
pub fn refuse_endless(root: &Path, names: &[PathBuf]) -> Result<(), Error> {
    match of_files(root, names) {
        Some(ConfigProblem::Outside { file, to, is_endless: true }) => Err(Error::unreadable(
            file,
            format!("refers to `{to}`, which is not a regular file: remove the reference"),
        )),
        _ => Ok(()),
    }
}

/// Follows one file. `name` is the configuration file of the tree that refers to it; `done` has the files that were
/// already followed.
fn follow(root: &Path, name: &str, path: &Path, done: &mut BTreeSet<PathBuf>) -> Option<ConfigProblem> {
    if !done.insert(path.to_owned()) {
        return None;
    }
    let outside = |is_endless| {
        let to = path.strip_prefix(root).unwrap_or(path).display().to_string();
        let real = path.canonicalize().map_or(to, |real| real.display().to_string());
        Some(ConfigProblem::Outside { file: name.to_owned(), to: real, is_endless })
    };
    let unreadable = |problem: String| Some(ConfigProblem::Unreadable { file: name.to_owned(), problem });
    let real = match path.canonicalize() {
        Ok(real) => real,
        // A missing file is not read by ruff either.
        Err(_) if path.starts_with(root) => return None,
        Err(_) => return outside(false),
    };
    let found = real.metadata().ok()?;
    let is_system = ["/dev", "/proc", "/sys"].iter().any(|top| real.starts_with(top));
    if !real.starts_with(root) || !found.is_file() {
        return outside((!found.is_file() && !found.is_dir()) || is_system);
    }
    let mut text = String::new();
    let size = std::fs::File::open(&real).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
    match size {
        Err(error) => return unreadable(error.to_string()),
        Ok(size) if u64::try_from(size).is_ok_and(|size| size > LARGEST) => {
            return unreadable(format!("it is larger than {LARGEST} bytes"));
        }
        Ok(_) => {}
    }
    let table: Table = match text.parse() {
        Ok(table) => table,
        // ruff uses the same parser and does not follow the file either. A later version might accept more.
        Err(error) if may_extend(&text) => return unreadable(format!("it is not TOML: {error}")),
        Err(_) => return None,
    };
    let section = table.get("tool").and_then(|tool| tool.get("ruff"));
    let extended = [table.get("extend"), section.and_then(|section| section.get("extend"))];
    let mut extended = extended.into_iter().flatten().filter_map(Value::as_str);
    // ruff resolves a path from the folder of the link. The folder of the target is checked too, in case this changes.
    let folders = [path, real.as_path()].map(|path| path.parent().unwrap_or(root));
    extended.find_map(|to| {
        // ruff expands `~` and variables.
        if to.contains(['~', '$']) {
            return Some(ConfigProblem::Outside {
                file: name.to_owned(),
                to: to.to_owned(),
                is_endless: false,
            });
        }
        let paths = folders.iter().flat_map(|folder| [folder.join(to), without_dots(&folder.join(to))]);
        paths.collect::<Vec<_>>().iter().find_map(|path| follow(root, name, path, done))
    })
}

/// Whether a text that is not valid TOML contains what looks like the key `extend`.
fn may_extend(text: &str) -> bool {
    let is_key = |rest: &str| rest.trim_start_matches(['"', '\'', ' ', '\t']).starts_with('=');
    text.match_indices("extend").any(|(at, word)| text.get(at + word.len()..).is_some_and(is_key))
}

/// A path with `..` resolved lexically, as ruff does. The kernel would follow links first.
fn without_dots(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                clean.pop();
            }
            Component::CurDir => {}
            other => clean.push(other),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in
            [("outside.toml", "secret = 1"), ("root/in.toml", "line-length = 80")].iter().chain(files)
        {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn problem(folder: &tempfile::TempDir) -> Option<ConfigProblem> {
        of_tree(&folder.path().join("root"))
    }

    #[test]
    fn configuration_within_the_tree_is_no_problem() {
        let folder = tree(&[
            ("root/ruff.toml", "extend = \"in.toml\""),
            (
                "root/sub/pyproject.toml",
                "[tool.ruff]\nextend = \"../ruff.toml\"\n[tool.other]\nextend = \"~/x\"",
            ),
            ("root/sub/.ruff.toml", "extend = \"not-there.toml\""),
            ("root/other.toml", "extend = \"/etc/passwd\""),
            ("root/loop/ruff.toml", "extend = \"ruff.toml\""),
        ]);
        symlink("../in.toml", folder.path().join("root/sub/ruff.toml")).unwrap();
        assert_eq!(problem(&folder), None);
    }

    #[test]
    fn every_reference_out_of_the_tree_is_found() {
        let absolute = |folder: &tempfile::TempDir| folder.path().join("outside.toml").display().to_string();
        for extend in [
            "../outside.toml",
            "sub/../../outside.toml",
            "~/x.toml",
            "$HOME/x.toml",
            "ABSOLUTE",
            "/no/such/x",
            "chain.toml",
            "linked.toml",
            "folder/../outside.toml",
        ] {
            let folder = tree(&[("root/chain.toml", "extend = \"../outside.toml\""), ("root/sub/x", "")]);
            symlink("../outside.toml", folder.path().join("root/linked.toml")).unwrap();
            symlink(folder.path().join("root"), folder.path().join("root/folder")).unwrap();
            let extend = extend.replace("ABSOLUTE", &absolute(&folder));
            for (name, text) in [
                ("root/ruff.toml", format!("extend = \"{extend}\"")),
                ("root/pyproject.toml", format!("[tool.ruff]\nextend = \"{extend}\"")),
            ] {
                let path = folder.path().join(name);
                std::fs::write(&path, text).unwrap();
                let found = problem(&folder);
                let is_outside = |found: &ConfigProblem| matches!(found, ConfigProblem::Outside { file, .. } if name.ends_with(file));
                assert!(found.as_ref().is_some_and(is_outside), "{extend}: {found:?}");
                std::fs::remove_file(path).unwrap();
            }
        }
        for name in NAMES {
            let folder = tree(&[("root/a/b/x", "")]);
            symlink("../../../outside.toml", folder.path().join("root/a/b").join(name)).unwrap();
            assert!(
                matches!(problem(&folder), Some(ConfigProblem::Outside { is_endless: false, .. })),
                "{name}"
            );
        }
        // Also in a folder whose name is not UTF-8.
        let folder = tree(&[]);
        let odd = folder.path().join("root").join(OsStr::from_bytes(b"odd\xff"));
        std::fs::create_dir(&odd).unwrap();
        symlink("../../outside.toml", odd.join("ruff.toml")).unwrap();
        assert!(matches!(problem(&folder), Some(ConfigProblem::Outside { is_endless: false, .. })));
    }

    #[test]
    fn unparsable_configuration_is_a_problem_and_a_device_is_refused() {
        let folder = tree(&[("root/ruff.toml", "extend-select = [\"F\"]\nnonsense = [\n")]);
        assert_eq!(problem(&folder), None);
        let folder = tree(&[("root/ruff.toml", "tool.ruff = {\"extend\" = \"x\"\nnonsense = [\n")]);
        assert!(
            matches!(problem(&folder), Some(ConfigProblem::Unreadable { problem, .. }) if problem.contains("TOML"))
        );
        let folder = tree(&[("root/sub/ruff.toml", "extend = \"/dev/zero\"")]);
        let names = [PathBuf::from("sub/ruff.toml")];
        assert!(matches!(problem(&folder), Some(ConfigProblem::Outside { is_endless: true, .. })));
        let root = folder.path().join("root");
        assert!(refuse_endless(&root, &names).unwrap_err().to_string().contains("/dev/zero"));
        std::fs::write(root.join("sub/ruff.toml"), "extend = \"/etc/hostname\"").unwrap();
        refuse_endless(&root, &names).unwrap();
    }
}
