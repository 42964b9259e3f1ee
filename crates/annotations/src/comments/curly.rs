//! Comments of C, languages like it, and CSS.

use super::Comment;
use super::cursor::{Cursor, is_word};

/// The comments of a source with `/* */` ones, and `//` ones where `lines`.
pub(super) fn scan(bytes: &[u8], lines: bool) -> Vec<Comment> {
    let mut cursor = Cursor::new(bytes);
    while let Some(byte) = cursor.peek() {
        match byte {
            b'/' if lines && cursor.ahead(1) == Some(b'/') => cursor.line_comment(2),
            b'/' if cursor.ahead(1) == Some(b'*') => cursor.block_comment(2, "*/", None),
            b'"' => string(&mut cursor, b""),
            b'\'' => {
                cursor.at += 1;
                cursor.string(b'\'', true, true);
            }
            // Go's raw strings; names in Scala, Kotlin and Swift.
            b'`' if lines => {
                cursor.at += 1;
                cursor.string(b'`', false, false);
            }
            // C#'s verbatim strings.
            b'@' if cursor.ahead(1) == Some(b'"') => {
                cursor.at += 2;
                cursor.string(b'"', false, false);
            }
            byte if is_word(byte) => {
                let word = cursor.word();
                if byte.is_ascii_digit() {
                    // C++ puts `'` between digits.
                    while cursor.peek() == Some(b'\'') && cursor.ahead(1).is_some_and(is_word) {
                        cursor.at += 1;
                        cursor.word();
                    }
                } else if cursor.peek() == Some(b'"') {
                    string(&mut cursor, word);
                }
            }
            _ => cursor.at += 1,
        }
    }
    cursor.found
}

/// Goes behind the string whose quote is here and whose prefix is before it.
fn string(cursor: &mut Cursor<'_>, prefix: &[u8]) {
    if matches!(prefix, b"R" | b"LR" | b"uR" | b"UR" | b"u8R") {
        let delimiter = cursor.rest().iter().skip(1).take(17).position(|byte| *byte == b'(');
        if let Some(length) = delimiter {
            let mut close = vec![b')'];
            close.extend(cursor.rest().iter().skip(1).take(length));
            close.push(b'"');
            cursor.at += length + 2;
            cursor.skip_through(&close);
            return;
        }
    }
    if cursor.starts_with("\"\"\"") {
        cursor.at += 3;
        cursor.triple(b'"', true);
        return;
    }
    cursor.at += 1;
    cursor.string(b'"', true, true);
}
