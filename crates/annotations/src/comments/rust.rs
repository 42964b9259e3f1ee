//! Comments of Rust.

use super::Comment;
use super::cursor::{Cursor, is_word};

pub(super) fn scan(bytes: &[u8]) -> Vec<Comment> {
    let mut cursor = Cursor::new(bytes);
    while let Some(byte) = cursor.peek() {
        match byte {
            b'/' if cursor.ahead(1) == Some(b'/') => cursor.line_comment(2),
            b'/' if cursor.ahead(1) == Some(b'*') => cursor.block_comment(2, "*/", Some("/*")),
            b'"' => {
                cursor.at += 1;
                cursor.string(b'"', true, false);
            }
            b'\'' => character(&mut cursor),
            byte if is_word(byte) => {
                let word = cursor.word();
                if matches!(word, b"r" | b"br" | b"cr") {
                    raw(&mut cursor);
                }
            }
            _ => cursor.at += 1,
        }
    }
    cursor.found
}

/// Goes behind the raw string whose prefix was before this place, if there is one.
fn raw(cursor: &mut Cursor<'_>) {
    let hashes = cursor.rest().iter().take_while(|byte| **byte == b'#').count();
    if cursor.ahead(hashes) != Some(b'"') {
        return;
    }
    cursor.at += hashes + 1;
    let mut close = vec![b'"'];
    close.extend(std::iter::repeat_n(b'#', hashes));
    cursor.skip_through(&close);
}

/// Goes behind a character, or behind the quote of a lifetime.
fn character(cursor: &mut Cursor<'_>) {
    cursor.at += 1;
    if cursor.peek() == Some(b'\\') {
        cursor.escaped();
        cursor.string(b'\'', false, true);
        return;
    }
    let length = match cursor.peek() {
        Some(0xF0..) => 4,
        Some(0xE0..) => 3,
        Some(0xC0..) => 2,
        _ => 1,
    };
    if cursor.ahead(length) == Some(b'\'') {
        cursor.at += length + 1;
    }
}
