//! Comments of JavaScript and TypeScript.

use super::Comment;
use super::cursor::{Cursor, is_word};

/// Words before a `/` that begins a regular expression; after any other word it divides.
const OPERATORS: [&[u8]; 14] = [
    b"return",
    b"typeof",
    b"case",
    b"in",
    b"of",
    b"delete",
    b"void",
    b"throw",
    b"new",
    b"do",
    b"else",
    b"instanceof",
    b"yield",
    b"await",
];

pub(super) fn scan(bytes: &[u8]) -> Vec<Comment> {
    let mut cursor = Cursor::new(bytes);
    // The template literals around this place: of each, how many braces are open in its substitution.
    let mut templates: Vec<usize> = Vec::new();
    let mut operand = false;
    while let Some(byte) = cursor.peek() {
        match byte {
            b'/' if cursor.ahead(1) == Some(b'/') => cursor.line_comment(2),
            b'/' if cursor.ahead(1) == Some(b'*') => cursor.block_comment(2, "*/", None),
            b'/' if !operand => {
                regex(&mut cursor);
                operand = true;
            }
            b'"' | b'\'' => {
                cursor.at += 1;
                cursor.string(byte, true, true);
                operand = true;
            }
            b'`' => {
                cursor.at += 1;
                operand = !template(&mut cursor, &mut templates);
            }
            b'}' if templates.last() == Some(&0) => {
                cursor.at += 1;
                templates.pop();
                operand = !template(&mut cursor, &mut templates);
            }
            byte if is_word(byte) || byte == b'$' => {
                let word = cursor.word();
                cursor.at += usize::from(word.is_empty());
                operand = !OPERATORS.contains(&word);
            }
            byte => {
                cursor.at += 1;
                match (byte, templates.last_mut()) {
                    (b'{', Some(open)) => *open += 1,
                    (b'}', Some(open)) => *open -= 1,
                    _ => {}
                }
                if !byte.is_ascii_whitespace() {
                    operand = matches!(byte, b')' | b']' | b'}');
                }
            }
        }
    }
    cursor.found
}

/// Goes through the text of a template literal; whether a substitution begins.
fn template(cursor: &mut Cursor<'_>, templates: &mut Vec<usize>) -> bool {
    while let Some(byte) = cursor.peek() {
        match byte {
            b'\\' => cursor.escaped(),
            b'`' => {
                cursor.at += 1;
                return false;
            }
            b'$' if cursor.ahead(1) == Some(b'{') => {
                cursor.at += 2;
                templates.push(0);
                return true;
            }
            _ => cursor.at += 1,
        }
    }
    false
}

/// Goes behind a regular expression, or to the end of its line.
fn regex(cursor: &mut Cursor<'_>) {
    cursor.at += 1;
    let mut class = false;
    while let Some(byte) = cursor.peek() {
        match byte {
            b'\n' | b'\r' => return,
            b'\\' if !matches!(cursor.ahead(1), Some(b'\n' | b'\r')) => cursor.at += 1,
            b'[' => class = true,
            b']' => class = false,
            b'/' if !class => {
                cursor.at += 1;
                return;
            }
            _ => {}
        }
        cursor.at += 1;
    }
}
