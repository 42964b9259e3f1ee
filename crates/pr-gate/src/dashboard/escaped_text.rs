//! Text, numbers and markup that a template of the page may insert.
//!
//! `maud` escapes what ends an element or an attribute in double quotes, and nothing else: it passes `'`, control
//! characters, bidirectional marks and the commands of CI runners. So a template inserts only four things: a number,
//! a time, [`Markup`], or [`EscapedText`], which every string must become, whatever its source. A bare `String` or
//! `&str` in a template is a mistake; the page's tests detect it by what `maud` does not escape.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, Render, html};
use registry_core::{inert_json, plain};

/// Text for the inside of elements and of quoted attributes. Control characters and bidirectional marks are shown by
/// their escapes. The page may be printed in the log of a CI runner, so `##`, with which commands of some runners
/// begin, is broken up.
#[derive(Debug, Clone, Copy)]
pub struct EscapedText<'a>(pub &'a str);

impl Render for EscapedText<'_> {
    fn render_to(&self, page: &mut String) {
        let mut last = '\0';
        for c in plain(self.0).chars() {
            match c {
                '&' => page.push_str("&amp;"),
                '<' => page.push_str("&lt;"),
                '>' => page.push_str("&gt;"),
                '"' => page.push_str("&quot;"),
                '\'' => page.push_str("&#39;"),
                '#' if last == '#' => page.push_str("&#35;"),
                c => page.push(c),
            }
            last = c;
        }
    }
}

/// Wraps parts of the page that no template can hold: its style, its script, its doctype. The lifetime excludes text
/// that is read at run time.
pub fn own(raw: &'static str) -> PreEscaped<&'static str> {
    PreEscaped(raw)
}

/// Escapes JSON for the inside of a `<script>`, so that nothing in it can end the element or begin a comment. These
/// characters occur only in strings of JSON, so their escapes keep the meaning.
pub fn json(json: &str) -> Markup {
    let json = inert_json(json);
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' => {
                let _ = write!(safe, "\\u{:04x}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    PreEscaped(safe)
}

/// Formats a count with thousands separators.
pub fn count(number: u64) -> Markup {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    html! { (EscapedText(&grouped)) }
}

/// Formats a count of things in memory.
pub fn size(number: usize) -> Markup {
    count(u64::try_from(number).unwrap_or(u64::MAX))
}

/// Formats a percentage with one digit. A share below 100 % is never shown as 100 %.
pub fn percent(value: f64) -> Markup {
    let shown = (value * 10.0).round() / 10.0;
    let shown = if value < 100.0 && shown >= 100.0 { 99.9 } else { shown };
    let shown = if value > 0.0 && shown <= 0.0 { 0.1 } else { shown };
    html! { (shown) "%" }
}

/// Formats a count with its noun: `1 finding`, `2,000 findings`.
pub fn many(number: usize, one: &str, more: &str) -> Markup {
    html! { (size(number)) " " (EscapedText(if number == 1 { one } else { more })) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> String {
        EscapedText(raw).render().into_string()
    }

    #[test]
    fn no_text_becomes_markup_or_steers_the_writing() {
        assert_eq!(
            text("<b a=\"x\" b='y'>&\u{202e}\u{1b}"),
            "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;\\u{202e}\\u{1b}"
        );
        assert_eq!(text("##vso[x]"), "#&#35;vso[x]");
    }

    #[test]
    fn json_can_not_end_its_script_and_means_the_same() {
        let hostile = serde_json::json!({"</script><!--": "\u{2028}\u{2029} & <script> ##vso[x] \u{202e}"});
        let safe = json(&hostile.to_string()).into_string();
        assert!(!safe.contains(['<', '>', '&', '\u{2028}', '\u{2029}', '\u{202e}']), "{safe}");
        assert!(!safe.contains("##"), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), hostile);
    }

    #[test]
    fn numbers_are_never_rounded_into_none_or_all() {
        let counts = [0, 999, 1000, 1_234_567].map(|number| count(number).into_string());
        assert_eq!(counts, ["0", "999", "1,000", "1,234,567"]);
        let percents = [100.0, 99.99, 0.01, 0.0].map(|value| percent(value).into_string());
        assert_eq!(percents, ["100%", "99.9%", "0.1%", "0%"]);
    }
}
