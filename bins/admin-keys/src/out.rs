//! Writing to the terminal, or to whatever stands in its place.

use std::io::{self, ErrorKind, Write as _};

use anyhow::Context as _;
use serde::Serialize;

use crate::exit::Failure;

/// Writes to stdout. A reader that has gone (`admin-keys list | head`) is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    match write(text) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("the answer can't be written to stdout").map_err(Failure::trouble)
        }
        _ => Ok(()),
    }
}

/// Writes a secret that is shown this once. Here a reader that has gone is a failure.
pub fn print_secret(text: &str, key_id: &str) -> Result<(), Failure> {
    let lost = || format!("the key could not be written to stdout and is lost; rotate or revoke {key_id}");
    write(text).with_context(lost).map_err(Failure::trouble)
}

/// A value as one line of JSON.
pub fn json(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(value).context("the answer can't be written as JSON");
    text.map(|text| text + "\n").map_err(Failure::trouble)
}

/// Talks on stderr. There is nowhere to tell that nobody can hear it.
pub fn say(text: &str) {
    let text: Vec<_> = text.lines().map(plain).collect();
    drop(writeln!(io::stderr().lock(), "{}", text.join("\n")));
}

fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// A text without what could steer a terminal or hide its neighbours: agents and owners of an adopted database may
/// be any text. Control characters and marks that turn the direction of writing are shown by their escapes.
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
