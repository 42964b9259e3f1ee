//! The waiver files of a tree.

mod at_revision;
mod ratchet;

use std::fs;

use annotations::Waivers;
use source_tree::contained;

use crate::{Error, Project};

pub use at_revision::at;
pub use ratchet::{Extended, Ratchet, ratchet};

/// The largest waiver file that is read.
const LARGEST: u64 = 1024 * 1024;

/// The waivers of a working tree; none when there is no such folder.
///
/// # Errors
/// When a waiver file is a link, huge, or no list of waivers: the check fails closed on it.
pub fn load(project: &Project) -> Result<Waivers, Error> {
    Waivers::read(&files(project)?).map_err(|problem| Error::Unreadable {
        what: match problem.row {
            Some(row) => format!("{}:{row}", problem.file),
            None => problem.file,
        },
        problem: problem.problem,
    })
}

/// The waiver files of a working tree, sorted by name: their names from the root, and their texts.
///
/// # Errors
/// When one is a link, no file, larger than 1 MiB, not UTF-8, or can't be read.
pub fn files(project: &Project) -> Result<Vec<(String, String)>, Error> {
    let folder = project.settings.waivers.folder.as_str();
    match contained::look(&project.tree.root, folder)? {
        None => return Ok(Vec::new()),
        Some(found) if found.is_dir() => {}
        Some(_) => return Err(Error::unreadable(folder, "is no folder; waivers are in files of a folder")),
    }
    let path = project.tree.path(folder);
    let unreadable = || Error::file(&path, "can't be read");
    let mut names = Vec::new();
    for entry in fs::read_dir(&path).map_err(unreadable())? {
        let name = entry.map_err(unreadable())?.file_name();
        match name.to_str() {
            Some(name) if is_waiver_file(name) => names.push(format!("{folder}/{name}")),
            None if is_waiver_file(&name.to_string_lossy()) => {
                return Err(Error::unreadable(folder, "has a file whose name is not UTF-8"));
            }
            Some(_) | None => {}
        }
    }
    names.sort();
    names
        .into_iter()
        .filter_map(|name| {
            let text = contained::text(&project.tree.root, &name, LARGEST);
            text.map(|text| Some((name, text?))).transpose()
        })
        .collect()
}

fn is_waiver_file(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| matches!(extension, "yaml" | "yml"))
}

#[cfg(test)]
mod tests;
