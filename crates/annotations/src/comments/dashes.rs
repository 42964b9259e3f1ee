//! Comments of SQL, Lua, Haskell and Ada.

use super::Comment;
use super::cursor::{Cursor, is_word};

pub(super) fn sql(bytes: &[u8]) -> Vec<Comment> {
    let mut cursor = Cursor::new(bytes);
    while let Some(byte) = cursor.peek() {
        match byte {
            b'-' if cursor.ahead(1) == Some(b'-') => cursor.line_comment(2),
            b'/' if cursor.ahead(1) == Some(b'*') => cursor.block_comment(2, "*/", None),
            // A doubled quote inside a string ends one string and begins the next.
            b'\'' | b'"' | b'`' => {
                cursor.at += 1;
                cursor.string(byte, false, false);
            }
            b'$' => dollars(&mut cursor),
            byte if is_word(byte) => {
                cursor.word();
                cursor.at += usize::from(cursor.peek() == Some(b'$'));
            }
            _ => cursor.at += 1,
        }
    }
    cursor.found
}

/// Goes behind a string between `$tag$` and `$tag$`, as PostgreSQL has them, or behind a dollar.
fn dollars(cursor: &mut Cursor<'_>) {
    let tag = cursor.rest().iter().skip(1).take(64).take_while(|byte| is_word(**byte)).count();
    let is_tag =
        cursor.ahead(tag + 1) == Some(b'$') && !cursor.ahead(1).is_some_and(|byte| byte.is_ascii_digit());
    if !is_tag {
        cursor.at += 1;
        return;
    }
    let mark = cursor.rest().get(..tag + 2).unwrap_or_default();
    cursor.at += mark.len();
    cursor.skip_through(mark);
}

pub(super) fn lua(bytes: &[u8]) -> Vec<Comment> {
    let mut cursor = Cursor::new(bytes);
    while let Some(byte) = cursor.peek() {
        match byte {
            b'-' if cursor.ahead(1) == Some(b'-') => match long_bracket(cursor.bytes, cursor.at + 2) {
                Some((open, close)) => cursor.block_comment(2 + open, &close, None),
                None => cursor.line_comment(2),
            },
            b'[' => match long_bracket(cursor.bytes, cursor.at) {
                Some((open, close)) => {
                    cursor.at += open;
                    cursor.skip_through(close.as_bytes());
                }
                None => cursor.at += 1,
            },
            b'\'' | b'"' => {
                cursor.at += 1;
                cursor.string(byte, true, true);
            }
            _ => cursor.at += 1,
        }
    }
    cursor.found
}

/// The length of the `[==[` here, and the `]==]` that closes it.
fn long_bracket(bytes: &[u8], at: usize) -> Option<(usize, String)> {
    let rest = bytes.get(at..)?.strip_prefix(b"[")?;
    let level = rest.iter().take_while(|byte| **byte == b'=').count();
    (rest.get(level) == Some(&b'[')).then(|| (level + 2, format!("]{}]", "=".repeat(level))))
}

pub(super) fn haskell(bytes: &[u8]) -> Vec<Comment> {
    let mut cursor = Cursor::new(bytes);
    while let Some(byte) = cursor.peek() {
        match byte {
            b'{' if cursor.ahead(1) == Some(b'-') => cursor.block_comment(2, "-}", Some("{-")),
            b'"' => {
                cursor.at += 1;
                cursor.string(b'"', true, true);
            }
            b'\'' if cursor.ahead(1) == Some(b'\\') => {
                cursor.at += 1;
                cursor.escaped();
                cursor.string(b'\'', false, true);
            }
            b'\'' if cursor.ahead(2) == Some(b'\'') => cursor.at += 3,
            byte if is_word(byte) => {
                // A name may end with primes, and Ada's attributes begin with one.
                cursor.word();
                while cursor.peek() == Some(b'\'') {
                    cursor.at += 1;
                    cursor.word();
                }
            }
            byte if is_operator(byte) => {
                // Two dashes begin a comment, but not as a part of an operator such as `-->`.
                let length = cursor.rest().iter().take_while(|byte| is_operator(**byte)).count();
                let dashes = cursor.rest().iter().take_while(|byte| **byte == b'-').count();
                if dashes >= 2 && (dashes == length || cursor.ahead(dashes) == Some(b'|')) {
                    cursor.line_comment(2);
                } else {
                    cursor.at += length;
                }
            }
            _ => cursor.at += 1,
        }
    }
    cursor.found
}

fn is_operator(byte: u8) -> bool {
    matches!(
        byte,
        b'-' | b'!'
            | b'#'
            | b'$'
            | b'%'
            | b'&'
            | b'*'
            | b'+'
            | b'.'
            | b'/'
            | b'<'
            | b'='
            | b'>'
            | b'?'
            | b'@'
            | b'\\'
            | b'^'
            | b'|'
            | b'~'
            | b':'
    )
}
