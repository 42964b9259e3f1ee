//! Writing to the terminal, or to whatever stands in its place.

use std::io::{self, ErrorKind, Write as _};

use anyhow::Context as _;
use serde::Serialize;

use crate::Failure;

pub use registry_core::{inert, inert_json, plain};

/// Writes what a command found to stdout, for people: whatever is in it, it steers no terminal and is no command of a CI
/// runner ([`inert`]). `what` names it, such as `the answer`. A reader that has gone (`admin-keys list | head`) is no
/// failure: the verdict stands.
///
/// # Errors
/// When it can't be written for another reason.
pub fn print(text: &str, what: &str) -> Result<(), Failure> {
    print_exactly(&inert(text), what)
}

/// The same for JSON, which means what it did.
///
/// # Errors
/// As for [`print()`].
pub fn print_json(json: &str, what: &str) -> Result<(), Failure> {
    print_exactly(&inert_json(json), what)
}

/// The same for a text that is made inert where it is made: runner commands on purpose, or a page of HTML.
///
/// # Errors
/// As for [`print()`].
pub fn print_exactly(text: &str, what: &str) -> Result<(), Failure> {
    match write(text) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).with_context(|| format!("{what} can't be written to stdout")).map_err(Failure::trouble)
        }
        _ => Ok(()),
    }
}

/// Writes what is shown this once; `lost` says what it means that it is gone. Here a reader that has gone is a failure.
///
/// # Errors
/// When it can't be written.
pub fn print_once(text: &str, lost: impl FnOnce() -> String) -> Result<(), Failure> {
    write(text).with_context(lost).map_err(Failure::trouble)
}

/// A value as one line of JSON, as inert as [`print_json`] writes it.
///
/// # Errors
/// When it has no form in JSON.
pub fn json(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(|text| inert_json(&text) + "\n")
}

/// The same on several lines.
///
/// # Errors
/// As for [`json`].
pub fn json_lines(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string_pretty(value).map(|text| inert_json(&text) + "\n")
}

/// Writes a message to stderr, as inert as what [`print()`] writes. A failure is ignored, because it can't be reported
/// anywhere.
pub fn say(text: &str) {
    let text: Vec<_> = text.lines().map(plain).collect();
    drop(writeln!(io::stderr().lock(), "{}", inert(&text.join("\n"))));
}

fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
