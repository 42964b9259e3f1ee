//! JSON as Python reads and writes it: NaN, lone surrogates, duplicate keys, key order.

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number, as written: `1`, `1.50`, `NaN`, `-Infinity`.
    Number(String),
    /// A text. Lone surrogates, which Python keeps and Rust's texts can't hold, are kept as their escapes in `raw`.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// An object.
    Object(Object),
}

/// An object: its members in order.
pub type Object = Vec<(String, Value)>;
