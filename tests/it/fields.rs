//! What each field of an intent takes, at its very limits, and what it does not; nothing refused is ever written.

use api_types::Code;
use registry_core::IntentId;
use serde_json::{Value, json};

use crate::support::routes::World;

async fn outcome(world: &World, body: &Value) -> String {
    let answer = world.app.post("/intents", body).key(&world.alice.text).send().await;
    answer.code()
}

fn with(field: &str, value: Value) -> Value {
    let mut body = json!({ "code": "A" });
    body[field] = value;
    body
}

/// The longest text of each field, in characters, and whether it may have line ends.
const TEXTS: [(&str, usize, bool); 10] = [
    ("id", 200, false),
    ("code", 100, false),
    ("type", 100, false),
    ("file", 4096, false),
    ("import_text", 10_000, true),
    ("reason_category", 100, false),
    ("reason", 10_000, true),
    ("suggestion", 10_000, true),
    ("owner", 200, false),
    ("ticket", 200, false),
];

#[actix_web::test]
async fn texts_are_taken_up_to_their_length_in_characters() {
    let world = World::new().await;
    for (field, max, _) in TEXTS {
        let mut count = world.app.intents();
        for letter in ["x", "é", "👾"] {
            assert_eq!(
                outcome(&world, &with(field, json!(letter.repeat(max)))).await,
                "ok",
                "{field} {letter}"
            );
            count += 1;
            assert_eq!(world.app.intents(), count);
            let over = with(field, json!(letter.repeat(max + 1)));
            assert_eq!(outcome(&world, &over).await, "invalid_field", "{field} {letter}");
        }
        assert_eq!(
            outcome(&world, &with(field, json!("x".repeat(40_000)))).await,
            "invalid_field",
            "{field}"
        );
        assert_eq!(world.app.intents(), count, "{field}");
    }
}

#[actix_web::test]
async fn control_characters_are_refused_but_for_line_ends_in_prose() {
    let world = World::new().await;
    let count = world.app.intents();
    for (field, _, multiline) in TEXTS {
        for control in ["\u{0}", "\u{1}", "\u{1b}", "\u{7f}", "\u{85}", "\u{9f}"] {
            for text in [format!("a{control}b"), control.to_owned()] {
                assert_eq!(
                    outcome(&world, &with(field, json!(text))).await,
                    "invalid_field",
                    "{field} {text:?}"
                );
            }
        }
        for end in ["\t", "\n", "\r\n"] {
            let body = with(field, json!(format!("a{end}b")));
            if !multiline {
                assert_eq!(outcome(&world, &body).await, "invalid_field", "{field} {end:?}");
            }
        }
        world.app.seconds(60);
    }
    assert_eq!(world.app.intents(), count);
}

#[actix_web::test]
async fn a_name_that_could_be_taken_for_another_is_refused_with_its_character() {
    let world = World::new().await;
    let count = world.app.intents();
    let said = |text: String, field: &str, character: &str| {
        assert!(text.contains(&format!("`{field}` must not")) && text.contains(character), "{text}");
    };
    for (text, character) in [
        ("own\u{200b}", "U+200B"),
        ("\u{202e}own", "U+202E"),
        ("o\u{ad}wn", "U+00AD"),
        ("own\u{e0041}", "U+E0041"),
        (" own", "U+0020"),
        ("own\u{3000}", "U+3000"),
    ] {
        for field in ["id", "code", "type", "reason_category", "owner", "ticket"] {
            let answer =
                world.app.post("/intents", &with(field, json!(text))).key(&world.alice.text).send().await;
            answer.refused(Code::InvalidField);
            said(answer.text(), field, character);
        }
        for field in ["owner", "ticket"] {
            let change = world.app.patch("/intents/alice-1", &json!({ field: text })).key(&world.alice.text);
            let answer = change.send().await;
            answer.refused(Code::InvalidField);
            said(answer.text(), field, character);
        }
        for field in ["agent_id", "owner", "roles"] {
            let mut key = json!({ "agent_id": "x", "owner": "y" });
            key[field] = if field == "roles" { json!([text]) } else { json!(text) };
            let answer = world.app.post("/admin/api_keys", &key).admin().send().await;
            answer.refused(Code::InvalidField);
            said(answer.text(), field, character);
        }
        let check = json!({ "files": ["a.py"], "critical_codes": [text] });
        let answer = world.app.post("/intents/pre_pr_check", &check).key(&world.alice.text).send().await;
        answer.refused(Code::InvalidField);
        said(answer.text(), "critical_codes", character);
        let asked = json!({ "files": ["a.py"], "critical_codes": [text], "auto_create_reserved": false });
        world.app.post("/intents/pre_pr_check", &asked).key(&world.alice.text).send().await.ok(200);
        world.app.seconds(60);
    }
    assert_eq!(world.app.intents(), count);
}

#[actix_web::test]
async fn rows_of_before_keep_names_that_a_new_one_may_not_have() {
    let world = World::new().await;
    let insert = "INSERT INTO intents (id, code, type, file, owner, ticket, status, created_at, agent_id) \
                  VALUES ('own\u{200b} ', 'X\u{200b}', 'lint', 'a.py', 'team ', 'T ', 'reserved', '2026-01-01', 'alice')";
    world.app.outside().execute(insert, []).unwrap();
    let path = "/intents/own%E2%80%8B%20";
    let shown = world.app.get(path).key(&world.alice.text).send().await.ok(200);
    assert_eq!((&shown["id"], &shown["code"]), (&json!("own\u{200b} "), &json!("X\u{200b}")));
    let change = json!({ "status": "planned", "reason": "x" });
    let changed = world.app.patch(path, &change).key(&world.alice.text).send().await.ok(200);
    let changed = &changed["intent"];
    assert_eq!((&changed["owner"], &changed["ticket"]), (&json!("team "), &json!("T ")));
    for list in ["/intents/by_owner/team%20", "/intents?code=X%E2%80%8B"] {
        let listed = world.app.get(list).key(&world.alice.text).send().await.ok(200);
        assert_eq!(listed[0]["id"], "own\u{200b} ", "{list}");
    }
    world.app.call("DELETE", path).admin().send().await.ok(200);
}

#[actix_web::test]
async fn a_field_takes_its_own_type_and_null_is_as_good_as_nothing() {
    let world = World::new().await;
    let wrong = [json!(7), json!(true), json!([]), json!({}), json!(["x"])];
    for (field, _, _) in
        TEXTS.into_iter().chain([("eta", 0, false), ("status", 0, false), ("agent_id", 0, false)])
    {
        let count = world.app.intents();
        for value in &wrong {
            assert_eq!(outcome(&world, &with(field, value.clone())).await, "invalid_body", "{field} {value}");
        }
        assert_eq!(world.app.intents(), count);
        let null = outcome(&world, &with(field, Value::Null)).await;
        assert_eq!(null, if field == "code" { "invalid_body" } else { "ok" }, "{field}");
        // An empty text is as good as nothing, as the original's client sends it.
        let empty = outcome(&world, &with(field, json!(""))).await;
        let expected = match field {
            "code" => "invalid_field",
            "agent_id" => "identity_mismatch",
            _ => "ok",
        };
        assert_eq!(empty, expected, "{field}");
        world.app.seconds(60);
    }
    for value in [json!([]), json!("{}"), json!(7), json!(false)] {
        assert_eq!(outcome(&world, &with("raw", value)).await, "invalid_field");
    }
}

#[actix_web::test]
async fn a_line_is_a_number_from_1_to_2_to_the_31st_less_1() {
    let world = World::new().await;
    let count = world.app.intents();
    for (line, code) in [
        ("0", Code::InvalidField),
        ("-1", Code::InvalidField),
        ("2147483648", Code::InvalidField),
        ("9223372036854775807", Code::InvalidField),
        ("-9223372036854775808", Code::InvalidField),
        ("9223372036854775808", Code::InvalidBody),
        ("18446744073709551616", Code::InvalidBody),
        ("1.5", Code::InvalidBody),
        ("1e3", Code::InvalidBody),
        ("\"7\"", Code::InvalidBody),
        ("1e400", Code::MalformedJson),
        ("-1e400", Code::MalformedJson),
        ("01", Code::MalformedJson),
        ("+1", Code::MalformedJson),
        ("NaN", Code::MalformedJson),
        ("Infinity", Code::MalformedJson),
    ] {
        let body = format!(r#"{{"code":"A","line":{line}}}"#);
        let answer = world.app.call("POST", "/intents").key(&world.alice.text).body(body).send().await;
        assert_eq!(answer.code(), code.as_str(), "{line}: {}", answer.text());
    }
    assert_eq!(world.app.intents(), count);
    for line in [1, 2_147_483_647] {
        assert_eq!(outcome(&world, &with("line", json!(line))).await, "ok");
    }
}

#[actix_web::test]
async fn a_date_must_exist() {
    let world = World::new().await;
    for (eta, fits) in [
        ("2028-02-29", true),
        ("2026-02-28T23:59:59Z", true),
        ("2026-02-28T10:00:00.123456+02:00", true),
        ("2026-02-29", false),
        ("2026-02-30T10:00:00Z", false),
        ("2026-13-01", false),
        ("2026-00-10", false),
        ("2026-01-00", false),
        ("2026-1-1", false),
        ("26-01-01", false),
        ("2026-01-01T25:00:00Z", false),
        ("2026-01-01 10:00", false),
        ("01/02/2026", false),
        ("tomorrow", false),
        ("+10000-01-01", false),
        ("2026-01-01\u{0}", false),
        (" 2026-01-01", false),
    ] {
        let expected = if fits { "ok" } else { "invalid_field" };
        assert_eq!(outcome(&world, &with("eta", json!(eta))).await, expected, "{eta}");
        let patch = world.app.patch("/intents/alice-1", &json!({ "eta": eta })).key(&world.alice.text);
        assert_eq!(patch.send().await.code(), expected, "{eta}");
    }
}

#[actix_web::test]
async fn an_unknown_status_is_refused() {
    let world = World::new().await;
    for status in ["wip", "Planned", "planned ", "PLANNED", "done", "reserved\u{0}", "0", &"x".repeat(5000)] {
        assert_eq!(outcome(&world, &with("status", json!(status))).await, "invalid_field", "{status}");
        let patch = world.app.patch("/intents/alice-1", &json!({ "status": status })).key(&world.alice.text);
        patch.send().await.refused(Code::InvalidField);
    }
    assert_eq!(world.app.intents(), 1);
}

#[actix_web::test]
async fn an_id_may_hold_anything_that_a_path_can_carry_and_no_word_of_a_route() {
    let world = World::new().await;
    let longest = "é".repeat(200);
    let ids = [
        "a/b", "a//b", "/", "%2F", "%", "%%", "a%2fb", "...", "a.b", "~", "a b", "é/👾", "a?b", "a#b", "a+b",
        "a&b=c", "a;b", "a'b\"c", "<script>", "metrics", "BATCH", "T4-1", &longest,
    ];
    for id in ids {
        let body = json!({ "id": id, "code": "A" });
        let made = world.app.post("/intents", &body).key(&world.alice.text).send().await.ok(201);
        assert_eq!(made["intent"]["id"], id);
        let encoded: String = id.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/intents/{encoded}");
        let shown = world.app.get(&path).key(&world.alice.text).send().await.ok(200);
        assert_eq!(shown["id"], id);
        let patch = world.app.patch(&path, &json!({ "reason": "r" })).key(&world.alice.text).send().await;
        assert_eq!(patch.ok(200)["intent"]["id"], id);
        assert_eq!(world.app.delete(&path).admin().send().await.ok(200), json!({ "status": "deleted" }));
    }
    for id in IntentId::ROUTE_WORDS.into_iter().chain([".", ".."]) {
        assert_eq!(outcome(&world, &json!({ "id": id, "code": "A" })).await, "invalid_field", "{id}");
    }
    assert_eq!(world.app.intents(), 1);
}

#[actix_web::test]
async fn raw_is_given_back_as_it_came_within_64_kib() {
    let world = World::new().await;
    let raw = r#"{"b": 1.10, "a":[null,{"é":"\u00e9"}], "b2":"x"}"#;
    let body = format!(r#"{{"id":"raw","code":"A","raw":{raw}}}"#);
    world.app.call("POST", "/intents").key(&world.alice.text).body(body).send().await.ok(201);
    let shown = world.app.get("/intents/raw").key(&world.alice.text).send().await.text();
    assert!(shown.contains(raw), "{shown}");
    for (bytes, expected) in [(64 * 1024, "ok"), (64 * 1024 + 1, "invalid_field")] {
        let raw = json!({ "x": "y".repeat(bytes - r#"{"x":""}"#.len()) });
        assert_eq!(outcome(&world, &with("raw", raw)).await, expected, "{bytes}");
    }
}

#[actix_web::test]
async fn a_patch_takes_no_field_that_was_fixed_at_creation() {
    let world = World::new().await;
    let before = world.app.get("/intents/alice-1").key(&world.alice.text).send().await.ok(200);
    for field in [
        "id",
        "code",
        "type",
        "file",
        "line",
        "import_text",
        "reason_category",
        "raw",
        "agent_id",
        "created_at",
        "modified_at",
        "resolved_at",
        "version",
        "colour",
    ] {
        let mut body = json!({ "reason": "changed" });
        body[field] = json!("x");
        let patch = world.app.patch("/intents/alice-1", &body).key(&world.alice.text);
        patch.send().await.refused(Code::InvalidBody);
    }
    for (field, value) in [("owner", json!("")), ("ticket", json!("")), ("reason", json!("x".repeat(10_001)))]
    {
        let mut body = json!({ "suggestion": "changed" });
        body[field] = value;
        let patch = world.app.patch("/intents/alice-1", &body).key(&world.alice.text);
        patch.send().await.refused(Code::InvalidField);
    }
    assert_eq!(world.app.get("/intents/alice-1").key(&world.alice.text).send().await.ok(200), before);
}
