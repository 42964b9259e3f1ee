//! Whole numbers in headers and parameters.

use std::str::FromStr;

/// Reads a whole number of digits alone. `str::parse` also takes a `+` in front.
pub(crate) fn whole_number<T: FromStr>(text: &str) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}
