//! Writer of the canonical text of a flat object with known field names, without an intermediate value.

use crate::text::write_string;

/// Writer of one flat object in canonical form, for code that runs tens of thousands of times a second.
///
/// Names must be ASCII without escapes, in ascending order, each once; a debug build asserts it. The bytes then equal
/// those of [`to_jcs`](crate::to_jcs) for the same object. Integers beyond ±2^53, which that function refuses, are
/// written digit by digit here.
#[derive(Debug)]
pub struct ObjectWriter {
    out: Vec<u8>,
    last: &'static str,
}

impl Default for ObjectWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl ObjectWriter {
    /// Creates an object without fields.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(256)
    }

    /// Creates an object without fields, with room for `bytes` of text.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        let mut out = Vec::with_capacity(bytes);
        out.push(b'{');
        Self { out, last: "" }
    }

    /// Writes a text.
    pub fn field_str(&mut self, name: &'static str, value: &str) {
        self.name(name);
        write_string(&mut self.out, value);
    }

    /// Writes a text, or `null`.
    pub fn field_opt_str(&mut self, name: &'static str, value: Option<&str>) {
        match value {
            Some(text) => self.field_str(name, text),
            None => self.field_null(name),
        }
    }

    /// Writes a whole number.
    pub fn field_u64(&mut self, name: &'static str, value: u64) {
        self.name(name);
        self.digits(value);
    }

    /// Writes a whole number, or `null`.
    pub fn field_opt_u64(&mut self, name: &'static str, value: Option<u64>) {
        match value {
            Some(number) => self.field_u64(name, number),
            None => self.field_null(name),
        }
    }

    /// Writes a whole number of either sign.
    pub fn field_i64(&mut self, name: &'static str, value: i64) {
        self.name(name);
        if value < 0 {
            self.out.push(b'-');
        }
        self.digits(value.unsigned_abs());
    }

    /// Writes a whole number of either sign, or `null`.
    pub fn field_opt_i64(&mut self, name: &'static str, value: Option<i64>) {
        match value {
            Some(number) => self.field_i64(name, number),
            None => self.field_null(name),
        }
    }

    /// Writes a boolean.
    pub fn field_bool(&mut self, name: &'static str, value: bool) {
        self.name(name);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// Writes `null`.
    pub fn field_null(&mut self, name: &'static str) {
        self.name(name);
        self.out.extend_from_slice(b"null");
    }

    /// Returns the bytes of the object.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.out.push(b'}');
        self.out
    }

    fn name(&mut self, name: &'static str) {
        debug_assert!(self.last.is_empty() || self.last < name, "`{name}` comes after `{}`", self.last);
        debug_assert!(
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\'),
            "`{name}` would need an escape"
        );
        if !self.last.is_empty() {
            self.out.push(b',');
        }
        self.last = name;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn digits(&mut self, mut value: u64) {
        let mut digits = [b'0'; 20];
        let mut used = 0;
        for place in digits.iter_mut().rev() {
            *place = b'0' + u8::try_from(value % 10).unwrap_or(0);
            value /= 10;
            used += 1;
            if value == 0 {
                break;
            }
        }
        self.out.extend(digits.iter().skip(digits.len() - used));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MAX_INTEGER, to_jcs};
    use proptest::prelude::*;
    use serde_json::json;

    proptest! {
        #[test]
        fn the_fast_path_writes_what_the_general_one_does(
            text in any::<String>(),
            controls in "[\\x00-\\x20\"\\\\]{0,8}",
            opt in any::<Option<String>>(),
            number in 0..=MAX_INTEGER,
            opt_number in proptest::option::of(0..=MAX_INTEGER),
            signed in -9_007_199_254_740_992_i64..=9_007_199_254_740_992,
            opt_signed in proptest::option::of(-9_007_199_254_740_992_i64..=9_007_199_254_740_992),
            flag in any::<bool>(),
        ) {
            let mut object = ObjectWriter::new();
            object.field_str("a_text", &text);
            object.field_str("b_controls", &controls);
            object.field_opt_str("c_opt", opt.as_deref());
            object.field_u64("d_number", number);
            object.field_opt_u64("e_opt_number", opt_number);
            object.field_i64("f_signed", signed);
            object.field_opt_i64("g_opt_signed", opt_signed);
            object.field_bool("h_flag", flag);
            let value = json!({
                "a_text": text, "b_controls": controls, "c_opt": opt, "d_number": number,
                "e_opt_number": opt_number, "f_signed": signed, "g_opt_signed": opt_signed, "h_flag": flag,
            });
            prop_assert_eq!(String::from_utf8(object.finish()).unwrap(), to_jcs(&value).unwrap());
        }
    }

    #[test]
    fn an_object_without_fields_is_two_braces() {
        assert_eq!(ObjectWriter::new().finish(), b"{}");
    }

    #[test]
    fn the_extreme_integers_keep_all_their_digits() {
        let mut object = ObjectWriter::new();
        object.field_i64("least", i64::MIN);
        object.field_u64("most", u64::MAX);
        object.field_u64("none", 0);
        assert_eq!(
            object.finish(),
            br#"{"least":-9223372036854775808,"most":18446744073709551615,"none":0}"#
        );
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "comes after")]
    fn fields_out_of_order_are_caught_in_a_debug_build() {
        let mut object = ObjectWriter::new();
        object.field_bool("b", true);
        object.field_bool("a", true);
    }
}
