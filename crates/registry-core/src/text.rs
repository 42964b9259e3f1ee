//! Rules for the texts of fields. How a text is shown is in `shown.rs`.

use crate::Timestamp;
use crate::shown::is_hidden;

/// Maximum length of each field, in characters.
#[derive(Debug, Clone, Copy)]
pub struct Limits;

impl Limits {
    /// `id` of an intent.
    pub const INTENT_ID: usize = 200;
    /// Agent ids, owners and tickets.
    pub const NAME: usize = 200;
    /// `code`, `type` and `reason_category`.
    pub const WORD: usize = 100;
    /// `file`: the longest path that Linux accepts.
    pub const FILE: usize = 4096;
    /// `reason`, `suggestion` and `import_text`.
    pub const PROSE: usize = 10_000;
    /// `raw`, in bytes of JSON.
    pub const RAW_BYTES: usize = 64 * 1024;
}

/// Reason why a text does not fit its field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It is empty.
    #[error("must not be empty")]
    Empty,
    /// It is too long.
    #[error("takes at most {max} characters, got {got}")]
    TooLong {
        /// Maximum length, in characters.
        max: usize,
        /// Length of the text.
        got: usize,
    },
    /// It has a control character, NUL included.
    #[error("must not contain control characters")]
    Control,
    /// It has a character that does not show: two names would look the same.
    #[error("must not contain {}, a character that does not show", code_point(*.0))]
    Hidden(char),
    /// It has white space around it.
    #[error("must not begin or end with white space, such as {}", code_point(*.0))]
    Edge(char),
    /// It is not a date, or a date that does not exist.
    #[error("takes a date such as 2026-01-31, or an RFC 3339 date and time")]
    Date,
}

/// Checks a text of 1 to `max` characters. `multiline` also admits tab, line feed and carriage return.
///
/// # Errors
/// [`TextError`] with the rule that is broken.
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

/// Checks a name of 1 to `max` characters: an id, a code, an agent, an owner. People compare names too, so a name
/// that looks like another is refused: no control, bidirectional, zero-width or otherwise ignorable characters, and
/// no white space around it.
///
/// # Errors
/// [`TextError`] with the rule that is broken and the character.
pub fn check_name(text: &str, max: usize) -> Result<(), TextError> {
    if let Some(hidden) = text.chars().find(|c| is_hidden(*c)) {
        return Err(TextError::Hidden(hidden));
    }
    let ends = [text.chars().next(), text.chars().next_back()];
    if let Some(edge) = ends.into_iter().flatten().find(|c| c.is_whitespace()) {
        return Err(TextError::Edge(edge));
    }
    check_text(text, max, false)
}

/// Returns a character as Unicode writes it: `U+200B`.
fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// Checks an `eta`: a calendar date, or RFC 3339.
///
/// # Errors
/// [`TextError::Date`] when it is neither, or the day does not exist.
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
    fn names_that_look_like_others_are_refused_with_the_character() {
        for hidden in "\0\t\n\u{7f}\u{85}\u{9b}\u{ad}\u{34f}\u{61c}\u{115f}\u{17b4}\u{180b}\u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\
                       \u{2028}\u{2029}\u{202a}\u{202e}\u{2060}\u{2064}\u{2066}\u{2069}\u{206f}\u{3164}\u{fe0f}\u{feff}\u{ffa0}\
                       \u{fff0}\u{fffb}\u{1bca0}\u{1d173}\u{e0001}\u{e007f}\u{e0100}"
            .chars()
        {
            for text in [format!("a{hidden}b"), format!("{hidden}ab"), format!("ab{hidden}")] {
                assert_eq!(check_name(&text, 10), Err(TextError::Hidden(hidden)), "{text:?}");
            }
        }
        for edge in [' ', '\u{a0}', '\u{1680}', '\u{2003}', '\u{202f}', '\u{3000}'] {
            assert_eq!(check_name(&format!("{edge}a"), 10), Err(TextError::Edge(edge)));
            assert_eq!(check_name(&format!("a{edge}"), 10), Err(TextError::Edge(edge)));
        }
        let said = check_name("own\u{200b}", 10).unwrap_err().to_string();
        assert_eq!(said, "must not contain U+200B, a character that does not show");
        for name in ["a", "a b", "é 漢", "T4-1", "a\u{301}", "x".repeat(10).as_str()] {
            assert_eq!(check_name(name, 10), Ok(()), "{name}");
        }
        assert_eq!(check_name("", 10), Err(TextError::Empty));
        assert_eq!(check_name("elevenchars", 10), Err(TextError::TooLong { max: 10, got: 11 }));
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        assert_eq!(check_date("2026-02-29"), Err(TextError::Date));
        assert_eq!(check_date("2028-02-29"), Ok(()));
        assert_eq!(check_date("2026-02-28T10:00:00Z"), Ok(()));
        assert_eq!(check_date("soon"), Err(TextError::Date));
    }
}
