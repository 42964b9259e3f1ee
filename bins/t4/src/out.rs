//! Writing to the terminal, or to whatever stands in its place.

use std::io::{ErrorKind, Write, stderr, stdout};

use anyhow::Context;

use crate::exit::Failure;

/// Writes a result to stdout. A reader that has gone (`t4 … | head`) is no failure: the verdict stands.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("the result can't be written to stdout").map_err(Failure::undecided)
        }
        _ => Ok(()),
    }
}

/// Talks on stderr. There is nowhere to tell that nobody can hear it.
pub fn say(text: &str) {
    let text: Vec<_> = text.lines().map(plain).collect();
    let _ = writeln!(stderr().lock(), "t4: {}", text.join("\n"));
}

/// A text without what could steer a terminal or hide its neighbours: control characters and marks that turn the
/// direction of writing are shown by their escapes.
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
