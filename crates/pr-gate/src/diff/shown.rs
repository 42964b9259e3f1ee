//! The printed form of a diff: safe on a terminal, on a pipe and in the log of a CI runner.

use registry_core::inert;

/// First line of a hunk that is not printed exactly. `git apply` and `patch` refuse a hunk with such a line, so escapes
/// are never applied in place of the characters that they show.
const NOTE: &str = "| not as it is: what is shown by escapes can't be applied from here\n";

/// Exact diffs ([`super::unified`]) as they are printed: control characters and marks that turn the direction of writing
/// are shown by their escapes, and no line is a command of a CI runner. A diff without any of these is printed as it is
/// and can be applied; a hunk with one says that it can't.
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

/// How many old and new lines a hunk has, by its first line; `None` for any other line.
fn counts(line: &str) -> Option<(usize, usize)> {
    let (old, new) = line.strip_prefix("@@ -")?.trim_end().strip_suffix(" @@")?.split_once(" +")?;
    let count = |place: &str| place.split_once(',').map_or(Some(1), |(_, count)| count.parse().ok());
    Some((count(old)?, count(new)?))
}

/// A line of a hunk. One that would be a command gets its first colon escaped and keeps its mark.
fn harmless(line: &str) -> String {
    let safe = inert(line);
    match safe.strip_prefix("| ") {
        Some(rest) if !line.starts_with('|') => rest.replacen(':', "\\u{3a}", 1),
        _ => safe,
    }
}

/// A line of a diff's head. A name that contains a command of a runner is quoted, though git would not quote it. `git apply`
/// reads it back.
fn header(line: &str) -> String {
    let Some((mark, name)) = line.split_once(' ').filter(|_| inert(line) != line) else {
        return line.to_owned();
    };
    let name = name.strip_suffix('\n').unwrap_or(name);
    let (name, tab) = name.strip_suffix('\t').map_or((name, ""), |name| (name, "\t"));
    let name = name.replace("##", "#\\043");
    if name.starts_with('"') { format!("{mark} {name}{tab}\n") } else { format!("{mark} \"{name}\"{tab}\n") }
}
