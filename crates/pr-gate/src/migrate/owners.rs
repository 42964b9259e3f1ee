//! Who may own the rows of a file, asked of git once and only when somebody wants to know.

use annotations::Blame;
use registry_core::Timestamp;

use crate::Error;
use crate::blame::{Row, blame};
use crate::git::Git;

/// The owners of one file's rows.
pub(crate) struct Owners<'a> {
    git: Option<&'a Git>,
    name: &'a str,
    /// git's row of each row, where they differ: git knows no lone CR.
    git_rows: Option<Vec<usize>>,
    now: Timestamp,
    rows: Option<Vec<Row>>,
    failed: Option<Error>,
}

impl<'a> Owners<'a> {
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
        row.map_or_else(Blame::default, |row| row.owner(self.now.unix_seconds()))
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
}
