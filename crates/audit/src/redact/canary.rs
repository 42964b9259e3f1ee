//! Property test: a secret that is put in anywhere never comes out.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{redact_json, redact_log_text, redact_path, redact_text};
use crate::Body;

/// A secret with a shape of its own, and the part of it that must not be seen.
fn shaped() -> impl Strategy<Value = (String, String)> {
    let base62 = |len: usize| proptest::string::string_regex(&format!("[0-9A-Za-z]{{{len}}}")).unwrap();
    prop_oneof![
        (base62(12), base62(49)).prop_map(|(id, secret)| (format!("t4_{id}_{secret}"), secret)),
        "[A-Za-z0-9_-]{43}".prop_map(|key| (key.clone(), key)),
        base62(30).prop_map(|rest| (format!("sk-{rest}"), rest)),
        base62(36).prop_map(|rest| (format!("ghp_{rest}"), rest)),
        "[A-Z0-9]{16}".prop_map(|rest| (format!("AKIA{rest}"), rest)),
        "[0-9]{12}-[a-z]{12}".prop_map(|rest| (format!("xoxb-{rest}"), rest)),
        (base62(20), base62(30)).prop_map(|(claims, mac)| (format!("eyJhbGciOiJI.{claims}.{mac}"), mac)),
        base62(25).prop_map(|token| (format!("Bearer {token}"), token)),
        base62(60).prop_map(|key| {
            (format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----"), key)
        }),
    ]
}

/// Text that ends, or begins, where a word ends.
fn around() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[ -~é\n]{0,12}[ /\"'(,.!\n]"]
}

fn secret_name() -> impl Strategy<Value = String> {
    let names = [
        "password",
        "passwd",
        "secret",
        "token",
        "api_key",
        "apikey",
        "key",
        "authorization",
        "credential",
        "credentials",
        "private_key",
        "access_key",
        "client_secret",
        "admin_token",
        "cookie",
        "session",
        "pepper",
        "bearer",
        "x_token",
        "x_secret",
        "x_password",
        "x_key",
    ];
    (proptest::sample::select(names.to_vec()), any::<u32>()).prop_map(|(name, bits)| {
        let spell = |(at, c): (usize, char)| match (c, bits >> (at % 31) & 1) {
            ('_', 1) => '-',
            (c, 1) => c.to_ascii_uppercase(),
            (c, _) => c,
        };
        name.chars().enumerate().map(spell).collect()
    })
}

/// Puts a value somewhere into a value.
fn nest(inner: Value, steps: &[(u8, String)]) -> Value {
    steps.iter().fold(inner, |inner, (step, text)| match step {
        0 => Value::Array(vec![Value::from(1), inner, Value::from(text.as_str())]),
        1 => Value::Object(Map::from_iter([(text.clone(), inner), ("other".to_owned(), Value::Null)])),
        2 if inner.is_object() => Value::from(inner.to_string()),
        _ => Value::Object(Map::from_iter([("list".to_owned(), Value::Array(vec![inner]))])),
    })
}

fn steps() -> impl Strategy<Value = Vec<(u8, String)>> {
    // One text within a text at most: deeper ones are looked into only so far.
    proptest::collection::vec((0..4_u8, "[a-z]{0,6}"), 0..5).prop_map(|mut steps| {
        let mut seen = false;
        steps.retain(|(step, _)| *step != 2 || !std::mem::replace(&mut seen, true));
        steps
    })
}

/// Percent-encodes the bytes that `bits` picks, `rounds` times over.
fn encode(text: &str, bits: u64, rounds: u8) -> String {
    (0..rounds).fold(text.to_owned(), |text, _| {
        let one = |(at, b): (usize, u8)| {
            let must = !b.is_ascii_alphanumeric() && !b"-_.~".contains(&b);
            if must || bits >> (at % 64) & 1 == 1 { format!("%{b:02X}") } else { char::from(b).to_string() }
        };
        text.bytes().enumerate().map(one).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_shaped_secret_never_leaves_a_text(before in around(), (secret, hidden) in shaped(), after in around()) {
        let after = if after.is_empty() { after } else { format!(" {after}") };
        let text = format!("{before}{secret}{after}");
        prop_assert!(!redact_text(&text).contains(&hidden), "{text}");
        prop_assert!(!redact_log_text(&text).contains(&hidden), "{text}");
    }

    #[test]
    fn a_shaped_secret_never_leaves_a_json_value(
        (secret, hidden) in shaped(),
        steps in steps(),
        as_name in any::<bool>(),
    ) {
        let leaf = if as_name {
            Value::Object(Map::from_iter([(secret, Value::from(1))]))
        } else {
            Value::Object(Map::from_iter([("a".to_owned(), Value::from(secret))]))
        };
        let mut value = nest(leaf, &steps);
        let body = Body::json(value.to_string().as_bytes());
        prop_assert!(body.text.is_some_and(|text| !text.contains(&hidden)));
        redact_json(&mut value);
        prop_assert!(!value.to_string().contains(&hidden), "{value}");
    }

    #[test]
    fn a_value_of_a_secret_name_never_leaves_a_json_value(
        name in secret_name(),
        canary in "[a-z]{3}canary[a-z]{3}",
        inside in steps(),
        outside in steps(),
    ) {
        let secret = nest(Value::from(canary.as_str()), &inside);
        let mut value = nest(Value::Object(Map::from_iter([(name, secret)])), &outside);
        let body = Body::json(value.to_string().as_bytes());
        prop_assert!(body.text.is_some_and(|text| !text.contains(&canary)));
        redact_json(&mut value);
        prop_assert!(!value.to_string().contains(&canary), "{value}");
    }

    #[test]
    fn a_shaped_secret_never_leaves_a_path(
        (secret, hidden) in shaped(),
        bits in any::<u64>(),
        rounds in 1..4_u8,
        place in 0..5_u8,
    ) {
        let secret = encode(&secret, bits, rounds);
        let path = match place {
            0 => format!("/a/{secret}"),
            1 => format!("/{secret}/b?c=d"),
            2 => format!("/a?{secret}"),
            3 => format!("/a?b=1&c={secret}&d=2"),
            _ => format!("/a?{secret}=1"),
        };
        let redacted = redact_path(&path);
        prop_assert!(!redacted.contains(&hidden) && !redacted.contains(&secret), "{redacted}");
    }

    #[test]
    fn a_value_of_a_secret_name_never_leaves_a_path_or_a_log_line(
        name in secret_name(),
        canary in "[a-z]{3}canary[a-z]{3}",
        bits in any::<u64>(),
        rounds in 1..4_u8,
        place in 0..4_u8,
    ) {
        let name = encode(&name, bits, rounds);
        let path = match place {
            0 => format!("/a?{name}={canary}"),
            1 => format!("/a?b=1&{name}={canary}/{canary};{canary}&c"),
            2 => format!("/a;{name}={canary}/b"),
            _ => format!("/a?next={}", encode(&format!("/b?{name}={canary}"), bits, 1)),
        };
        prop_assert!(!redact_path(&path).contains(&canary), "{path}");
        let line = format!("GET /a?{name}={canary} 200");
        prop_assert!(!redact_log_text(&line).contains(&canary), "{line}");
    }

    #[test]
    fn any_text_at_all_is_taken(text in any::<String>()) {
        let once = redact_text(&text).into_owned();
        let twice = redact_text(&once).into_owned();
        prop_assert_eq!(twice, once);
        let _ = redact_log_text(&text);
        let _ = redact_path(&text);
    }
}
