//! Lenient reading of columns that may hold anything: of a database of the original service, or an edited one.

use std::borrow::Cow;

use api_keys::dollars_to_pico;
use registry_core::Timestamp;
use rusqlite::Row;
use rusqlite::types::ValueRef;

/// Reads a column as text, whatever its type; `None` for NULL.
pub(crate) fn text<'r>(row: &'r Row<'_>, index: usize) -> rusqlite::Result<Option<Cow<'r, str>>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Null => None,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        }),
        ValueRef::Integer(number) => Some(Cow::Owned(number.to_string())),
        ValueRef::Real(number) => Some(Cow::Owned(number.to_string())),
    })
}

/// Like [`text`], owned.
pub(crate) fn string(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<String>> {
    Ok(text(row, index)?.map(Cow::into_owned))
}

/// Reads an integer; `None` for anything else.
pub(crate) fn integer(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<i64>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Integer(number) => Some(number),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => None,
    })
}

/// Reads a count; zero for anything else.
pub(crate) fn count(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    Ok(integer(row, index)?.and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
}

/// Reads bytes of a fixed length; `None` for anything else.
pub(crate) fn bytes<const N: usize>(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<[u8; N]>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Blob(bytes) => bytes.try_into().ok(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) => None,
    })
}

/// Reads a point in time in any form that an adopted row may have; `None` for NULL and for other texts.
pub(crate) fn time(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(text(row, index)?.and_then(|text| Timestamp::parse_lenient(&text).ok()))
}

/// Converts dollars to pico-dollars; what is no amount is zero, what is too large is the maximum.
pub(crate) fn pico(row: &Row<'_>, index: usize) -> rusqlite::Result<i64> {
    let dollars = match row.get_ref(index)? {
        ValueRef::Real(dollars) => dollars,
        #[expect(clippy::cast_precision_loss, reason = "amounts beyond 2^52 dollars are cut off below")]
        ValueRef::Integer(dollars) => dollars as f64,
        ValueRef::Null | ValueRef::Text(_) | ValueRef::Blob(_) => 0.0,
    };
    Ok(dollars_to_pico(dollars.clamp(0.0, api_keys::MAX_DOLLARS)).unwrap_or(0))
}
