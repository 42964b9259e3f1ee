//! Comments of YAML.

use super::Comment;
use super::cursor::Cursor;

pub(super) fn scan(bytes: &[u8]) -> Vec<Comment> {
    let mut cursor = Cursor::new(bytes);
    while cursor.peek().is_some() {
        row(&mut cursor);
    }
    cursor.found
}

/// Goes through one row (more, where a quoted scalar spans them), and through the block scalar that it begins.
fn row(cursor: &mut Cursor<'_>) {
    let column = parent(cursor);
    if cursor.starts_with("---") {
        cursor.at += 3;
    }
    // Whether a scalar may begin here, and whether only a block scalar's header has been since.
    let mut fresh = true;
    let mut header = false;
    let first = cursor.at;
    while let Some(byte) = cursor.peek() {
        let spaced = cursor.at == first || matches!(cursor.before(), Some(b' ' | b'\t' | b'\n' | b'\r'));
        match byte {
            b'\n' | b'\r' => {
                cursor.line_break();
                if header {
                    block_scalar(cursor, column);
                }
                return;
            }
            b'#' if spaced || cursor.at == 0 => cursor.line_comment(1),
            b' ' | b'\t' => cursor.at += 1,
            b'"' | b'\'' if fresh => {
                cursor.at += 1;
                cursor.string(byte, byte == b'"', false);
                // A doubled quote stands for itself.
                while byte == b'\'' && cursor.peek() == Some(byte) {
                    cursor.at += 1;
                    cursor.string(byte, false, false);
                }
                fresh = false;
                header = false;
            }
            b'|' | b'>' if fresh => {
                cursor.at += 1;
                while matches!(cursor.peek(), Some(b'+' | b'-' | b'0'..=b'9')) {
                    cursor.at += 1;
                }
                header = true;
                fresh = false;
            }
            // Anchors and tags stand before a scalar.
            b'&' | b'!' if fresh => {
                while cursor.peek().is_some_and(|byte| !byte.is_ascii_whitespace()) {
                    cursor.at += 1;
                }
            }
            b'[' | b'{' | b',' => {
                cursor.at += 1;
                fresh = true;
                header = false;
            }
            b':' | b'-' | b'?' => {
                cursor.at += 1;
                let ends = cursor.peek().is_none_or(|byte| byte.is_ascii_whitespace());
                fresh = if byte == b':' { ends } else { ends && fresh };
                header = false;
            }
            _ => {
                cursor.at += 1;
                fresh = false;
                header = false;
            }
        }
    }
}

/// The column of the node that this row begins, behind its `- `s; `None` for the start of a document.
fn parent(cursor: &Cursor<'_>) -> Option<usize> {
    let rest = cursor.rest();
    if rest.starts_with(b"---") {
        return None;
    }
    let mut column = 0;
    loop {
        match (rest.get(column), rest.get(column + 1)) {
            (Some(b' '), _) => column += 1,
            (Some(b'-' | b'?'), Some(b' ')) => {
                let node = rest.iter().skip(column + 1).take_while(|byte| **byte == b' ').count();
                if matches!(rest.get(column + 1 + node), Some(b'|' | b'>')) {
                    return Some(column);
                }
                column += 1 + node;
            }
            _ => return Some(column),
        }
    }
}

/// Goes behind the rows of a block scalar: those that are blank, or indented as its first one is.
fn block_scalar(cursor: &mut Cursor<'_>, parent: Option<usize>) {
    let mut least = parent.map_or(0, |column| column + 1);
    let mut first = true;
    while cursor.peek().is_some() {
        let line = cursor.bytes.get(cursor.at..cursor.line_end()).unwrap_or_default();
        if !line.trim_ascii().is_empty() {
            let indent = line.iter().take_while(|byte| **byte == b' ').count();
            if indent < least || (indent == 0 && (line.starts_with(b"---") || line.starts_with(b"..."))) {
                return;
            }
            if first {
                least = indent;
                first = false;
            }
        }
        cursor.next_line();
    }
}
