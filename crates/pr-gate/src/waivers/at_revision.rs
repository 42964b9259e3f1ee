//! The waiver files of a revision.

use source_tree::git::{Git, listing};

use crate::{Error, Project};

use super::{LARGEST, is_waiver_file};

/// Returns the waiver files of a commit, sorted by name: their names, relative to the root, and their texts.
///
/// Links and files larger than 1 MiB are left out. This makes the ratchet stricter: their waivers do not count as
/// earlier ones.
///
/// # Errors
/// git can't be run or fails.
pub fn at(project: &Project, git: &Git, commit: &str) -> Result<Vec<(String, String)>, Error> {
    let folder = &project.settings.waivers.folder;
    let listed = git.run(&["ls-tree", "-z", "-l", "--full-tree", commit, "--", &format!("{folder}/")])?;
    let mut files = Vec::new();
    for entry in listing::files(&listed).filter(|entry| entry.bytes <= LARGEST) {
        let Ok(name) = std::str::from_utf8(entry.name) else { continue };
        if is_waiver_file(name) {
            let bytes = git.run(&["cat-file", "blob", entry.object])?;
            files.push((name.to_owned(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    files.sort();
    Ok(files)
}
