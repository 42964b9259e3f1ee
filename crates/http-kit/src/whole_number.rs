//! Whole numbers in headers and parameters.

use std::str::FromStr;

/// Parses a whole number of digits only. `str::parse` also accepts a leading `+`.
pub(crate) fn whole_number<T: FromStr>(text: &str) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}
