//! Differences for people.

use similar::TextDiff;

/// A unified diff of one file, with `a/` and `b/` before its name; empty when nothing changed.
#[must_use]
pub fn unified(file: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{file}"), &format!("b/{file}"))
        .to_string()
}
