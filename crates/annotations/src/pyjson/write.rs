//! Writer of Python's JSON.

use std::fmt::Write as _;

use super::{ESCAPE, JsonObject, Value};

/// The value on one line, as `json.dumps(value, separators=(",", ":"), ensure_ascii=False)` has it; lone surrogates,
/// which no file can hold, are escaped.
#[must_use]
pub fn dumps(value: &Value) -> String {
    let mut out = String::new();
    compact(value, &mut out);
    out
}

/// The value over many lines, as `json.dumps(value, indent=2, ensure_ascii=True)` has it.
#[must_use]
pub fn dumps_indented(value: &Value) -> String {
    let mut out = String::new();
    indented(value, 0, &mut out);
    out
}

/// A float as Python's `repr` has it in JSON: `100.0`, `88.82`, `1e+16`, `NaN`.
#[must_use]
pub fn float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let shortest = format!("{number:e}");
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let text = format!("{number}");
        return if text.contains('.') { text } else { text + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// A number of a JSON text as Python would print it again.
pub(super) fn number(written: &str) -> String {
    if written.ends_with(['N', 'y']) {
        return written.to_owned();
    }
    if written.contains(['.', 'e', 'E']) {
        return written.parse().map_or_else(|_| written.to_owned(), float);
    }
    if written == "-0" { "0".to_owned() } else { written.to_owned() }
}

fn scalar(value: &Value, ascii: bool, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(written) => out.push_str(&number(written)),
        Value::Text(text) => quoted(text, ascii, out),
        Value::List(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

fn compact(value: &Value, out: &mut String) {
    match value {
        Value::List(list) => {
            out.push('[');
            for (place, item) in list.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                compact(item, out);
            }
            out.push(']');
        }
        Value::Object(object) => {
            out.push('{');
            for (place, (key, item)) in object.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                quoted(key, false, out);
                out.push(':');
                compact(item, out);
            }
            out.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => scalar(value, false, out),
    }
}

fn indented(value: &Value, depth: usize, out: &mut String) {
    let line = |depth: usize, out: &mut String| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    let members = |object: &JsonObject, out: &mut String| {
        for (place, (key, item)) in object.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            line(depth + 1, out);
            quoted(key, true, out);
            out.push_str(": ");
            indented(item, depth + 1, out);
        }
    };
    match value {
        Value::List(list) if !list.is_empty() => {
            out.push('[');
            for (place, item) in list.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                line(depth + 1, out);
                indented(item, depth + 1, out);
            }
            line(depth, out);
            out.push(']');
        }
        Value::Object(object) if !object.is_empty() => {
            out.push('{');
            members(object, out);
            line(depth, out);
            out.push('}');
        }
        other => scalar(other, true, out),
    }
}

fn quoted(text: &str, ascii: bool, out: &mut String) {
    out.push('"');
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ESCAPE => {
                let next = chars.next_if(|next| matches!(next, '\u{E000}'..='\u{E7FF}' | &ESCAPE));
                match next {
                    Some(surrogate) if surrogate != ESCAPE => {
                        unit(u32::from(surrogate) - 0xE000 + 0xD800, out);
                    }
                    _ => plain(ESCAPE, ascii, out),
                }
            }
            _ => plain(char, ascii, out),
        }
    }
    out.push('"');
}

/// A character that has no short escape.
fn plain(char: char, ascii: bool, out: &mut String) {
    if char < ' ' || (ascii && char > '~') {
        let mut units = [0; 2];
        for half in char.encode_utf16(&mut units) {
            unit(u32::from(*half), out);
        }
    } else {
        out.push(char);
    }
}

fn unit(code: u32, out: &mut String) {
    // Writing to a `String` cannot fail.
    let _ = write!(out, "\\u{code:04x}");
}
