//! Output of this program: results on stdout, messages on stderr.

use cli_support::{Failure, out};
use serde::Serialize;

pub use cli_support::out::plain;

/// Writes a result to stdout.
pub fn print(text: &str) -> Result<(), Failure> {
    out::print(text, "the result")
}

/// Writes one JSON document on one line.
pub fn print_json(document: &impl Serialize) -> Result<(), Failure> {
    print_json_text(&out::json(document).map_err(Failure::trouble)?)
}

/// Writes one JSON document on several lines.
pub fn print_json_lines(document: &impl Serialize) -> Result<(), Failure> {
    print_json_text(&out::json_lines(document).map_err(Failure::trouble)?)
}

/// Writes a JSON document that is a text already, line end included.
pub fn print_json_text(json: &str) -> Result<(), Failure> {
    out::print_json(json, "the result")
}

/// Writes a result that is made inert where it is made.
pub fn print_exactly(text: &str) -> Result<(), Failure> {
    out::print_exactly(text, "the result")
}

/// Parses the command line. Ends the program when it asks for help or is wrong. clap repeats the wrong argument, which may
/// be a file name of a tree that is not trusted.
pub fn parsed<T: clap::Parser>() -> T {
    T::try_parse().unwrap_or_else(|error| {
        let text = error.render().to_string();
        if out::inert(&text) == text {
            error.exit()
        }
        out::say(&text);
        std::process::exit(error.exit_code())
    })
}

/// Talks on stderr, with the program's name.
pub fn say(text: &str) {
    out::say(&format!("t4: {text}"));
}
