//! The waiver files of a revision.

use source_tree::git::Git;

use crate::{Error, Project};

use super::{LARGEST, is_waiver_file};

/// The waiver files as they are in a commit, sorted by name. Links and files larger than 1 MiB are left out: nothing
/// that is there now is let off because of them.
///
/// # Errors
/// When git can't be run or fails.
pub fn at(project: &Project, git: &Git, commit: &str) -> Result<Vec<(String, String)>, Error> {
    let folder = &project.settings.waivers.folder;
    let listed = git.run(&["ls-tree", "-z", "-l", "--full-tree", commit, "--", &format!("{folder}/")])?;
    let mut files = Vec::new();
    for line in listed.split(|byte| *byte == 0) {
        let Some((name, blob)) = std::str::from_utf8(line).ok().and_then(entry) else { continue };
        if is_waiver_file(name) {
            let bytes = git.run(&["cat-file", "blob", blob])?;
            files.push((name.to_owned(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    files.sort();
    Ok(files)
}

/// Name and object of a regular file that is not too large: `100644 blob OBJECT SIZE<tab>NAME`.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (fields, name) = line.split_once('\t')?;
    let mut fields = fields.split_ascii_whitespace();
    let (mode, _kind, blob, size) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    (mode.starts_with("100") && size.parse::<u64>().ok()? <= LARGEST).then_some((name, blob))
}
