//! The printed form of a diff: safe on a terminal, on a pipe and in the log of a CI runner.

use registry_core::inert;

/// The first line of a hunk that is not printed exactly. `git apply` and `patch` refuse a hunk with such a line, so
/// that escapes are never applied in place of the characters that they stand for.
const NOTE: &str = "| not exact: this hunk has escapes for some characters and can't be applied\n";

/// Returns the printed form of exact diffs ([`super::unified`]).
///
/// Control characters and bidirectional control characters are replaced by escapes, and no line is a command of a CI
/// runner. A hunk that has none of these is unchanged and can be applied. Any other hunk begins with a note that it
/// can't.
#[must_use]
pub fn shown(diff: &str) -> String {
    let mut text = String::with_capacity(diff.len());
    let mut lines = diff.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let Some((mut old, mut new)) = counts(line) else {
            text.push_str(&header(line));
            continue;
        };
        text.push_str(line);
        let mut hunk = String::new();
        let mut is_exact = true;
        while old > 0 || new > 0 || lines.peek().is_some_and(|line| line.starts_with('\\')) {
            let Some(line) = lines.next() else { break };
            match line.chars().next() {
                Some(' ') => (old, new) = (old.saturating_sub(1), new.saturating_sub(1)),
                Some('-') => old = old.saturating_sub(1),
                Some('+') => new = new.saturating_sub(1),
                _ => {}
            }
            let harmless = harmless(line);
            is_exact &= harmless == line;
            hunk.push_str(&harmless);
        }
        if !is_exact {
            text.push_str(NOTE);
        }
        text.push_str(&hunk);
    }
    text
}

/// Returns the numbers of old and new lines of a hunk from its first line, or `None` for another line.
fn counts(line: &str) -> Option<(usize, usize)> {
    let (old, new) = line.strip_prefix("@@ -")?.trim_end().strip_suffix(" @@")?.split_once(" +")?;
    let count = |place: &str| place.split_once(',').map_or(Some(1), |(_, count)| count.parse().ok());
    Some((count(old)?, count(new)?))
}

/// Escapes a line of a hunk. If the line would be a command, its first colon is escaped, and its `+`, `-` or space
/// stays.
fn harmless(line: &str) -> String {
    let safe = inert(line);
    match safe.strip_prefix("| ") {
        Some(rest) if !line.starts_with('|') => rest.replacen(':', "\\u{3a}", 1),
        _ => safe,
    }
}

/// Escapes a line of a diff's header. A name that contains a command of a runner is quoted, although git would not
/// quote it. `git apply` accepts the quoted name.
fn header(line: &str) -> String {
    let Some((mark, name)) = line.split_once(' ').filter(|_| inert(line) != line) else {
        return line.to_owned();
    };
    let name = name.strip_suffix('\n').unwrap_or(name);
    let (name, tab) = name.strip_suffix('\t').map_or((name, ""), |name| (name, "\t"));
    let name = name.replace("##", "#\\043");
    if name.starts_with('"') { format!("{mark} {name}{tab}\n") } else { format!("{mark} \"{name}\"{tab}\n") }
}
