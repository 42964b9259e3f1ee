//! Comments of Python.

use super::Comment;
use super::cursor::{Cursor, is_word};

/// An f-string (or t-string) around this place.
struct StringTemplate {
    quote: u8,
    triple: bool,
    raw: bool,
    /// The replacement fields around this place, from the outside; of each, how many brackets are open in it, and
    /// whether its format has begun.
    fields: Vec<Field>,
}

#[derive(Default)]
struct Field {
    brackets: usize,
    format: bool,
}

impl StringTemplate {
    /// Whether this place is text rather than an expression.
    fn in_text(&self) -> bool {
        self.fields.last().is_none_or(|field| field.format)
    }
}

pub(super) fn scan(bytes: &[u8]) -> Vec<Comment> {
    let mut cursor = Cursor::new(bytes);
    let mut templates: Vec<StringTemplate> = Vec::new();
    while let Some(byte) = cursor.peek() {
        let begun = match templates.last_mut() {
            Some(template) if template.in_text() => {
                if text(&mut cursor, template, byte) {
                    templates.pop();
                }
                None
            }
            Some(template) => code(&mut cursor, template, byte),
            None => plain(&mut cursor),
        };
        templates.extend(begun);
    }
    cursor.found
}

/// To the next comment or string outside of f-strings, and through it; the f-string that begins there.
fn plain(cursor: &mut Cursor<'_>) -> Option<StringTemplate> {
    let rest = cursor.rest();
    let length = memchr::memchr3(b'#', b'"', b'\'', rest).unwrap_or(rest.len());
    cursor.at += length;
    if cursor.peek()? == b'#' {
        cursor.line_comment(1);
        None
    } else {
        let code = rest.get(..length).unwrap_or_default();
        let before = code.iter().rev().take_while(|byte| is_word(**byte)).count();
        string(cursor, code.get(length - before..).unwrap_or_default())
    }
}

/// One step in the code of a replacement field; the f-string that begins there.
fn code(cursor: &mut Cursor<'_>, template: &mut StringTemplate, byte: u8) -> Option<StringTemplate> {
    match byte {
        b'#' => cursor.line_comment(1),
        b'"' | b'\'' => return string(cursor, b""),
        byte if is_word(byte) => {
            let word = cursor.word();
            if matches!(cursor.peek(), Some(b'"' | b'\'')) {
                return string(cursor, word);
            }
        }
        byte => {
            cursor.at += 1;
            bracket(template, byte);
        }
    }
    None
}

/// Follows the brackets of a replacement field.
fn bracket(template: &mut StringTemplate, byte: u8) {
    let Some(field) = template.fields.last_mut() else { return };
    match byte {
        b'(' | b'[' | b'{' => field.brackets += 1,
        b'}' if field.brackets == 0 => {
            template.fields.pop();
        }
        b')' | b']' | b'}' => field.brackets = field.brackets.saturating_sub(1),
        b':' if field.brackets == 0 => field.format = true,
        _ => {}
    }
}

/// One step in the text of an f-string; whether it ends there.
fn text(cursor: &mut Cursor<'_>, template: &mut StringTemplate, byte: u8) -> bool {
    match byte {
        b'\\' => match cursor.ahead(1) {
            // A backslash does not escape a brace.
            Some(b'{' | b'}') => cursor.at += 1,
            Some(b'N') if !template.raw && cursor.ahead(2) == Some(b'{') => {
                cursor.at += 3;
                let name =
                    cursor.rest().iter().take_while(|byte| is_word(**byte) || matches!(byte, b' ' | b'-'));
                cursor.at += name.count();
                cursor.at += usize::from(cursor.peek() == Some(b'}'));
            }
            _ => cursor.escaped(),
        },
        b'\n' | b'\r' if !template.triple => {
            cursor.line_break();
            return true;
        }
        b'{' => {
            if cursor.ahead(1) == Some(b'{') && template.fields.is_empty() {
                cursor.at += 2;
            } else {
                cursor.at += 1;
                template.fields.push(Field::default());
            }
        }
        b'}' => {
            cursor.at += 1;
            template.fields.pop();
        }
        byte if byte == template.quote => {
            if !template.triple {
                cursor.at += 1;
                return true;
            }
            let closes = cursor.rest().starts_with(&[byte; 3]);
            cursor.at += if closes { 3 } else { 1 };
            return closes;
        }
        _ => cursor.at += 1,
    }
    false
}

/// Goes behind the string whose quote is here and whose prefix is before it. Of an f-string only its quotes: its text
/// comes back.
fn string(cursor: &mut Cursor<'_>, prefix: &[u8]) -> Option<StringTemplate> {
    let quote = cursor.peek()?;
    let triple = cursor.rest().starts_with(&[quote; 3]);
    cursor.at += if triple { 3 } else { 1 };
    let has = |letter: u8| prefix.iter().any(|byte| byte.eq_ignore_ascii_case(&letter));
    let raw = has(b'r');
    let alone = prefix.len() == 1 || (prefix.len() == 2 && raw);
    if alone && (has(b'f') || has(b't')) && !has(b'b') {
        return Some(StringTemplate { quote, triple, raw, fields: Vec::new() });
    }
    // Also in a raw string the quote behind a backslash does not end it.
    if triple {
        cursor.triple(quote, true);
    } else {
        cursor.string(quote, true, true);
    }
    None
}
