//! One page of a list.

use crate::cursor::CursorKey;
use crate::error::ServiceError;

/// What a caller asks of a list. `limit` was checked at the edge: 1 to 1000.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// How many.
    pub limit: u32,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// One page.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; `None` at the end.
    pub next: Option<String>,
}

impl PageRequest {
    /// The position that the cursor stands for.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub(crate) fn position(&self, key: &CursorKey, query: &str) -> Result<Option<String>, ServiceError> {
        self.cursor.as_deref().map(|cursor| key.open(query, cursor)).transpose()
    }
}

/// Makes a page of rows that were asked for with one more than the limit: the extra row tells that there is more.
pub(crate) fn page_of<R, T>(
    mut rows: Vec<R>,
    request: &PageRequest,
    key: &CursorKey,
    query: &str,
    position: impl Fn(&R) -> String,
    view: impl Fn(R) -> T,
) -> Page<T> {
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = if more { rows.last().map(|row| key.close(query, &position(row))) } else { None };
    Page { items: rows.into_iter().map(view).collect(), next }
}

/// Two parts of a position, split where no id can be split.
pub(crate) fn split_position(position: &str) -> (&str, &str) {
    position.split_once('\n').unwrap_or((position, ""))
}
