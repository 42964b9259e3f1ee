//! Canonical text of a JSON value (RFC 8785, "JSON Canonicalization Scheme").

use serde_json::{Number, Value};

use crate::text::write_string;

/// Largest integer, of either sign, that every reader of JSON understands alike: 2^53.
pub const MAX_INTEGER: u64 = 1 << 53;

/// Maximum nesting of arrays and objects. A parsed text nests at most 128 deep; the rest is room for wrapping it.
pub const MAX_DEPTH: usize = 256;

/// Reason why a value has no canonical text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// It has an integer beyond ±2^53, which readers that store numbers as doubles would change.
    #[error("number_out_of_range: `{number}` is beyond 2^53, which JSON readers do not agree on")]
    NumberOutOfRange {
        /// The number.
        number: String,
    },
    /// Arrays and objects nest deeper than [`MAX_DEPTH`].
    #[error("too_deep: the value nests deeper than {MAX_DEPTH}")]
    TooDeep,
}

impl CanonicalError {
    /// Returns a stable word for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NumberOutOfRange { .. } => "number_out_of_range",
            Self::TooDeep => "too_deep",
        }
    }
}

/// Returns the canonical text of `value`: no white space, members sorted by the UTF-16 code units of their names,
/// numbers as ECMAScript prints them, and only the escapes that JSON requires.
///
/// An integer of more than 64 bits was parsed into a floating-point [`Value`] already, and is written as that number.
///
/// # Errors
/// [`CanonicalError::NumberOutOfRange`] for an integer beyond ±2^53, [`CanonicalError::TooDeep`] for a value that
/// nests deeper than [`MAX_DEPTH`].
pub fn to_jcs(value: &Value) -> Result<String, CanonicalError> {
    let mut out = Vec::with_capacity(256);
    write_value(&mut out, value, MAX_DEPTH)?;
    Ok(into_text(out))
}

/// Every writer of this crate writes whole strings and ASCII, so the bytes are UTF-8 and nothing is ever replaced.
fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

fn write_value(out: &mut Vec<u8>, value: &Value, depth_left: usize) -> Result<(), CanonicalError> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(out, number)?,
        Value::String(text) => write_string(out, text),
        Value::Array(items) => {
            let depth_left = depth_left.checked_sub(1).ok_or(CanonicalError::TooDeep)?;
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(out, item, depth_left)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let depth_left = depth_left.checked_sub(1).ok_or(CanonicalError::TooDeep)?;
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_unstable_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push(b'{');
            for (index, (name, member)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(out, name);
                out.push(b':');
                write_value(out, member, depth_left)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn write_number(out: &mut Vec<u8>, number: &Number) -> Result<(), CanonicalError> {
    let refused = || CanonicalError::NumberOutOfRange { number: number.to_string() };
    if let Some(integer) = number.as_i64() {
        if integer.unsigned_abs() > MAX_INTEGER {
            return Err(refused());
        }
        out.extend_from_slice(integer.to_string().as_bytes());
        return Ok(());
    }
    if number.is_u64() {
        return Err(refused());
    }
    let float = number.as_f64().filter(|f| f.is_finite()).ok_or_else(refused)?;
    out.extend_from_slice(ryu_js::Buffer::new().format_finite(float).as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Any value that both this crate and the reference accept: integers within ±2^53.
    pub(crate) fn any_value() -> impl Strategy<Value = Value> {
        let limit = i64::try_from(MAX_INTEGER).unwrap();
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-limit..=limit).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\\x00-\\x20\"\\\\]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 8, |inner| {
            let name = prop_oneof![any::<String>(), "[a-c\u{ffff}\u{10000}\u{1f600}\u{e000}]{0,3}"];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                proptest::collection::vec((name, inner), 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn another_implementation_writes_the_same_text(value in any_value()) {
            let oracle = serde_json_canonicalizer::to_string(&value).unwrap();
            prop_assert_eq!(to_jcs(&value).unwrap(), oracle);
        }

        #[test]
        fn the_text_reads_back_and_is_its_own_canonical_text(value in any_value()) {
            let text = to_jcs(&value).unwrap();
            // A float such as 9007199254740994.0 prints as an integer beyond the limit, and is refused when it is
            // read.
            match to_jcs(&serde_json::from_str::<Value>(&text).unwrap()) {
                Ok(again) => prop_assert_eq!(again, text),
                Err(e) => prop_assert_eq!(e.code(), "number_out_of_range"),
            }
        }
    }

    #[test]
    fn the_example_of_the_rfc_comes_out_byte_for_byte() {
        let input = r#"{
            "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
            "literals": [null, true, false]
        }"#;
        let expected = "{\"literals\":[null,true,false],\
            \"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
            \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(to_jcs(&serde_json::from_str(input).unwrap()).unwrap(), expected);
    }

    #[test]
    fn names_sort_by_utf16_as_the_rfc_shows() {
        let input = "{\"\u{20ac}\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\
            \"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\",\"1\":\"One\",\"\u{1f600}\":\"Emoji: Grinning Face\",\
            \"\u{80}\":\"Control\",\"\u{f6}\":\"Latin Small Letter O With Diaeresis\"}";
        let text = to_jcs(&serde_json::from_str(input).unwrap()).unwrap();
        let order = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"];
        let places: Vec<_> = order.iter().map(|word| text.find(word).unwrap()).collect();
        assert!(places.is_sorted(), "{text}");
    }

    #[test]
    fn numbers_print_as_in_appendix_b_of_the_rfc() {
        for (bits, expected) in [
            (0x0000_0000_0000_0000_u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        ] {
            assert_eq!(to_jcs(&json!(f64::from_bits(bits))).unwrap(), expected, "{bits:x}");
        }
    }

    #[test]
    fn integers_beyond_two_to_the_53_are_refused() {
        let limit = i64::try_from(MAX_INTEGER).unwrap();
        assert_eq!(to_jcs(&json!(limit)).unwrap(), "9007199254740992");
        assert_eq!(to_jcs(&json!(-limit)).unwrap(), "-9007199254740992");
        for value in [json!(limit + 1), json!(-limit - 1), json!(u64::MAX), json!(i64::MIN)] {
            let nested = json!({"a": [value]});
            assert_eq!(to_jcs(&nested).unwrap_err().code(), "number_out_of_range", "{nested}");
        }
    }

    #[test]
    fn a_value_that_nests_too_deep_is_refused() {
        let nest = |depth| (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        assert!(to_jcs(&nest(MAX_DEPTH)).is_ok());
        assert_eq!(to_jcs(&nest(MAX_DEPTH + 1)), Err(CanonicalError::TooDeep));
    }
}
