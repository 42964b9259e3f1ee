//! Reader of Python's JSON.

use std::collections::HashMap;

use super::{ESCAPE, JsonObject, Value};

/// How deep lists and objects may nest. Python gives up a little below its recursion limit of 1,000.
const DEEPEST: usize = 900;

/// As many digits as Python turns into an integer.
const MOST_DIGITS: usize = 4_300;

const WORDS: [(&str, Value); 3] =
    [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))];

/// Why a text is no JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (at character {})", character + 1)]
pub struct Error {
    /// What is wrong.
    pub problem: &'static str,
    /// Where, in characters from the start, from 0.
    pub character: usize,
}

/// Reads a text that is one JSON value and nothing else, as Python's `json.loads` does.
///
/// # Errors
/// [`Error`] where Python raises one.
pub fn loads(text: &str) -> Result<Value, Error> {
    let mut reader = JsonReader { text, at: 0 };
    reader.space();
    let value = reader.value(0)?;
    reader.space();
    if reader.at < text.len() { Err(reader.wrong("there is text after the JSON")) } else { Ok(value) }
}

/// Reads the JSON value that a text begins with, and says where it ends (in bytes).
///
/// # Errors
/// [`Error`] when the text begins with no JSON value.
pub fn prefix(text: &str) -> Result<(Value, usize), Error> {
    let mut reader = JsonReader { text, at: 0 };
    let value = reader.value(0)?;
    Ok((value, reader.at))
}

struct JsonReader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> JsonReader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn wrong(&self, problem: &'static str) -> Error {
        let character = self.text.get(..self.at).map_or(0, |before| before.chars().count());
        Error { problem, character }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        if depth > DEEPEST {
            return Err(self.wrong("lists and objects are nested too deep"));
        }
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                Ok(Value::Text(self.string()?))
            }
            Some(b'{') => {
                self.at += 1;
                self.object(depth)
            }
            Some(b'[') => {
                self.at += 1;
                self.list(depth)
            }
            Some(_) => {
                let rest = self.rest();
                for (word, value) in WORDS {
                    if rest.starts_with(word) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                self.number()
            }
            None => Err(self.wrong("a value is missing")),
        }
    }

    fn number(&mut self) -> Result<Value, Error> {
        let rest = self.rest();
        for word in ["NaN", "Infinity", "-Infinity"] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(Value::Number(word.to_owned()));
            }
        }
        let bytes = rest.as_bytes();
        let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
        let start = usize::from(bytes.first() == Some(&b'-'));
        let whole = if bytes.get(start) == Some(&b'0') { 1 } else { digits(start) };
        if whole == 0 {
            return Err(
                self.wrong("here stands no JSON value (texts and names of fields need double quotes)")
            );
        }
        let mut end = start + whole;
        if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
            end += 1 + digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            if exponent > 0 {
                end += 1 + sign + exponent;
            }
        }
        if end == start + whole && whole > MOST_DIGITS {
            return Err(self.wrong("the number has too many digits"));
        }
        self.at += end;
        Ok(Value::Number(rest.get(..end).unwrap_or_default().to_owned()))
    }

    fn list(&mut self, depth: usize) -> Result<Value, Error> {
        let mut list = Vec::new();
        self.space();
        if self.takes(b']') {
            return Ok(Value::List(list));
        }
        loop {
            list.push(self.value(depth + 1)?);
            self.space();
            if self.takes(b']') {
                return Ok(Value::List(list));
            }
            if !self.takes(b',') {
                return Err(self.wrong("`,` or `]` is missing"));
            }
            self.space();
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Error> {
        let mut object = JsonObject::new();
        let mut places = HashMap::new();
        self.space();
        if self.takes(b'}') {
            return Ok(Value::Object(object));
        }
        loop {
            if !self.takes(b'"') {
                return Err(self.wrong("the name of a field, in double quotes, is missing"));
            }
            let key = self.string()?;
            self.space();
            if !self.takes(b':') {
                return Err(self.wrong("`:` is missing"));
            }
            self.space();
            let value = self.value(depth + 1)?;
            // A key that comes again keeps its first place and gets the last value, as in Python's dict.
            if let Some((_, old)) = places.get(&key).and_then(|place: &usize| object.get_mut(*place)) {
                *old = value;
            } else {
                places.insert(key.clone(), object.len());
                object.push((key, value));
            }
            self.space();
            if self.takes(b'}') {
                return Ok(Value::Object(object));
            }
            if !self.takes(b',') {
                return Err(self.wrong("`,` or `}` is missing"));
            }
            self.space();
        }
    }

    /// The rest of a text whose opening quote has been read.
    fn string(&mut self) -> Result<String, Error> {
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let Some(stop) = rest.find(|char: char| matches!(char, '"' | '\\' | ESCAPE) || char < ' ') else {
                self.at = self.text.len();
                return Err(self.wrong("the closing `\"` of a text is missing"));
            };
            text.push_str(rest.get(..stop).unwrap_or_default());
            self.at += stop;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape(&mut text)?;
                }
                Some(byte) if byte < b' ' => {
                    return Err(self.wrong("a control character must be written as an escape"));
                }
                _ => {
                    text.extend([ESCAPE, ESCAPE]);
                    self.at += ESCAPE.len_utf8();
                }
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self, text: &mut String) -> Result<(), Error> {
        let short = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(text),
            _ => return Err(self.wrong("this escape is unknown")),
        };
        self.at += 1;
        text.push(short);
        Ok(())
    }

    /// `uXXXX`, and the other half of a pair where there is one.
    fn unicode(&mut self, text: &mut String) -> Result<(), Error> {
        let Some(first) = self.four_digits(self.at + 1) else {
            return Err(self.wrong("`\\u` needs four hexadecimal digits"));
        };
        self.at += 5;
        if (0xD800..0xDC00).contains(&first)
            && self.rest().starts_with("\\u")
            && let Some(second) = self.four_digits(self.at + 2)
            && (0xDC00..0xE000).contains(&second)
        {
            self.at += 6;
            let pair = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            push(text, pair);
        } else {
            push(text, first);
        }
        Ok(())
    }

    fn four_digits(&self, from: usize) -> Option<u32> {
        let digits = self.text.get(from..from.checked_add(4)?)?;
        let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if all { u32::from_str_radix(digits, 16).ok() } else { None }
    }
}

/// Adds a code point, or what stands for it.
fn push(text: &mut String, code: u32) {
    match char::from_u32(code) {
        Some(ESCAPE) => text.extend([ESCAPE, ESCAPE]),
        Some(char) => text.push(char),
        None => text.extend(Some(ESCAPE).into_iter().chain(char::from_u32(code - 0xD800 + 0xE000))),
    }
}
