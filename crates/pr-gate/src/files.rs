//! Which files there are.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use ignore::WalkBuilder;
use source_tree::contained;
use source_tree::git::listing::{self, StagedEntry};

use crate::findings::ruff;
use crate::{Error, Project};

/// How many bytes a source may have: larger ones are not written by people.
pub const LARGEST_SOURCE: u64 = 4 << 20;

/// The files of a project below some names (files or folders, from the root), sorted: those that git does not ignore,
/// links not followed, folders that are skipped left out. `.` is everything. A name that is a file is listed even when
/// git ignores it. Files whose names are not UTF-8 are left out: nothing can be said about them.
///
/// # Errors
/// When a folder can't be read. [`Error::Usage`] for a name that is not there.
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
        // What git ignores, and nothing that other tools ignore.
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

/// The bytes of a file, from the root; `None` for one that is not there, is no plain file, is reached through a link,
/// or has more than [`LARGEST_SOURCE`].
///
/// # Errors
/// When the file is there and can't be read.
pub fn read(project: &Project, name: &str) -> Result<Option<Vec<u8>>, Error> {
    if !matches!(kind(project, name), Ok(EntryKind::File)) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    Ok(read_into(project, name, &mut bytes)?.then_some(bytes))
}

/// The same into a buffer, for a file that [`list`] has named; whether there is something.
pub(crate) fn read_into(project: &Project, name: &str, bytes: &mut Vec<u8>) -> Result<bool, Error> {
    contained::read_into(&project.tree.root, name, LARGEST_SOURCE, bytes)
}

/// The Python sources below names that git tracks although a `.gitignore` or an `.ignore` says to ignore them. Such a
/// file is part of the repository, and a linter that looks for files does not see it.
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

/// Whether a name is that of a Python source below others, and of a file that is there.
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

/// Refuses a tree with a link to a device, or with a linter's configuration that leads to one. A program that reads it
/// would never end.
///
/// # Errors
/// When there is one among the files that git tracks.
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
                "is a link to a device, which has no end: take it out",
            ));
        }
    }
    ruff::refuse_endless(&project.tree.root, &configuration)
}

/// Whether a name is a link or lies behind one.
pub(crate) fn is_link(project: &Project, name: &str) -> bool {
    matches!(kind(project, name), Ok(EntryKind::Link))
}

enum EntryKind {
    File,
    Folder,
    /// A link, or something behind one.
    Link,
    /// A pipe and the like, or something in a folder that is skipped.
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
        let found = found.map_err(|_| Error::Usage(format!("`{name}` is not there")))?.file_type();
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
