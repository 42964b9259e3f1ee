//! Probable owners of the rows of a file, from `git blame`. git runs at most once for a file, and only when an owner is
//! needed.

use annotations::Blame;
use registry_core::Timestamp;
use source_tree::blame::{BlameRow, blame};
use source_tree::git::Git;

use crate::Error;

/// The maximum age of a change, in seconds, for full confidence that its author is the owner.
const SURE_SECONDS: i64 = 30 * 24 * 60 * 60;

/// Words in the author names of bots.
const BOTS: [&str; 4] = ["bot", "copilot", "dependabot", "renovate"];

fn is_bot(author: &str) -> bool {
    let name = author.to_lowercase();
    name.split(|c: char| !c.is_alphanumeric()).any(|word| BOTS.contains(&word))
}

/// Returns the probable owner of a row: `@` and the author's name, with a confidence.
///
/// The confidence is 0.5 for a bot, 0.8 for a change more than 30 days before `now` (seconds since 1970), and otherwise
/// 1.0. A row that is not committed has no owner.
fn owner(row: &BlameRow, now: i64) -> Blame {
    if !row.committed || row.author.is_empty() {
        return Blame::default();
    }
    let confidence = if is_bot(&row.author) {
        0.5
    } else if now.saturating_sub(row.time) > SURE_SECONDS {
        0.8
    } else {
        1.0
    };
    Blame { owner: Some(format!("@{}", row.author)), confidence }
}

/// The probable owners of the rows of one file.
pub(crate) struct RowOwners<'a> {
    git: Option<&'a Git>,
    name: &'a str,
    /// The number of each row in git's count, when it differs. git does not end a row at a lone CR.
    git_rows: Option<Vec<usize>>,
    now: Timestamp,
    rows: Option<Vec<BlameRow>>,
    failed: Option<Error>,
}

impl<'a> RowOwners<'a> {
    /// Prepares the owners of a file. Does not run git yet. Without git, no row has an owner.
    pub(crate) fn of(git: Option<&'a Git>, name: &'a str, bytes: &[u8], now: Timestamp) -> Self {
        Self { git, name, git_rows: git.and_then(|_| git_rows(bytes)), now, rows: None, failed: None }
    }

    /// Returns the probable owner of a row, counted from 1.
    pub(crate) fn of_row(&mut self, row: u32) -> Blame {
        let Some(git) = self.git else { return Blame::default() };
        if self.rows.is_none() {
            self.rows = Some(blame(git, self.name).unwrap_or_else(|error| {
                self.failed = Some(error);
                Vec::new()
            }));
        }
        let place = usize::try_from(row).unwrap_or(0).saturating_sub(1);
        let place = match &self.git_rows {
            Some(rows) => rows.get(place).copied().unwrap_or(usize::MAX),
            None => place,
        };
        let row = self.rows.as_ref().and_then(|rows| rows.get(place));
        row.map_or_else(Blame::default, |row| owner(row, self.now.unix_seconds()))
    }

    /// Ends the use of these owners.
    ///
    /// # Errors
    /// The error of `git blame`, if it failed.
    pub(crate) fn end(self) -> Result<(), Error> {
        self.failed.map_or(Ok(()), Err)
    }
}

/// Returns the number of each row in git's count, from 0. Returns `None` when both counts are the same.
fn git_rows(bytes: &[u8]) -> Option<Vec<usize>> {
    let lone = |at: usize| bytes.get(at + 1) != Some(&b'\n');
    memchr::memchr_iter(b'\r', bytes).find(|at| lone(*at))?;
    let mut rows = vec![0];
    let mut row = 0;
    for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
        if bytes.get(at) == Some(&b'\n') {
            row += 1;
            rows.push(row);
        } else if lone(at) {
            rows.push(row);
        }
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_end_at_a_lone_cr_are_mapped_to_gits_rows() {
        assert_eq!(git_rows(b"a\nb\r\nc\n"), None);
        assert_eq!(git_rows(b"a\rb\r\nc\nd\r"), Some(vec![0, 0, 1, 2, 2]));
    }

    #[test]
    fn bots_and_old_changes_lower_the_confidence_in_an_owner() {
        let row = |author: &str, time| BlameRow {
            author: author.into(),
            email: String::new(),
            time,
            committed: true,
        };
        let sure = |author, time| owner(&row(author, time), 31 * 24 * 60 * 60).confidence;
        for (author, time, confidence) in [
            ("Ada Abbot", 86_400, 1.0),
            ("Ada", 0, 0.8),
            ("ci[bot]", 86_400, 0.5),
            ("Dependabot", 0, 0.5),
            ("GitHub Copilot", 0, 0.5),
            ("renovate", 0, 0.5),
        ] {
            assert!((sure(author, time) - confidence).abs() < 1e-9, "{author}");
        }
        assert_eq!(owner(&row("Ada", 0), 0).owner.as_deref(), Some("@Ada"));
        let uncommitted = BlameRow { committed: false, ..row("Ada", 0) };
        assert_eq!(owner(&uncommitted, 0), Blame { owner: None, confidence: 0.0 });
    }
}
