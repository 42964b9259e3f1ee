//! Reads and writes columns: those that may hold anything, and those that this program alone writes.

pub(crate) mod lenient;
pub(crate) mod strict;

/// A number for a column: counts beyond what SQLite's integers hold do not occur.
pub(crate) fn to_i64(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
