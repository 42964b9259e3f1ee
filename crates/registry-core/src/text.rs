//! Rules of texts: what a field may hold. How a text is shown is in `shown.rs`.

use crate::Timestamp;

/// The longest text, in characters, that each field takes.
#[derive(Debug, Clone, Copy)]
pub struct Limits;

impl Limits {
    /// `id` of an intent.
    pub const INTENT_ID: usize = 200;
    /// Agent ids, owners and tickets.
    pub const NAME: usize = 200;
    /// `code`, `type` and `reason_category`.
    pub const WORD: usize = 100;
    /// `file`: the longest path that Linux takes.
    pub const FILE: usize = 4096;
    /// `reason`, `suggestion` and `import_text`.
    pub const PROSE: usize = 10_000;
    /// `raw`, in bytes of JSON.
    pub const RAW_BYTES: usize = 64 * 1024;
}

/// Why a text does not fit its field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The field must hold something.
    #[error("must not be empty")]
    Empty,
    /// Too long.
    #[error("takes at most {max} characters, got {got}")]
    TooLong {
        /// The most that the field takes, in characters.
        max: usize,
        /// What came.
        got: usize,
    },
    /// A control character, NUL included.
    #[error("must not contain control characters")]
    Control,
    /// A date that does not exist, or no date at all.
    #[error("takes a date such as 2026-01-31, or an RFC 3339 date and time")]
    Date,
}

/// Checks a text of 1 to `max` characters. `multiline` admits tab, line feed and carriage return.
///
/// # Errors
/// [`TextError`] says what does not fit.
pub fn check_text(text: &str, max: usize, multiline: bool) -> Result<(), TextError> {
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    let refused = |c: char| c.is_control() && !(multiline && matches!(c, '\t' | '\n' | '\r'));
    if text.chars().any(refused) {
        return Err(TextError::Control);
    }
    if text.len() > max {
        let got = text.chars().count();
        if got > max {
            return Err(TextError::TooLong { max, got });
        }
    }
    Ok(())
}

/// Checks an `eta`: a calendar date, or RFC 3339.
///
/// # Errors
/// [`TextError::Date`] when it is neither, or names a day that does not exist.
pub fn check_date(text: &str) -> Result<(), TextError> {
    let is_day = text.len() == 10 && Timestamp::parse_lenient(text).is_ok();
    if is_day || Timestamp::parse(text).is_ok() { Ok(()) } else { Err(TextError::Date) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_and_control_characters_are_refused() {
        assert_eq!(check_text("a\0b", 10, true), Err(TextError::Control));
        assert_eq!(check_text("a\nb", 10, false), Err(TextError::Control));
        assert_eq!(check_text("a\nb", 10, true), Ok(()));
    }

    #[test]
    fn length_counts_characters_not_bytes() {
        assert_eq!(check_text("ééé", 3, false), Ok(()));
        assert_eq!(check_text("éééé", 3, false), Err(TextError::TooLong { max: 3, got: 4 }));
        assert_eq!(check_text("", 3, false), Err(TextError::Empty));
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        assert_eq!(check_date("2026-02-29"), Err(TextError::Date));
        assert_eq!(check_date("2028-02-29"), Ok(()));
        assert_eq!(check_date("2026-02-28T10:00:00Z"), Ok(()));
        assert_eq!(check_date("soon"), Err(TextError::Date));
    }
}
