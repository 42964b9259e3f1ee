//! Headers of requests, held against the plain rule of each.

use api_types::Code;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::json;

use super::hold;
use crate::support::routes::World;

/// Bytes that a header can have.
fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        6 => select(b"abcXYZ019._-".to_vec()),
        1 => 0x20_u8..0x7f,
        1 => Just(b'\t'),
        1 => 0x80_u8..,
    ];
    vec(byte, 0..most)
}

/// The text of a header: what HTTP takes off its ends is no part of it.
fn text(bytes: &[u8]) -> Option<&str> {
    let is_text = bytes.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    std::str::from_utf8(bytes).ok().filter(|_| is_text)
}

#[test]
fn a_request_id_is_given_back_as_it_came_or_minted() {
    hold(
        2,
        World::new(),
        |_| bytes(80),
        async |world, bytes| {
            world.app.seconds(61);
            let call = world.app.get("/intents/none").key(&world.alice.text);
            let answer = call.raw_header("X-Request-Id", &bytes).send().await;
            let given = answer.request_id();
            let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            let is_sane = (1..=64).contains(&bytes.len()) && bytes.iter().all(|byte| is_word(*byte));
            if is_sane && given.as_bytes() != bytes {
                // What has the shape of a secret is not repeated.
                assert_ne!(audit::redact_text(&String::from_utf8_lossy(&bytes)).as_bytes(), &bytes[..]);
            }
            if !is_sane {
                assert_ne!(given.as_bytes(), &bytes[..]);
            }
            if given.as_bytes() != bytes {
                let is_minted = given.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                assert!(given.len() == 32 && is_minted, "{given}");
            }
        },
    );
}

#[test]
fn an_idempotency_key_gives_one_outcome_or_is_refused_with_nothing_done() {
    let keys = || prop_oneof![8 => bytes(40), 1 => (250_usize..260).prop_map(|length| vec![b'k'; length])];
    hold(
        4,
        World::new(),
        |_| keys(),
        async |world, key| {
            world.app.seconds(61);
            let create = || {
                let call = world.app.post("/intents", &json!({ "code": "A" })).key(&world.alice.text);
                call.raw_header("Idempotency-Key", &key)
            };
            let before = world.app.intents();
            let first = create().send().await;
            let word = text(&key).map(str::trim).unwrap_or_default();
            let fits = (1..=255).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_graphic());
            if !fits {
                first.refused(Code::InvalidQuery);
                assert_eq!(world.app.intents(), before);
                return;
            }
            let first = first.ok(201);
            assert_eq!(create().send().await.ok(201), first);
            // A case before may have had the same key.
            assert!([before, before + 1].contains(&world.app.intents()));
        },
    );
}

#[test]
fn if_match_changes_the_very_version_that_it_names() {
    let tags = || {
        prop_oneof![
            3 => (0_i64..6).prop_map(|distance| format!("near {distance}").into_bytes()),
            1 => any::<u64>().prop_map(|version| format!("\"{version}\"").into_bytes()),
            1 => select(vec!["*", "", "**", "W/\"1\"", "\"\"", "\"1\", \"2\"", "1", "\"-1\"", "\"1.0\"", "\"99999999999999999999\""])
                .prop_map(|tag| tag.as_bytes().to_vec()),
            1 => bytes(12),
            1 => bytes(8).prop_map(|inner| [b"\"", &inner[..], b"\""].concat()),
        ]
    };
    hold(
        4,
        World::new(),
        |_| tags(),
        async |world, tag| {
            world.app.seconds(61);
            let path = "/intents/alice-1";
            let shown = world.app.get(path).key(&world.alice.text).send().await;
            let current = shown.told("etag").trim_matches('"').parse::<u64>().expect("a version");
            let near =
                text(&tag).and_then(|tag| tag.strip_prefix("near ")).and_then(|far| far.parse::<u64>().ok());
            let tag =
                near.map_or(tag, |far| format!("\"{}\"", (current + 2).saturating_sub(far)).into_bytes());
            let patch = world
                .app
                .patch(path, &json!({ "reason": format!("after {current}") }))
                .key(&world.alice.text);
            let answer = patch.raw_header("If-Match", &tag).send().await;
            let word = text(&tag).map(str::trim).unwrap_or_default();
            let inner = word.strip_prefix('"').and_then(|word| word.strip_suffix('"')).unwrap_or_default();
            let is_number = inner.bytes().all(|byte| byte.is_ascii_digit());
            let version = inner.parse::<u64>().ok().filter(|_| is_number);
            let expected = match version {
                _ if word == "*" => "ok",
                Some(version) if version == current => "ok",
                Some(_) => "version_mismatch",
                None => "invalid_query",
            };
            assert_eq!(answer.code(), expected, "{}: {}", tag.escape_ascii(), answer.text());
            let after = world.app.get(path).key(&world.alice.text).send().await;
            let moved = after.told("etag") != shown.told("etag");
            assert_eq!(moved, expected == "ok", "{}", tag.escape_ascii());
        },
    );
}

#[test]
fn no_credential_but_the_whole_key_is_let_in() {
    let edits = || vec((any::<Index>(), 0x21_u8..0x7f), 0..3);
    hold(
        2,
        World::new(),
        |_| (any::<bool>(), edits(), prop::option::of(any::<Index>()), bytes(20), any::<bool>()),
        async |world, (is_key, edits, end, other, bearer)| {
            world.app.seconds(61);
            let right = world.alice.text.as_bytes();
            let mut key = if is_key { right.to_vec() } else { other };
            for (at, byte) in edits {
                if !key.is_empty() {
                    let at = at.index(key.len());
                    key[at] = byte;
                }
            }
            key.truncate(end.map_or(key.len(), |end| end.index(key.len() + 1)));
            let call = world.app.get("/intents");
            let answer = if bearer {
                call.raw_header("Authorization", &[b"Bearer ", &key[..]].concat()).send().await
            } else {
                call.raw_header("X-T4-API-KEY", &key).send().await
            };
            let code = answer.code();
            if key == right {
                assert_eq!(code, "ok");
            } else {
                let refused = ["missing_credentials", "malformed_key", "invalid_key"];
                assert!(refused.contains(&code.as_str()), "{}: {}", key.escape_ascii(), answer.text());
            }
        },
    );
}
