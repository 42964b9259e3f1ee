//! Writing to the terminal, or to whatever stands in its place.

use std::io::{ErrorKind, Write, stderr, stdout};

use anyhow::Context;

use crate::exit::Failure;

pub use pr_gate::output::plain;

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
