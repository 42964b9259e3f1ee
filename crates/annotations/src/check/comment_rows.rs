//! Rows that hold only comments.

use crate::comments::{Comment, line_ends};

/// Runs of rows that hold comments and nothing else: first and last row of each, in order, none next to another.
pub fn comment_runs(source: &str, comments: &[Comment]) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    let mut comments = comments.iter().peekable();
    while let Some(first) = comments.next() {
        // Comments that share rows stand or fall together.
        let mut own = is_blank(before(source, first.whole.start));
        let mut last_row = last_row(source, first);
        let mut end = first.whole.end;
        while let Some(next) = comments.next_if(|next| next.row == last_row) {
            own &= source.get(end..next.whole.start).is_some_and(is_blank);
            last_row = self::last_row(source, next);
            end = next.whole.end;
        }
        if !own || !is_blank(after(source, end)) {
            continue;
        }
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == first.row => *end = last_row,
            _ => runs.push((first.row, last_row)),
        }
    }
    runs
}

/// The first of the comment rows that end right above a row; the row itself when there are none.
pub fn first_above(runs: &[(u32, u32)], row: u32) -> u32 {
    let near = runs.partition_point(|(first, _)| *first < row).checked_sub(1).and_then(|near| runs.get(near));
    near.filter(|(_, last)| last + 1 >= row).map_or(row, |(first, _)| *first)
}

fn last_row(source: &str, comment: &Comment) -> u32 {
    comment.row.saturating_add(line_ends(source.as_bytes(), comment.whole.clone()))
}

fn before(source: &str, end: usize) -> &str {
    let text = source.get(..end).unwrap_or_default();
    text.rfind(['\n', '\r']).and_then(|at| text.get(at..)).unwrap_or(text)
}

fn after(source: &str, start: usize) -> &str {
    let text = source.get(start..).unwrap_or_default();
    text.find(['\n', '\r']).and_then(|at| text.get(..at)).unwrap_or(text)
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c == '\u{feff}')
}
