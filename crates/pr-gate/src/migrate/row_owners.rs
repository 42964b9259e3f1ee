//! Who may own the rows of a file, asked of git once and only when somebody wants to know.

use annotations::Blame;
use registry_core::Timestamp;
use source_tree::blame::{BlameRow, blame};
use source_tree::git::Git;

use crate::Error;

/// How long ago a change may be for its author to be taken for the owner without doubt.
const SURE_SECONDS: i64 = 30 * 24 * 60 * 60;

/// Words in the names of authors that are no people.
const BOTS: [&str; 4] = ["bot", "copilot", "dependabot", "renovate"];

fn is_bot(author: &str) -> bool {
    let name = author.to_lowercase();
    name.split(|c: char| !c.is_alphanumeric()).any(|word| BOTS.contains(&word))
}

/// Who may be asked about a row: `@` and the author's name, and how sure that is. A bot gives 0.5, a change of over 30
/// days before `now` (seconds since 1970) 0.8; a row that is in no commit is nobody's.
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

/// The owners of one file's rows.
pub(crate) struct RowOwners<'a> {
    git: Option<&'a Git>,
    name: &'a str,
    /// git's row of each row, where they differ: git knows no lone CR.
    git_rows: Option<Vec<usize>>,
    now: Timestamp,
    rows: Option<Vec<BlameRow>>,
    failed: Option<Error>,
}

impl<'a> RowOwners<'a> {
    /// Of a file that is about to be asked for; nobody owns anything without git.
    pub(crate) fn of(git: Option<&'a Git>, name: &'a str, bytes: &[u8], now: Timestamp) -> Self {
        Self { git, name, git_rows: git.and_then(|_| git_rows(bytes)), now, rows: None, failed: None }
    }

    /// Who may own a row, from 1.
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

    /// Whether git could be asked.
    pub(crate) fn end(self) -> Result<(), Error> {
        self.failed.map_or(Ok(()), Err)
    }
}

/// git's row of each row of ours, from 0; `None` when they are the same.
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
    fn rows_that_end_at_a_lone_cr_are_found_in_gits_count() {
        assert_eq!(git_rows(b"a\nb\r\nc\n"), None);
        assert_eq!(git_rows(b"a\rb\r\nc\nd\r"), Some(vec![0, 0, 1, 2, 2]));
    }

    #[test]
    fn bots_and_old_changes_make_an_owner_less_sure() {
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
