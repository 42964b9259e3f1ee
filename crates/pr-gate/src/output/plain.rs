//! Text from sources, made harmless for a terminal.

/// A text without what could steer a terminal or hide its neighbours: control characters and marks that turn the
/// direction of writing are shown by their escapes.
#[must_use]
pub fn plain(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_shown_raw() {
        assert_eq!(plain("a\nb\x1b[2J\u{202e}é 漢"), "a\\nb\\u{1b}[2J\\u{202e}é 漢");
    }
}
