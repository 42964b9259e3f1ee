//! Differences for people.

use std::time::Duration;

use similar::TextDiff;

/// How long the shortest difference is looked for.
const ENOUGH: Duration = Duration::from_secs(2);

/// A unified diff of one file, with `a/` and `b/` before its name; empty when nothing changed.
#[must_use]
pub fn unified(file: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    // Very many lines of a kind take very long to be told apart; what is shown after that is right, but not the shortest.
    TextDiff::configure()
        .timeout(ENOUGH)
        .diff_lines(before, after)
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{file}"), &format!("b/{file}"))
        .to_string()
}
