//! Reading and writing of columns.

pub(crate) mod lenient;
pub(crate) mod strict;

/// Converts a count to a column's integer. Counts beyond SQLite's integers do not occur.
pub(crate) fn to_i64(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Whether a column with numeric affinity might store a text as a number. SQLite skips white space before a number,
/// the vertical tab included.
pub(crate) fn looks_numeric(text: &str) -> bool {
    let begins = |b: u8| b.is_ascii_digit() || b.is_ascii_whitespace() || b == 0x0b || b"+-.".contains(&b);
    text.bytes().next().is_some_and(begins)
}
