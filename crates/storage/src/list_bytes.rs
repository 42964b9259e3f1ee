//! Size limit of a page of a list. A page is limited in rows and in bytes, because a row may be large and all rows of
//! a page are in memory at once. A page ends with the row that reaches the limit, so it has at least one row.

use audit::StoredRow;
use registry_core::Intent;

/// Maximum of a page, in bytes of its rows' texts.
pub const LIST_BYTES: usize = 1 << 20;

/// Bytes of a row besides its texts.
const ROW_BYTES: usize = 256;

/// Returns the number of bytes that an intent counts.
#[must_use]
pub fn intent_bytes(intent: &Intent) -> usize {
    let texts = [
        &intent.file,
        &intent.import_text,
        &intent.reason_category,
        &intent.reason,
        &intent.suggestion,
        &intent.ticket,
        &intent.eta,
        &intent.stored_status,
        &intent.raw,
    ];
    let texts: usize = texts.into_iter().flatten().map(String::len).sum();
    let names = intent.owner.as_ref().map_or(0, |owner| owner.as_str().len());
    ROW_BYTES + texts + names + intent.id.as_str().len() + intent.code.len() + intent.kind.len()
}

/// Returns the number of bytes that a row of the audit log counts.
#[must_use]
pub fn audit_row_bytes(row: &StoredRow) -> usize {
    let record = &row.record;
    let texts = [&record.path, &record.detail, &record.body, &record.request_id, &record.agent_id];
    ROW_BYTES + texts.into_iter().flatten().map(String::len).sum::<usize>()
}

/// Returns how many of these rows, in their order, one page of at most `limit` rows has.
#[must_use]
pub fn rows_of_page<R>(rows: &[R], limit: usize, bytes_of: impl Fn(&R) -> usize) -> usize {
    let mut bytes = 0;
    let full = rows.iter().position(|row| {
        bytes += bytes_of(row);
        bytes >= LIST_BYTES
    });
    full.map_or(rows.len(), |last| last + 1).min(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_with_the_row_that_reaches_the_bound() {
        let count = |rows: &[usize], limit| rows_of_page(rows, limit, |bytes| *bytes);
        assert_eq!(count(&[], 10), 0);
        assert_eq!(count(&[1; 20], 10), 10);
        assert_eq!(count(&[1; 20], 30), 20);
        assert_eq!(count(&[2 * LIST_BYTES, 1], 10), 1, "a page always has a row");
        assert_eq!(count(&[LIST_BYTES - 1, 1, 1], 10), 2);
        assert_eq!(count(&[LIST_BYTES - 2, 1, 1], 10), 3);
    }
}
