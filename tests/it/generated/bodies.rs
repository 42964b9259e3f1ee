//! Bodies of every route that takes one: made up, harmed, and valid ones with one thing wrong.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use super::{hold, operations};
use crate::support::routes::{ROUTES, RouteCase, World};
use crate::support::{Answer, Setup};
use crate::support::{Unreachable, gate};

/// One change of a JSON text. Places are counted over all values of the body, from the outside to the inside.
#[derive(Debug, Clone)]
enum Change {
    /// Another text in place of a value.
    Replace(Index, String),
    /// A further member of an object: under a name of its own, or under one that is there.
    Add(Index, Option<String>, String),
    /// A value goes.
    Drop(Index),
}

#[derive(Debug, Clone)]
enum Harm {
    /// Other bytes.
    Bytes(Vec<u8>),
    /// The body with changes of its values, written as JSON.
    Values(bool, Vec<Change>),
    /// The body with bytes replaced, taken out or put in, and its end lost.
    Text(bool, Vec<(Index, Option<u8>, bool)>, Option<Index>),
}

/// JSON texts, or what is nearly one.
fn texts() -> impl Strategy<Value = String> {
    let odd = [
        "null",
        "true",
        "0",
        "-0",
        "-1",
        "1.5",
        "1e2",
        "1e308",
        "1e400",
        "-1e-400",
        "4294967296",
        "9007199254740993",
        "9223372036854775808",
        "18446744073709551616",
        "123456789012345678901234567890",
        "[]",
        "{}",
        "[null]",
        "[[]]",
        "\"\"",
        "\" \"",
        "\"\\u0000\"",
        "\"\\n\"",
        "\"\\ud800\"",
        "\"\\udfff\\ud800\"",
        "\"\\ud83e\\udd80\"",
        "\"../../etc\"",
        "\"*\"",
        "\"intents:read\"",
        "\"UTC\"",
        "\"2026-01-01T00:00:00Z\"",
        "\"9999-12-31T23:59:59.999999Z\"",
        "\"planned\"",
        "NaN",
        "Infinity",
        "01",
        "+1",
        "1.",
        "'a'",
        "\"a",
        "{\"a\":",
        "undefined",
        "\u{feff}1",
        "/**/1",
        "\"\u{1}\"",
    ];
    prop_oneof![
        4 => select(odd.to_vec()).prop_map(str::to_owned),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_map(|number| number.to_string()),
        2 => ".{0,12}".prop_map(|text| Value::String(text).to_string()),
        1 => (1_usize..6000).prop_map(|length| format!("\"{}\"", "é".repeat(length))),
        1 => (1_usize..400).prop_map(|depth| "[".repeat(depth) + &"]".repeat(depth)),
        1 => (1_usize..400).prop_map(|depth| "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth)),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let name = prop_oneof![1 => Just(None), 1 => "[a-z_]{1,8}".prop_map(Some)];
    prop_oneof![
        4 => (any::<Index>(), texts()).prop_map(|(at, text)| Change::Replace(at, text)),
        1 => (any::<Index>(), name, texts()).prop_map(|(at, name, text)| Change::Add(at, name, text)),
        1 => any::<Index>().prop_map(Change::Drop),
    ]
}

fn harm() -> impl Strategy<Value = Harm> {
    let edits = vec((any::<Index>(), prop::option::of(any::<u8>()), any::<bool>()), 0..4);
    prop_oneof![
        1 => vec(any::<u8>(), 0..40).prop_map(Harm::Bytes),
        1 => texts().prop_map(|text| Harm::Bytes(text.into_bytes())),
        6 => (any::<bool>(), vec(change(), 0..3)).prop_map(|(full, changes)| Harm::Values(full, changes)),
        2 => (any::<bool>(), edits, prop::option::of(any::<Index>()))
            .prop_map(|(full, edits, end)| Harm::Text(full, edits, end)),
    ]
}

/// How many values there are, this one and all inside of it.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum::<usize>(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// Writes a value; `at` counts down to the one that changes, which is 0.
fn write(value: &Value, at: &mut usize, change: &Change) -> Option<String> {
    let is_it = *at == 0;
    *at = at.wrapping_sub(1);
    match change {
        Change::Replace(_, text) if is_it => return Some(text.clone()),
        Change::Drop(_) if is_it => return None,
        _ => {}
    }
    Some(match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().filter_map(|item| write(item, at, change)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let mut written: Vec<_> = members
                .iter()
                .filter_map(|(name, value)| Some(format!("{}:{}", json!(name), write(value, at, change)?)))
                .collect();
            if let (true, Change::Add(_, name, text)) = (is_it, change) {
                let name = name.as_ref().or(members.keys().next()).map_or("x", String::as_str);
                written.push(format!("{}:{text}", json!(name)));
            }
            format!("{{{}}}", written.join(","))
        }
        other => other.to_string(),
    })
}

/// A value that fits a schema more or less: every member that it names is there.
fn sample(schema: &Value, document: &Value, depth: usize) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        let at = name.strip_prefix('#').expect("a place in the document");
        return sample(document.pointer(at).expect("a schema"), document, depth);
    }
    if let Some(first) = schema["enum"].as_array().and_then(|words| words.first()) {
        return first.clone();
    }
    let choices = ["oneOf", "anyOf", "allOf"].iter().find_map(|word| schema[word].as_array());
    if let Some(choices) = choices {
        let is_null = |choice: &&Value| choice["type"] == "null";
        return choices
            .iter()
            .find(|choice| !is_null(choice))
            .map_or(Value::Null, |one| sample(one, document, depth));
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| **kind != "null").and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match kind {
        Some("object") if depth < 5 => {
            let members = schema["properties"].as_object().cloned().unwrap_or_default();
            let filled =
                members.iter().map(|(name, schema)| (name.clone(), sample(schema, document, depth + 1)));
            Value::Object(filled.collect())
        }
        Some("array") if depth < 5 => json!([sample(&schema["items"], document, depth + 1)]),
        Some("array") => json!([]),
        Some("integer") => schema["minimum"].clone().as_u64().map_or(json!(1), |least| json!(least.max(1))),
        Some("number") => json!(1.5),
        Some("boolean") => json!(true),
        Some("string") => json!("a"),
        _ => json!({}),
    }
}

/// A route with the bodies that are harmed: the one that succeeds, and one with every member.
struct Target {
    route: &'static RouteCase,
    bodies: [Value; 2],
    optional: bool,
    /// Names of members that the document knows; `None` where others are passed on.
    known: Option<Map<String, Value>>,
}

fn targets(world: &World) -> Vec<Target> {
    let document = http_api::document();
    let mut targets = Vec::new();
    for (method, path, operation) in operations(&document) {
        let body = &operation["requestBody"];
        if body.is_null() {
            continue;
        }
        let found = ROUTES.iter().find(|route| route.method == method && route.template == path);
        let route = found.unwrap_or_else(|| panic!("{method} {path} is not in the table of routes"));
        let example = route.body(world).unwrap_or_else(|| panic!("{method} {path} has no body in the table"));
        let schema = &body["content"]["application/json"]["schema"];
        let mut full = sample(schema, &document, 0);
        if let (Some(full), Some(example)) = (full.as_object_mut(), example.as_object()) {
            full.extend(example.clone());
        }
        let name = schema["$ref"].as_str().and_then(|name| name.strip_prefix('#')).expect("a named schema");
        let schema = document.pointer(name).expect("a schema");
        let closed = schema["additionalProperties"] == false;
        targets.push(Target {
            route,
            bodies: [example, full],
            optional: body["required"] == false,
            known: closed.then(|| schema["properties"].as_object().cloned().expect("members")),
        });
    }
    assert!(targets.len() > 10, "{}", targets.len());
    targets
}

fn harmed(target: &Target, harm: &Harm) -> Vec<u8> {
    let of = |full: bool| &target.bodies[usize::from(full)];
    match harm {
        Harm::Bytes(bytes) => bytes.clone(),
        Harm::Values(full, changes) => {
            let body = of(*full);
            let mut text = body.to_string();
            for change in changes {
                let (Change::Replace(at, _) | Change::Add(at, ..) | Change::Drop(at)) = change;
                // A further change of a text that is no JSON any more is none.
                let Ok(value) = serde_json::from_str::<Value>(&text) else { break };
                text = write(&value, &mut at.index(count(&value)), change).unwrap_or_default();
            }
            text.into_bytes()
        }
        Harm::Text(full, edits, end) => {
            let mut bytes = of(*full).to_string().into_bytes();
            for (at, byte, insert) in edits {
                let at = at.index(bytes.len() + 1);
                match byte {
                    Some(byte) if *insert || at == bytes.len() => bytes.insert(at, *byte),
                    Some(byte) => bytes[at] = *byte,
                    None if at < bytes.len() => drop(bytes.remove(at)),
                    None => {}
                }
            }
            if let Some(end) = end {
                bytes.truncate(end.index(bytes.len() + 1));
            }
            bytes
        }
    }
}

fn data(world: &World) -> String {
    // What a key has used of its audit bytes grows with every request.
    let usage = "(SELECT key_id, intents, intent_bytes, idempotency_rows, idempotency_bytes FROM key_usage)";
    world.app.dumps(&["intents", "api_keys", "idempotency", usage, "llm_accounts", "llm_holds", "llm_usage"])
}

async fn send(world: &World, route: &RouteCase, body: &[u8]) -> Answer {
    // Each from a minute of its own: no limit is what is tested here.
    world.app.seconds(61);
    let call = world.app.call(route.method, &route.path(world)).body(body);
    let call = if route.guard == "admin" { call.admin() } else { call.key(&world.alice.text) };
    call.send().await
}

/// What holds for any body at a route.
async fn check(world: &World, provider: &Unreachable, target: &Target, body: &[u8]) {
    let route = target.route;
    let shown = || format!("{} {} {}", route.method, route.template, body.escape_ascii());
    let (before, asked) = (data(world), provider.asked.load(Ordering::SeqCst));
    let answer = send(world, route, body).await;
    assert_ne!(answer.status, 500, "{}: {}", shown(), answer.text());
    let is_call = asked != provider.asked.load(Ordering::SeqCst);
    if answer.status >= 400 {
        assert!(is_call || data(world) == before, "refused, but not without a trace: {}", shown());
        let again = send(world, route, body).await;
        assert!(is_call || (again.status, again.code()) == (answer.status, answer.code()), "{}", shown());
    }
    if answer.status < 400 || is_call {
        let read = serde_json::from_slice::<Value>(body);
        let Ok(Value::Object(members)) = read else {
            assert!(target.optional && body.is_empty(), "accepted, but no object: {}", shown());
            return;
        };
        if let Some(known) = &target.known {
            let odd = members.keys().find(|name| !known.contains_key(*name));
            assert_eq!(odd, None, "accepted, but unknown: {}", shown());
        }
    }
}

#[test]
fn no_body_is_a_failure_of_the_server_and_a_refused_one_changes_nothing() {
    let provider = Arc::new(Unreachable::default());
    let mut setup = Setup::new();
    setup.gate = Some(gate(&provider));
    let world = async {
        let world = World::on(setup.start().await).await;
        let targets = targets(&world);
        (world, targets)
    };
    hold(
        4,
        world,
        |(_, targets)| (0..targets.len(), harm()),
        async |(world, targets), (place, harm)| {
            let target = &targets[place];
            check(world, &provider, target, &harmed(target, &harm)).await;
        },
    );
}

#[test]
fn every_body_of_every_route_is_read_whole_or_not_at_all() {
    let provider = Arc::new(Unreachable::default());
    let world = async {
        let world = World::new().await;
        let targets = targets(&world);
        (world, targets)
    };
    // Each route is met here, however few the cases are.
    hold(
        128,
        world,
        |_| any::<Index>(),
        async |(world, targets), cut| {
            for target in targets {
                let text = target.bodies[1].to_string();
                let cut = cut.index(text.len());
                if cut > 0 || !target.optional {
                    let answer = send(world, target.route, &text.as_bytes()[..cut]).await;
                    assert!(
                        [400, 422].contains(&answer.status),
                        "{} {cut}: {}",
                        target.route.template,
                        answer.text()
                    );
                }
                for body in
                    [&text[..], &format!("{text}\0"), &format!("\u{feff}{text}"), &format!("[{text}]")]
                {
                    check(world, &provider, target, body.as_bytes()).await;
                }
            }
        },
    );
}
