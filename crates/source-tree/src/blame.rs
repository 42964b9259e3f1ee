//! Author of the last change of each row of a file.

use std::collections::HashMap;

use crate::Error;
use crate::git::Git;

/// The file in the root that names commits which only moved or formatted code.
pub const IGNORED_COMMITS: &str = ".git-blame-ignore-revs";

/// Who last changed a row, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlameRow {
    /// The author's name.
    pub author: String,
    /// The author's address, without `<>`.
    pub email: String,
    /// When, in seconds since 1970.
    pub time: i64,
    /// Whether the change is in a commit: others are nobody's yet.
    pub committed: bool,
}

/// The rows of a file, in order: one git process per file, `.git-blame-ignore-revs` honoured. Rows end at LF, as git
/// counts them. Empty for a file that git does not know. Rows of a file behind a filter may count as uncommitted: the
/// filter is not run, and git stores other rows than the working tree has.
///
/// # Errors
/// When git can't be run, or does not understand `.git-blame-ignore-revs`.
pub fn blame(git: &Git, file: &str) -> Result<Vec<BlameRow>, Error> {
    let list = git.root().join(IGNORED_COMMITS);
    // A link could name a file outside of the tree.
    let listed = std::fs::symlink_metadata(&list).is_ok_and(|data| data.is_file());
    let mut arguments = vec!["blame", "--porcelain", "--no-textconv"];
    if listed {
        arguments.extend(["--ignore-revs-file", IGNORED_COMMITS]);
    }
    arguments.extend(["--", file]);
    let output = git.output(&arguments)?;
    if output.status.success() {
        return Ok(read(&output.stdout));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    if listed && (said.contains("object name") || said.contains(IGNORED_COMMITS)) {
        // git's message quotes the line, which may come from a file outside of the tree: `blame.ignoreRevsFile`.
        let problem = "git does not understand it: it takes a full commit hash per line";
        return Err(Error::unreadable(IGNORED_COMMITS, problem));
    }
    // Not committed yet, no commit at all, in a submodule: nobody is known.
    Ok(Vec::new())
}

/// Reads `--porcelain`: a header of `HASH ORIGINAL FINAL [COUNT]` per row, facts after the first header of a commit, and
/// the row after a tab.
fn read(output: &[u8]) -> Vec<BlameRow> {
    let mut commits: HashMap<Vec<u8>, BlameRow> = HashMap::new();
    let mut rows = Vec::new();
    let mut current: Vec<u8> = Vec::new();
    let mut in_header = false;
    for line in output.split(|byte| *byte == b'\n') {
        if line.first() == Some(&b'\t') {
            in_header = false;
            rows.extend(commits.get(&current).cloned());
            continue;
        }
        if !in_header {
            let Some(hash) = line.split(|byte| *byte == b' ').next().filter(|hash| hash.len() >= 40) else {
                continue;
            };
            current = hash.to_vec();
            in_header = true;
            let committed = hash.iter().any(|byte| *byte != b'0');
            commits.entry(current.clone()).or_insert_with(|| BlameRow {
                author: String::new(),
                email: String::new(),
                time: 0,
                committed,
            });
            continue;
        }
        let Some(row) = commits.get_mut(&current) else { continue };
        let text = String::from_utf8_lossy(line);
        match text.split_once(' ') {
            Some(("author", name)) => name.trim().clone_into(&mut row.author),
            Some(("author-mail", mail)) => mail.trim_matches(['<', '>']).clone_into(&mut row.email),
            Some(("author-time", time)) => row.time = time.parse().unwrap_or(0),
            _ => {}
        }
    }
    rows
}

#[cfg(test)]
mod tests;
