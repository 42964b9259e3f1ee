//! Parameters of queries: a value is taken exactly when it fits the schema that the document has for it.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use registry_core::{KeyId, Timestamp};
use serde_json::Value;

use super::{escaped, hold, operations, parameters};
use crate::support::routes::{ROUTES, RouteCase, World};

/// One parameter of one route.
struct Asked {
    route: &'static RouteCase,
    /// The path with the parameters that the route needs, but for this one.
    path: String,
    name: String,
    schema: Value,
}

fn asked(world: &World) -> Vec<Asked> {
    let document = http_api::document();
    let mut all = Vec::new();
    for (method, path, operation) in operations(&document) {
        let Some(route) = ROUTES.iter().find(|route| route.method == method && route.template == path) else {
            panic!("{method} {path} is not in the table of routes");
        };
        for (name, schema) in parameters(operation, "query").filter(|(name, _)| *name != "cursor") {
            assert_eq!(method, "GET", "{path}");
            let whole = route.path(world);
            let (start, query) = whole.split_once('?').unwrap_or((&whole, ""));
            let other = |pair: &&str| !pair.is_empty() && pair.split('=').next() != Some(name);
            let mut path = format!("{start}?");
            for pair in query.split('&').filter(other) {
                path.extend([pair, "&"]);
            }
            all.push(Asked { route, path, name: name.to_owned(), schema: schema.clone() });
        }
    }
    assert!(all.len() > 25, "{}", all.len());
    all
}

/// Values: numbers, words, times, and any bytes.
fn values() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "",
        "0",
        "1",
        "-1",
        "7",
        "007",
        "30",
        "99",
        "100",
        "599",
        "600",
        "999",
        "1000",
        "1001",
        "36500",
        "36501",
        "4294967296",
        "1000000000000",
        "1000000000001",
        "18446744073709551616",
        "1e2",
        "1.0",
        " 7",
        "7 ",
        "0x10",
        "\u{ff17}",
        "true",
        "false",
        "True",
        "day",
        "model",
        "planned",
        "t4_0123456789aZ",
        "t4_0123456789aZ_",
        "documented",
        "2026-01-01",
        "2026-01-01T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-02-30",
        "2026-01-01T00:00:00+02:00",
        "2026-01-01 00:00:00",
        "0000-01-01",
        "9999-12-31T23:59:59.999999Z",
        "10000-01-01",
        "-2026-01-01",
        "\0",
        "a\nb",
        "\u{7f}",
        "\u{85}",
        "%",
        "&",
        "=",
        "#",
        "'--",
        "\u{feff}",
        "\u{202e}",
    ];
    prop_oneof![
        6 => select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        2 => (0_u64..2000).prop_map(|number| number.to_string().into_bytes()),
        2 => "[0-9TZ:.+ -]{1,30}".prop_map(String::into_bytes),
        2 => ".{0,20}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..12),
        1 => (60_usize..4200).prop_map(|length| "é".repeat(length).into_bytes()),
    ]
}

/// Whether the document takes a value.
fn fits(schema: &Value, text: &str) -> bool {
    let number = |name: &str| schema[name].as_u64().map(u128::from);
    let chars = text.chars().count();
    let is_text = !text.is_empty() && !text.chars().any(char::is_control);
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("integer"), _) => {
            let value: Option<u128> =
                text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
            value.is_some_and(|value| {
                value >= number("minimum").unwrap_or(0) && value <= number("maximum").unwrap_or(u128::MAX)
            })
        }
        (Some("boolean"), _) => ["true", "false"].contains(&text),
        (Some("string"), Some("date-time")) => is_text && Timestamp::parse_lenient(text).is_ok(),
        (Some("string"), None) if schema["enum"].is_array() => {
            schema["enum"].as_array().expect("words").iter().any(|word| word == text)
        }
        (Some("string"), None) if schema["pattern"] == "^t4_[0-9A-Za-z]{12}$" => KeyId::new(text).is_ok(),
        (Some("string"), None) => {
            is_text && chars <= usize::try_from(number("maxLength").expect("a bound")).expect("small")
        }
        other => panic!("a schema of a new kind: {other:?}"),
    }
}

#[test]
fn a_value_is_taken_exactly_when_it_fits_its_schema() {
    let world = async {
        let world = World::new().await;
        let asked = asked(&world);
        (world, asked)
    };
    hold(
        1,
        world,
        |_| (any::<Index>(), values()),
        async |(world, asked), (place, bytes)| {
            let Asked { route, path, name, schema } = place.get(asked);
            let path = format!("{path}{name}={}", escaped(&bytes));
            world.app.seconds(61);
            let call = world.app.get(&path);
            let call = if route.guard == "admin" { call.admin() } else { call.key(&world.alice.text) };
            let answer = call.send().await;
            let expected = match std::str::from_utf8(&bytes) {
                Err(_) => "malformed_request",
                Ok(text) if fits(schema, text) => "ok",
                Ok(_) => "invalid_query",
            };
            assert_eq!(answer.code(), expected, "{path}: {}", answer.text());
        },
    );
}
