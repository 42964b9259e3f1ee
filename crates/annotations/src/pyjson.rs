//! JSON as Python reads and writes it: NaN, lone surrogates, duplicate keys, key order.

mod read;
mod write;

pub use read::{Error, loads, prefix};
pub use write::{dumps, dumps_indented, float};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number, as written: `1`, `1.50`, `NaN`, `-Infinity`. It is printed as Python prints the number it stands for.
    Number(String),
    /// A text. A lone surrogate, which Python's texts hold and Rust's can't, is kept as U+10FFFF and a character of
    /// U+E000 to U+E7FF; U+10FFFF itself, which is no character, is kept twice.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// An object.
    Object(JsonObject),
}

/// An object: its members in order.
pub type JsonObject = Vec<(String, Value)>;

/// The member of this name.
#[must_use]
pub fn get<'a>(object: &'a JsonObject, name: &str) -> Option<&'a Value> {
    object.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Gives a member another value, in its place; a new one comes last.
pub fn set(object: &mut JsonObject, name: &str, value: Value) {
    match object.iter_mut().find(|(key, _)| key == name) {
        Some((_, old)) => *old = value,
        None => object.push((name.to_owned(), value)),
    }
}

impl Value {
    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The object, if it is one.
    #[must_use]
    pub fn as_object(&self) -> Option<&JsonObject> {
        match self {
            Self::Object(object) => Some(object),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// Whether Python's `if` takes it for true: neither null, false, zero nor empty.
    #[must_use]
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(bool) => *bool,
            Self::Number(number) => write::number(number).parse::<f64>() != Ok(0.0),
            Self::Text(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Object(object) => !object.is_empty(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.to_string())
    }
}

/// Before the stand-in of a lone surrogate, and before itself.
const ESCAPE: char = '\u{10FFFF}';

#[cfg(test)]
mod tests;
