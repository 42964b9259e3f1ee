//! The files of a tree.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use ignore::WalkBuilder;
use source_tree::contained;
use source_tree::git::listing::{self, StagedEntry};

use crate::findings::ruff;
use crate::{Error, Project};

/// The maximum size of a source, in bytes. People do not write larger ones.
pub const LARGEST_SOURCE: u64 = 4 << 20;

/// Lists the files of a project in some files or folders, sorted. Names are relative to the root; `.` is the root.
///
/// Links are not followed. Files that git ignores, skipped folders, and files whose names are not UTF-8 are left out. A
/// file that `names` has itself is listed even if git ignores it.
///
/// # Errors
/// A folder can't be read, or the tree has a link to a device. [`Error::Usage`] for a name that does not exist.
pub fn list(project: &Project, names: &[String]) -> Result<Vec<String>, Error> {
    refuse_devices(project)?;
    let mut files = Vec::new();
    let mut folders = names.iter().filter_map(|name| match kind(project, name) {
        Ok(EntryKind::Folder) => Some(Ok(project.tree.path(name))),
        Ok(EntryKind::File) => {
            files.push(name.clone());
            None
        }
        Ok(EntryKind::Link | EntryKind::Other) => None,
        Err(error) => Some(Err(error)),
    });
    if let Some(first) = folders.next() {
        let mut walk = WalkBuilder::new(first?);
        for folder in folders {
            walk.add(folder?);
        }
        // Only git's ignore files count, not those of other tools.
        walk.hidden(false).ignore(false).follow_links(false);
        let (root, skips) = (project.tree.root.clone(), project.clone());
        walk.filter_entry(move |entry| {
            let name = entry.path().strip_prefix(&root).ok().and_then(Path::to_str);
            name.is_some_and(|name| !skips.is_skipped(name))
        });
        for entry in walk.build() {
            let entry = entry.map_err(|error| walk_failure(project, &error))?;
            if !entry.file_type().is_some_and(|kind| kind.is_file()) {
                continue;
            }
            let name = entry.path().strip_prefix(&project.tree.root).ok().and_then(Path::to_str);
            files.extend(name.map(str::to_owned));
        }
    } else {
        drop(folders);
    }
    files.sort_unstable();
    files.dedup();
    Ok(files)
}

/// Reads a file; its name is relative to the root.
///
/// Returns `None` when the file does not exist, is not a regular file, is in a skipped folder, is reached through a
/// link, or is larger than [`LARGEST_SOURCE`].
///
/// # Errors
/// The file exists and can't be read.
pub fn read(project: &Project, name: &str) -> Result<Option<Vec<u8>>, Error> {
    if !matches!(kind(project, name), Ok(EntryKind::File)) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    Ok(read_into(project, name, &mut bytes)?.then_some(bytes))
}

/// Reads a file that [`list`] returned into a buffer. Returns `false` when there is nothing to read, as for [`read`].
pub(crate) fn read_into(project: &Project, name: &str, bytes: &mut Vec<u8>) -> Result<bool, Error> {
    contained::read_into(&project.tree.root, name, LARGEST_SOURCE, bytes)
}

/// Returns the Python files in some folders that git tracks although a `.gitignore` or an `.ignore` lists them. Such a
/// file is part of the repository, but a linter that searches folders skips it.
pub(crate) fn hidden(project: &Project, names: &[String]) -> Result<Vec<String>, Error> {
    let Some(git) = &project.tree.git else { return Ok(Vec::new()) };
    let mut hidden = std::collections::BTreeSet::new();
    for ignored in ["--exclude-standard", "--exclude-per-directory=.ignore"] {
        let listed = git.run(&["ls-files", "-z", "--cached", "--ignored", ignored])?;
        let listed = listing::names(&listed).filter_map(|name| std::str::from_utf8(name).ok());
        hidden.extend(listed.filter(|name| is_wanted(project, names, name)).map(str::to_owned));
    }
    Ok(hidden.into_iter().collect())
}

/// Whether a name is that of an existing Python file in one of these folders.
fn is_wanted(project: &Project, names: &[String], name: &str) -> bool {
    let ending = Path::new(name).extension().and_then(std::ffi::OsStr::to_str);
    let below = |above: &String| {
        above == "." || name.strip_prefix(above.as_str()).is_some_and(|rest| rest.starts_with('/'))
    };
    matches!(ending, Some("py" | "pyi" | "ipynb"))
        && names.iter().any(below)
        && !project.is_skipped(name)
        && project.tree.path(name).is_file()
}

/// Refuses a tree with a link to a device, or with a configuration of ruff that refers to one. A program that reads a
/// device may never finish.
///
/// # Errors
/// [`Error::Unreadable`] when git tracks such a file. Another error when git fails.
pub(crate) fn refuse_devices(project: &Project) -> Result<(), Error> {
    let Some(git) = &project.tree.git else { return Ok(()) };
    let listed = git.run(&["ls-files", "-z", "--cached", "--stage"])?;
    let mut configuration = Vec::new();
    for StagedEntry { mode, name } in listing::staged(&listed) {
        let name = Path::new(OsStr::from_bytes(name));
        if ruff::is_configuration(name) {
            configuration.push(name.to_owned());
        }
        if mode != b"120000" {
            continue;
        }
        let path = project.tree.root.join(name);
        let is_ordinary = path.metadata().is_ok_and(|found| found.is_file() || found.is_dir());
        let is_system = ["/dev", "/proc", "/sys"];
        let leads_there = path.canonicalize().is_ok_and(|to| is_system.iter().any(|top| to.starts_with(top)));
        if path.exists() && (!is_ordinary || leads_there) {
            return Err(Error::unreadable(
                name.display().to_string(),
                "is a link to a device, which may have no end: remove the link",
            ));
        }
    }
    ruff::refuse_endless(&project.tree.root, &configuration)
}

/// Whether a name is a link or is reached through one.
pub(crate) fn is_link(project: &Project, name: &str) -> bool {
    matches!(kind(project, name), Ok(EntryKind::Link))
}

enum EntryKind {
    File,
    Folder,
    /// A link, or something that is reached through one.
    Link,
    /// Something else, such as a pipe, or something in a skipped folder.
    Other,
}

fn kind(project: &Project, name: &str) -> Result<EntryKind, Error> {
    let mut path = project.tree.root.clone();
    let mut last = None;
    for part in Path::new(name).components() {
        match part {
            Component::CurDir => continue,
            Component::Normal(part) => path.push(part),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return Ok(EntryKind::Other),
        }
        let found = path.symlink_metadata();
        let found = found.map_err(|_| Error::Usage(format!("`{name}` does not exist")))?.file_type();
        if found.is_symlink() {
            return Ok(EntryKind::Link);
        }
        last = Some(found);
    }
    Ok(match last {
        _ if project.is_skipped(name) => EntryKind::Other,
        None => EntryKind::Folder,
        Some(kind) if kind.is_dir() => EntryKind::Folder,
        Some(kind) if kind.is_file() => EntryKind::File,
        Some(_) => EntryKind::Other,
    })
}

fn walk_failure(project: &Project, error: &ignore::Error) -> Error {
    let said = error.to_string();
    Error::unreadable(format!("`{}`", project.tree.root.display()), format!("a folder can't be read: {said}"))
}

#[cfg(test)]
mod tests;
