//! Pages of lists and their cursors. A cursor is authenticated, so that an edited one is refused, and bound to its
//! query, so that a cursor of another list is refused.

use api_keys::keyed_mac;
use api_types::Code;
use registry_core::Clock;
use storage::rows_of_page;
use subtle::ConstantTimeEq as _;

use crate::error::ServiceError;

/// Request for a page of a list. `limit` was checked by the HTTP layer: 1 to 1000.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// Number of items.
    pub limit: u32,
    /// Cursor at which to continue.
    pub cursor: Option<String>,
}

/// Page of a list.
#[derive(Debug, Clone)]
pub struct ListPage<T> {
    /// Items.
    pub items: Vec<T>,
    /// Cursor of the next page; `None` at the end.
    pub next: Option<String>,
}

/// Page as the JSON text of its array.
#[derive(Debug, Clone)]
pub struct ListText {
    /// Array.
    pub json: Vec<u8>,
    /// Cursor of the next page; `None` at the end.
    pub next: Option<String>,
}

impl PageRequest {
    /// Returns the position of the cursor.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub(crate) fn position(&self, key: &CursorKey, query: &str) -> Result<Option<String>, ServiceError> {
        self.cursor.as_deref().map(|cursor| key.open(query, cursor)).transpose()
    }
}

/// Creates a page from rows that were requested with one more than the limit: the extra row shows that there are
/// more. A page ends at its limit of rows or of bytes, whichever comes first.
pub(crate) fn page_of<R, T>(
    mut rows: Vec<R>,
    request: &PageRequest,
    key: &CursorKey,
    query: &str,
    position: impl Fn(&R) -> String,
    bytes_of: impl Fn(&R) -> usize,
    view: impl Fn(R) -> T,
) -> ListPage<T> {
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let shown = rows_of_page(&rows, limit, bytes_of);
    let more = rows.len() > shown;
    rows.truncate(shown);
    let next = if more { rows.last().map(|row| key.close(query, &position(row))) } else { None };
    ListPage { items: rows.into_iter().map(view).collect(), next }
}

/// Splits a position into two parts, at a place where no id can be split.
pub(crate) fn split_position(position: &str) -> (&str, &str) {
    position.split_once('\n').unwrap_or((position, ""))
}

/// Time of a reader that one request has used, for figures over all rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadTime {
    started_micros: u64,
}

/// How long one request may use a reader for a figure, in microseconds: some ten million rows.
const MOST_READ_MICROS: u64 = 10_000_000;

impl ReadTime {
    /// Starts the measurement.
    pub(crate) fn begin(clock: &dyn Clock) -> Self {
        Self { started_micros: clock.monotonic_micros() }
    }

    /// Whether the request may continue; called between two snapshots.
    ///
    /// # Errors
    /// `deadline_exceeded` when its time is used up.
    pub(crate) fn check(self, clock: &dyn Clock) -> Result<(), ServiceError> {
        let taken = clock.monotonic_micros().saturating_sub(self.started_micros);
        if taken <= MOST_READ_MICROS {
            return Ok(());
        }
        let what = "the figure takes more of a reader's time than one request may";
        Err(ServiceError::new(Code::DeadlineExceeded, what).with_retry_after(1))
    }
}

/// Bytes of the MAC that a cursor carries. A successful guess gains only a start in the middle of one's own list.
const SEAL_BYTES: usize = 8;
/// Longest cursor that is accepted.
const MAX_CURSOR: usize = 12_000;

/// Key that authenticates cursors; derived from the pepper.
pub struct CursorKey([u8; 32]);

impl CursorKey {
    /// Creates it from a key of 32 secret bytes.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    fn seal_of(&self, query: &str, position: &str) -> Vec<u8> {
        // The end of the query is part of the text: both parts vary in length.
        let length = u64::try_from(query.len()).unwrap_or(u64::MAX).to_be_bytes();
        let mac = keyed_mac(&self.0, &[&length, query.as_bytes(), position.as_bytes()]);
        mac.as_bytes().iter().copied().take(SEAL_BYTES).collect()
    }

    /// Returns the cursor for a position of this query.
    #[must_use]
    pub fn close(&self, query: &str, position: &str) -> String {
        let mut bytes = self.seal_of(query, position);
        bytes.extend_from_slice(position.as_bytes());
        hex::encode(bytes)
    }

    /// Returns the position of a cursor of this query.
    ///
    /// # Errors
    /// `invalid_cursor` when it was edited, or made for another query or server.
    pub fn open(&self, query: &str, cursor: &str) -> Result<String, ServiceError> {
        self.try_open(query, cursor)
            .ok_or_else(|| ServiceError::new(Code::InvalidCursor, "the cursor is not one of this list"))
    }

    fn try_open(&self, query: &str, cursor: &str) -> Option<String> {
        // A cursor has one form.
        if cursor.len() > MAX_CURSOR || cursor.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let bytes = hex::decode(cursor).ok()?;
        let (seal, position) = bytes.split_at_checked(SEAL_BYTES)?;
        let position = std::str::from_utf8(position).ok()?;
        let fits: bool = self.seal_of(query, position).ct_eq(seal).into();
        fits.then(|| position.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_seal_of_a_cursor_is_an_hmac() {
        // HMAC-SHA-256 (computed with another library) of the length of the query in eight bytes, the query and the position.
        let cursor = CursorKey::new([7; 32]).close("owner=a", "row-9");
        assert_eq!(cursor, "8cb9a0994beb5acd726f772d39");
    }

    proptest! {
        #[test]
        fn pages_that_end_by_rows_or_bytes_are_the_whole_list(
            sizes in prop::collection::vec(prop_oneof![0_usize..1000, 200_000..3_000_000_usize], 0..60),
            limit in 1_u32..20,
        ) {
            let key = CursorKey::new([7; 32]);
            let rows: Vec<(usize, usize)> = sizes.iter().copied().enumerate().collect();
            let (mut shown, mut request) = (Vec::new(), PageRequest { limit, cursor: None });
            loop {
                let from = request.position(&key, "q").unwrap().map_or(0, |at| at.parse::<usize>().unwrap() + 1);
                // As a store returns them: one row more than requested, or than fits.
                let most = usize::try_from(limit).unwrap();
                let fits = rows_of_page(&rows[from..], most, |row| row.1);
                let part = rows[from..].iter().take(fits + 1).copied().collect();
                let page = page_of(part, &request, &key, "q", |row| row.0.to_string(), |row| row.1, |row| row);
                let bytes: usize = page.items.iter().map(|row| row.1).sum();
                let last = page.items.last().map_or(0, |row| row.1);
                prop_assert!(page.items.len() <= most && bytes - last < storage::LIST_BYTES);
                prop_assert!(page.next.is_none() || !page.items.is_empty());
                shown.extend(page.items);
                match page.next {
                    Some(next) => request.cursor = Some(next),
                    None => break,
                }
            }
            prop_assert_eq!(shown, rows);
        }

        #[test]
        fn a_cursor_opens_for_its_own_query_alone(query in ".{0,40}", other in ".{0,40}", position in ".{0,80}") {
            let key = CursorKey::new([7; 32]);
            let cursor = key.close(&query, &position);
            prop_assert_eq!(key.open(&query, &cursor).unwrap(), position);
            if other != query {
                prop_assert!(key.open(&other, &cursor).is_err());
            }
        }

        #[test]
        fn an_edited_cursor_is_refused(position in ".{0,40}", at in 0_usize..100, digit in 0_u32..16) {
            let key = CursorKey::new([7; 32]);
            let cursor = key.close("q", &position);
            let at = at % cursor.len();
            let mut edited: Vec<char> = cursor.chars().collect();
            edited[at] = char::from_digit(digit, 16).unwrap();
            let edited: String = edited.into_iter().collect();
            if edited != cursor {
                prop_assert!(key.open("q", &edited).is_err());
            }
        }

        #[test]
        fn any_text_is_refused_without_a_panic(text in ".{0,200}") {
            prop_assert!(CursorKey::new([7; 32]).open("q", &text).is_err());
        }
    }
}
