//! Comments of shell scripts.

use super::Comment;
use super::cursor::{Cursor, is_word};

/// What is around a place in a script.
#[derive(Clone, Copy, PartialEq)]
enum Around {
    /// `"..."`.
    Quotes,
    /// `(...)`, `$(...)`.
    Parentheses,
    /// `((...))`, `$((...))`: `<<` shifts there.
    Arithmetic,
    /// `${...}`.
    Braces,
}

/// A here-document that begins with the next line.
struct Here {
    end: Vec<u8>,
    tabs: bool,
}

pub(super) fn scan(bytes: &[u8]) -> Vec<Comment> {
    let mut cursor = Cursor::new(bytes);
    let mut around: Vec<Around> = Vec::new();
    let mut heres: Vec<Here> = Vec::new();
    while let Some(byte) = cursor.peek() {
        let inside = around.last().copied();
        match byte {
            b'\\' => cursor.escaped(),
            b'"' => {
                cursor.at += 1;
                if inside == Some(Around::Quotes) {
                    around.pop();
                } else {
                    around.push(Around::Quotes);
                }
            }
            b'$' => dollar(&mut cursor, &mut around),
            b'\n' | b'\r' if inside != Some(Around::Quotes) => {
                cursor.line_break();
                heres.drain(..).for_each(|here| skip(&mut cursor, &here));
            }
            _ if inside == Some(Around::Quotes) => cursor.at += 1,
            b'\'' => {
                cursor.at += 1;
                cursor.string(b'\'', false, false);
            }
            b'}' if inside == Some(Around::Braces) => close(&mut cursor, &mut around, 1),
            b')' if inside == Some(Around::Arithmetic) => {
                let both = cursor.ahead(1) == Some(b')');
                close(&mut cursor, &mut around, if both { 2 } else { 1 });
            }
            b')' if inside == Some(Around::Parentheses) => close(&mut cursor, &mut around, 1),
            b'(' => open(&mut cursor, &mut around),
            b'#' if inside != Some(Around::Braces) && begins_word(&cursor) => cursor.line_comment(1),
            b'<' if cursor.starts_with("<<")
                && !matches!(inside, Some(Around::Arithmetic | Around::Braces)) =>
            {
                heres.extend(here(&mut cursor));
            }
            _ => cursor.at += 1,
        }
    }
    cursor.found
}

fn close(cursor: &mut Cursor<'_>, around: &mut Vec<Around>, length: usize) {
    cursor.at += length;
    around.pop();
}

fn open(cursor: &mut Cursor<'_>, around: &mut Vec<Around>) {
    let both = cursor.ahead(1) == Some(b'(');
    cursor.at += if both { 2 } else { 1 };
    let nested = around.last() == Some(&Around::Arithmetic);
    if nested && both {
        around.push(Around::Parentheses);
    }
    around.push(if both && !nested { Around::Arithmetic } else { Around::Parentheses });
}

fn dollar(cursor: &mut Cursor<'_>, around: &mut Vec<Around>) {
    cursor.at += 1;
    match cursor.peek() {
        Some(b'(') => open(cursor, around),
        Some(b'{') => {
            cursor.at += 1;
            around.push(Around::Braces);
        }
        Some(b'\'') if around.last() != Some(&Around::Quotes) => {
            cursor.at += 1;
            cursor.string(b'\'', true, false);
        }
        Some(b'#') => cursor.at += 1,
        _ => {}
    }
}

fn begins_word(cursor: &Cursor<'_>) -> bool {
    cursor.before().is_none_or(|before| {
        before.is_ascii_whitespace() || matches!(before, b';' | b'&' | b'|' | b'(' | b')' | b'`' | 0xBF)
    })
}

/// Goes behind `<<` and the word after it, if that can end a here-document.
fn here(cursor: &mut Cursor<'_>) -> Option<Here> {
    cursor.at += 2;
    if cursor.peek() == Some(b'<') {
        cursor.at += 1;
        return None;
    }
    let tabs = matches!(cursor.peek(), Some(b'-' | b'~'));
    cursor.at += usize::from(tabs);
    while matches!(cursor.peek(), Some(b' ' | b'\t')) {
        cursor.at += 1;
    }
    let first = cursor.peek()?;
    let end = if matches!(first, b'\'' | b'"') {
        cursor.at += 1;
        let start = cursor.at;
        cursor.string(first, false, true);
        let word = cursor.bytes.get(start..cursor.at).unwrap_or_default();
        word.strip_suffix(&[first]).unwrap_or(word)
    } else {
        cursor.at += usize::from(first == b'\\');
        if cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let start = cursor.at;
        while cursor.peek().is_some_and(|byte| is_word(byte) || matches!(byte, b'-' | b'.' | b'!')) {
            cursor.at += 1;
        }
        cursor.bytes.get(start..cursor.at).unwrap_or_default()
    };
    (!end.is_empty()).then(|| Here { end: end.to_owned(), tabs })
}

/// Goes behind the last line of a here-document.
fn skip(cursor: &mut Cursor<'_>, here: &Here) {
    while cursor.peek().is_some() {
        let line = cursor.bytes.get(cursor.at..cursor.line_end()).unwrap_or_default();
        cursor.next_line();
        let line = if here.tabs { line.trim_ascii_start() } else { line };
        if line == here.end {
            return;
        }
    }
}
