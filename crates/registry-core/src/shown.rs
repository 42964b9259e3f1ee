//! Escaping of untrusted text for output, so that it can't control a terminal, mislead a reader or command a CI
//! runner.
//!
//! Agents and owners in an adopted database, and file names and contents in an untrusted branch, can be any text. CI
//! runners read commands from what a program prints: GitHub's from lines that begin with `::` (after blanks) and from
//! `##[` anywhere, Azure's from `##vso[` anywhere, TeamCity's from `##teamcity[`. They end a line at CR as well as at
//! LF. [`plain`] is for one field; [`inert`] and [`inert_json`] are for everything that a program prints.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Escapes one field for one line. Control characters, bidirectional marks and zero-width characters become escapes
/// such as `\u{1b}`.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) || is_invisible(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// Escapes whole lines, as the last step before they are printed. Control characters and bidirectional marks become
/// escapes, and no line is a command of a runner. Tabs, line ends (LF, CR LF) and zero-width characters, which some
/// scripts need, are kept. Escaping twice changes nothing.
#[must_use]
pub fn inert(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let body = line.strip_suffix('\n').unwrap_or(line);
        let body = if body.len() < line.len() { body.strip_suffix('\r').unwrap_or(body) } else { body };
        if begins_a_command(body) {
            shown.push_str("| ");
        }
        let start = shown.len();
        for c in body.chars() {
            if steers(c) && c != '\t' { shown.extend(c.escape_default()) } else { shown.push(c) }
        }
        if let Cow::Owned(broken) = break_marks(shown.get(start..).unwrap_or_default(), "#\\u{23}") {
            shown.truncate(start);
            shown.push_str(&broken);
        }
        shown.push_str(line.get(body.len()..).unwrap_or_default());
    }
    shown
}

/// Escapes a JSON document like [`inert`], by escapes of JSON, so that it keeps its meaning. Zero-width characters
/// are escaped too. Only strings hold such characters, so nothing else changes.
#[must_use]
pub fn inert_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    let mut units = [0; 2];
    for c in json.chars() {
        if (steers(c) && !matches!(c, '\n' | '\r' | '\t')) || is_invisible(c) {
            for unit in c.encode_utf16(&mut units) {
                // Writing to a `String` does not fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    break_marks(&shown, "#\\u0023").into_owned()
}

/// Whether a line is a command for GitHub's runner. Some runners treat zero-width characters as blanks.
fn begins_a_command(line: &str) -> bool {
    line.trim_start_matches(|c: char| c.is_whitespace() || is_invisible(c)).starts_with("::")
}

/// Breaks up `##[` and `##word[`: the second `#` of each is replaced.
fn break_marks<'a>(text: &'a str, replacement: &str) -> Cow<'a, str> {
    let mut broken = String::new();
    let mut done = 0;
    for (at, _) in text.match_indices('#') {
        let Some(rest) = text.get(at..).and_then(|rest| rest.strip_prefix("##")) else { continue };
        if rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '-').starts_with('[') {
            broken.push_str(text.get(done..at).unwrap_or_default());
            broken.push_str(replacement);
            done = at + "##".len();
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    broken.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(broken)
}

/// Whether a character controls a terminal, ends a line, or changes the direction of writing.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character has no width or is meant for programs only: it hides, or makes two names look the same.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{2065}'
            | '\u{206a}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Whether a character is invisible by itself: control and zero-width characters, and Unicode's
/// `Default_Ignorable_Code_Point` (`DerivedCoreProperties.txt`), such as fillers and variation selectors.
pub(crate) fn is_hidden(c: char) -> bool {
    steers(c)
        || is_invisible(c)
        || matches!(
            c,
            '\u{34f}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fff8}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether a runner would obey a line of a text. Written from the runners' behaviour, not from the code above.
    fn obeyed(text: &str) -> bool {
        text.split(['\n', '\r']).any(|line| {
            let marked = ["##[", "##vso[", "##teamcity["].iter().any(|mark| line.contains(mark));
            marked || line.trim_start().starts_with("::")
        })
    }

    #[test]
    fn nothing_that_steers_a_terminal_is_shown_raw() {
        assert_eq!(plain("a\nb\x1b[2J\u{202e}é 漢"), "a\\nb\\u{1b}[2J\\u{202e}é 漢");
        assert_eq!(plain("\u{61c}\u{200b}\u{e0041}\u{9b}"), "\\u{61c}\\u{200b}\\u{e0041}\\u{9b}");
    }

    #[test]
    fn lines_that_a_runner_would_obey_are_broken_and_others_stay() {
        for (text, shown) in [
            ("::add-mask::x\n", "| ::add-mask::x\n"),
            (" \t\u{200b}::error::x\r\nb", "|  \t\u{200b}::error::x\r\nb"),
            ("a\r::error::x", "a\\r::error::x"),
            ("a ##vso[task.x]##[group]y", "a #\\u{23}vso[task.x]#\\u{23}[group]y"),
            ("###[x] ##teamcity[y]", "##\\u{23}[x] #\\u{23}teamcity[y]"),
            ("\x1b]0;x\x07\u{9b}2J\u{202e}\u{2028}", "\\u{1b}]0;x\\u{7}\\u{9b}2J\\u{202e}\\u{2028}"),
        ] {
            assert_eq!(inert(text), shown);
            assert!(!obeyed(&inert(text)), "{text:?}");
        }
        for text in ["", "a: :b\tc\r\n\n## [x] a::b ##\n", "é 漢 \u{200d} \u{feff}", "| ::x\n"] {
            assert_eq!(inert(text), text);
        }
    }

    #[test]
    fn json_means_the_same_and_is_no_command() {
        let value = serde_json::json!({"##vso[x]": ["::x", "\u{7f}\u{9b}\u{202e}\u{2029}\u{e0041}\\##[y"], "é": "\u{1b}"});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let shown = inert_json(&text);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        assert!(!obeyed(&shown) && !shown.chars().any(|c| steers(c) && c != '\n'), "{shown}");
    }

    /// Texts made of the relevant characters, and arbitrary texts.
    fn texts() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            "(::|##|#|\\[|vso|teamcity|:|\\||\\\\)",
            "[\n\r\t \u{b}\u{c}\u{85}\u{a0}\u{2028}\u{200b}\u{feff}\u{1b}\u{9b}]",
            any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn no_text_is_obeyed_once_it_is_inert(text in texts()) {
            let shown = inert(&text);
            prop_assert!(!obeyed(&shown), "{:?} -> {:?}", text, shown);
            let raw = shown.replace("\r\n", "\n");
            prop_assert!(!raw.chars().any(|c| steers(c) && !matches!(c, '\n' | '\t')), "{:?}", shown);
            prop_assert_eq!(inert(&shown), shown.clone());
            prop_assert_eq!(shown.matches('\n').count(), text.matches('\n').count());
        }

        #[test]
        fn no_json_is_obeyed_and_all_of_it_means_the_same(text in texts()) {
            let value = serde_json::json!({ text.clone(): [text.clone(), 1] });
            let shown = inert_json(&serde_json::to_string_pretty(&value).unwrap());
            prop_assert!(!obeyed(&shown), "{:?}", shown);
            prop_assert!(!shown.chars().any(|c| steers(c) && c != '\n'), "{:?}", shown);
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        }

        #[test]
        fn a_field_stays_on_its_line(text in texts()) {
            prop_assert!(!plain(&text).chars().any(|c| steers(c) || is_invisible(c)));
        }
    }
}
