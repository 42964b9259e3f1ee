//! What this program writes, and where: results on stdout, talk on stderr.

use cli_support::{Failure, out};
use serde::Serialize;

pub use cli_support::out::plain;

/// Writes a result to stdout.
pub fn print(text: &str) -> Result<(), Failure> {
    out::print(text, "the result")
}

/// Writes one JSON document on one line.
pub fn print_json(document: &impl Serialize) -> Result<(), Failure> {
    print(&out::json(document).map_err(Failure::trouble)?)
}

/// Writes one JSON document on several lines.
pub fn print_json_lines(document: &impl Serialize) -> Result<(), Failure> {
    print(&out::json_lines(document).map_err(Failure::trouble)?)
}

/// Talks on stderr, with the program's name.
pub fn say(text: &str) {
    out::say(&format!("t4: {text}"));
}
