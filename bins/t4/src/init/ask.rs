//! Questions at a terminal.

use std::io::{BufRead as _, IsTerminal as _, Write as _, stderr, stdin};
use std::path::Path;

use cli_support::Failure;

use crate::out;

/// Whether somebody is there to answer.
pub fn is_possible() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// The folders to check; an empty answer is the guess.
pub fn paths(guess: &[String]) -> Result<Vec<String>, Failure> {
    let shown = out::plain(&guess.join(" "));
    let answer = line(&format!("What is to be checked? Files and folders, with blanks between [{shown}]: "))?;
    let named: Vec<_> = answer.split_whitespace().map(str::to_owned).collect();
    Ok(if named.is_empty() { guess.to_vec() } else { named })
}

/// Whether to install the hook; an empty answer is yes.
pub fn hook(path: &Path) -> Result<bool, Failure> {
    let shown = out::plain(&path.display().to_string());
    let answer = line(&format!("Install the pre-commit hook {shown}? [Y/n]: "))?;
    Ok(!answer.trim().to_lowercase().starts_with('n'))
}

/// One line; the end of the input is an empty answer.
fn line(question: &str) -> Result<String, Failure> {
    let mut stderr = stderr().lock();
    stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush()).map_err(Failure::trouble)?;
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer).map_err(Failure::trouble)?;
    Ok(answer)
}
