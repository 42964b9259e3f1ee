//! Comments of files with `#` and simple strings.

use super::Comment;
use super::cursor::{Cursor, is_word};

/// The comments of TOML where `toml`, else of any file whose `#` begins a comment at the start of a word and whose
/// strings end on the row where they began.
pub(super) fn scan(bytes: &[u8], toml: bool) -> Vec<Comment> {
    let mut cursor = Cursor::new(bytes);
    // Up to where each quote is known to stand alone in its row.
    let mut lonely = [0; 2];
    while let Some(byte) = cursor.peek() {
        match byte {
            b'#' if toml || cursor.before().is_none_or(|before| before.is_ascii_whitespace()) => {
                cursor.line_comment(1);
            }
            b'#' if cursor.at == 3 && bytes.starts_with("\u{feff}".as_bytes()) => cursor.line_comment(1),
            b'"' | b'\'' if toml => {
                let escapes = byte == b'"';
                if cursor.rest().starts_with(&[byte; 3]) {
                    cursor.at += 3;
                    cursor.triple(byte, escapes);
                } else {
                    cursor.at += 1;
                    cursor.string(byte, escapes, true);
                }
            }
            b'"' | b'\'' if !cursor.before().is_some_and(is_word) => {
                let [double, single] = &mut lonely;
                quoted(&mut cursor, byte, if byte == b'"' { double } else { single });
            }
            b'\\' => cursor.escaped(),
            _ => cursor.at += 1,
        }
    }
    cursor.found
}

/// Goes behind a string that ends on its row; a quote without another one in its row is none.
fn quoted(cursor: &mut Cursor<'_>, quote: u8, lonely: &mut usize) {
    cursor.at += 1;
    if cursor.at < *lonely {
        return;
    }
    let start = cursor.at;
    cursor.string(quote, true, true);
    if cursor.before() != Some(quote) || cursor.at == start {
        *lonely = cursor.at;
        cursor.at = start;
    }
}
