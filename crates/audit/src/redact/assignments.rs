//! Finder of values that are assigned to a secret name in running text: `password=…`, `"token": "…"`, `cookie: …`.

use super::encoded::is_secret_name_encoded;
use super::names::is_header_name;
use super::scan::{count, starts_with};
use super::{REDACTED, SecretSpan};

/// The first value of a secret name that stands at or after `from`.
pub(super) fn next_assigned(text: &str, from: usize) -> Option<SecretSpan> {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        let end = at + count(bytes, at, is_name_byte);
        if end > at {
            if let Some(value) = value_start(bytes, end)
                && is_secret_name_encoded(text.get(at..end).unwrap_or_default())
            {
                let span = SecretSpan {
                    start: value,
                    end: value_end(text, value, text.get(at..end).unwrap_or_default()),
                };
                if span.end > span.start && !starts_with(bytes, value, REDACTED.as_bytes()) {
                    return Some(span);
                }
            }
            at = end;
        } else {
            at += 1;
        }
    }
    None
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'%')
}

/// Where the value begins when the name that ends at `end` is given one: behind closing quotes, `=`, `:` or `=>`,
/// spaces, and the value's own opening quote.
fn value_start(bytes: &[u8], end: usize) -> Option<usize> {
    let mut at = end + count(bytes, end, |b| matches!(b, b'"' | b'\'' | b'\\' | b']'));
    at += count(bytes, at, |b| b == b' ');
    match bytes.get(at)? {
        b':' if bytes.get(at + 1) == Some(&b':') || starts_with(bytes, at, b"://") => return None,
        b'=' if bytes.get(at + 1) == Some(&b'>') => at += 2,
        b'=' | b':' => at += 1,
        _ => return None,
    }
    at += count(bytes, at, |b| matches!(b, b' ' | b'\t'));
    at += count(bytes, at, |b| b == b'\\');
    Some(at + usize::from(matches!(bytes.get(at), Some(b'"' | b'\''))))
}

/// Where the value that begins at `start` ends: at its closing quote when it has an opening one, at the end of the
/// line for a header, behind the bracket that closes its own, else at a space or a separator.
fn value_end(text: &str, start: usize, name: &str) -> usize {
    let bytes = text.as_bytes();
    let before = start.checked_sub(1).and_then(|at| bytes.get(at)).copied();
    if let Some(quote @ (b'"' | b'\'')) = before {
        let escaped = start.checked_sub(2).and_then(|at| bytes.get(at)) == Some(&b'\\');
        return quoted_end(bytes, start, quote, escaped);
    }
    if is_header_name(name) {
        return start + count(bytes, start, |b| !matches!(b, b'\n' | b'\r' | b'"'));
    }
    plain_end(bytes, start)
}

/// The closing quote, or the end of the text. Where the opening quote was escaped, so is the closing one, and its
/// backslash stays outside.
fn quoted_end(bytes: &[u8], start: usize, quote: u8, escaped: bool) -> usize {
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        if byte == quote {
            return at;
        }
        if byte == b'\\' {
            if escaped && bytes.get(at + 1) == Some(&quote) {
                return at;
            }
            at += 1;
        }
        at += 1;
    }
    bytes.len()
}

fn plain_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => match depth.checked_sub(1) {
                None => return at,
                Some(0) => return at + 1,
                Some(left) => depth = left,
            },
            b'"' | b'\'' if depth > 0 => at = quoted_end(bytes, at + 1, byte, false),
            b',' | b';' | b'&' | b'"' | b'\'' | b'<' | b'>' if depth == 0 => return at,
            _ if depth == 0 && byte.is_ascii_whitespace() => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}
