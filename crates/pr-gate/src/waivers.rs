//! The waiver files of a tree: `*.yaml` and `*.yml` in the folder of the settings.

mod at_revision;
mod ratchet;

use std::fs;

use annotations::Waivers;
use source_tree::contained;

use crate::{Error, Project};

pub use at_revision::at;
pub use ratchet::{Extended, Ratchet, ratchet};

/// The maximum size of a waiver file, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// Reads the waivers of a working tree. Returns none when the folder does not exist.
///
/// # Errors
/// Same errors as [`files`]; also when a file is not a list of complete waivers.
pub fn load(project: &Project) -> Result<Waivers, Error> {
    Waivers::read(&files(project)?).map_err(|problem| Error::Unreadable {
        what: match problem.row {
            Some(row) => format!("{}:{row}", problem.file),
            None => problem.file,
        },
        problem: problem.problem,
    })
}

/// Returns the waiver files of a working tree, sorted by name: their names, relative to the root, and their texts.
///
/// # Errors
/// A file or a link has the name of the folder, or the folder can't be read. A waiver file is a link, is not a regular
/// file, is larger than 1 MiB, is not UTF-8, or can't be read.
pub fn files(project: &Project) -> Result<Vec<(String, String)>, Error> {
    let folder = project.settings.waivers.folder.as_str();
    match contained::look(&project.tree.root, folder)? {
        None => return Ok(Vec::new()),
        Some(found) if found.is_dir() => {}
        Some(_) => return Err(Error::unreadable(folder, "is not a folder: put waiver files into a folder")),
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
