//! Text in HTML.

use std::fmt::Write as _;

use registry_core::{inert_json, plain};

/// A text as HTML, for the inside of elements and of quoted attributes. What would steer the writing (control
/// characters, marks that turn its direction) is shown by its escape. The page may be written to the log of a CI runner,
/// so that `##`, with which commands of some runners begin wherever they stand, is broken up.
pub fn text(raw: &str) -> String {
    let raw = plain(raw);
    let mut safe = String::with_capacity(raw.len());
    let mut last = '\0';
    for c in raw.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '#' if last == '#' => safe.push_str("&#35;"),
            c => safe.push(c),
        }
        last = c;
    }
    safe
}

/// JSON for the inside of a `<script>`: nothing in it can end the element or begin a comment. Quotes are the only place
/// where JSON has these characters, so that their escapes mean the same.
pub fn json(json: &str) -> String {
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
    safe
}

/// A count with a comma at each thousand.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A count of things in memory.
pub fn size(number: usize) -> String {
    count(u64::try_from(number).unwrap_or(u64::MAX))
}

/// A percentage to one digit. What is not all of it never looks like it.
pub fn percent(value: f64) -> String {
    let shown = (value * 10.0).round() / 10.0;
    let shown = if value < 100.0 && shown >= 100.0 { 99.9 } else { shown };
    let shown = if value > 0.0 && shown <= 0.0 { 0.1 } else { shown };
    format!("{shown}%")
}

/// So many of something: `1 finding`, `2,000 findings`.
pub fn many(number: usize, one: &str, more: &str) -> String {
    format!("{} {}", size(number), if number == 1 { one } else { more })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let safe = json(&hostile.to_string());
        assert!(!safe.contains(['<', '>', '&', '\u{2028}', '\u{2029}', '\u{202e}']), "{safe}");
        assert!(!safe.contains("##"), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), hostile);
    }

    #[test]
    fn numbers_are_never_rounded_into_none_or_all() {
        assert_eq!([count(0), count(999), count(1000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [percent(100.0), percent(99.99), percent(0.01), percent(0.0)],
            ["100%", "99.9%", "0.1%", "0%"]
        );
    }
}
