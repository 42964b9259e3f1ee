//! An agent that wants more than it may have.

use serde_json::json;
use t4_tests::http::{Connection, request};
use t4_tests::mock::{Mock, chat, cost, server, streamed};
use t4_tests::process::count;

use crate::llm_support::{assert_parity, call, counters, key, read_frames, settled, usage};
use crate::support;

#[test]
fn an_agent_ends_no_hold_that_the_gate_has_made_for_it() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let server = server(folder.path(), &mock, "");
    let key = key(&server, "a", "1.0");
    let body = streamed("!mock tokens=64 frame_ms=10 prompt=3").to_string();
    let headers = [("x-t4-api-key", key.as_str())];
    let mut connection = Connection::open(server.address).unwrap();
    connection.send(&request("POST", "/llm/v1/chat/completions", &headers, &body)).unwrap();
    read_frames(&mut connection, 2);
    let hold = support::rows(&support::open(&server.db()), "SELECT id FROM llm_holds").remove(0).remove(0);
    let nothing = r#"{"usage":{"prompt_tokens":0,"completion_tokens":0}}"#;
    for (act, body) in [("settle", nothing), ("release", "{}")] {
        let answer = server.agent(&key, "POST", &format!("/llm/holds/{hold}/{act}"), body);
        assert_eq!((answer.status, answer.code().as_str()), (404, "hold_not_found"), "{act}");
    }
    settled(&server.db());
    let rows = usage(&server.db());
    assert_eq!((rows.len(), rows[0].cost_pico, rows[0].end()), (1, cost(3, 64), ("provider", "ok")));
}

#[test]
fn what_an_agent_tells_beyond_its_hold_spends_nobody_else_s_budget() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let more = "[[budget]]\nscope = \"platform\"\nwindow = \"week\"\nlimit_usd = 1.0\n";
    let server = server(folder.path(), &mock, more);
    let (liar, other) = (key(&server, "liar", "0.5"), key(&server, "other", "0.5"));
    let ask = r#"{"call_id":"lie","provider":"mock","model":"mock-1","input_tokens":1,"max_tokens":1}"#;
    assert_eq!(server.agent(&liar, "POST", "/llm/holds", ask).status, 201);
    let told = r#"{"usage":{"prompt_tokens":100000000,"completion_tokens":0}}"#;
    let answer = server.agent(&liar, "POST", "/llm/holds/lie.1/settle", told);
    assert_eq!((answer.status, &answer.json()["overrun"]), (200, &json!(true)), "{}", answer.body);
    // Its own budget is gone, everybody's has paid what was held.
    assert_eq!(call(&server, &liar, &chat("hello")).code(), "insufficient_quota");
    let sql = "SELECT settled_pico FROM llm_accounts WHERE scope = 'platform'";
    assert_eq!(support::number(&server.db(), sql), 3_000_000);
    assert_eq!(call(&server, &other, &chat("!mock tokens=1")).status, 200);
}

#[test]
fn a_name_that_some_provider_would_read_as_ours_does_not_pass() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let server = server(folder.path(), &mock, "");
    let key = key(&server, "a", "1.0");
    for (name, value) in [
        ("N", json!(128)),
        ("Max_Completion_Tokens", json!(100_000)),
        ("max_to\u{212a}ens", json!(99_999)),
        ("max_token\u{17f}", json!(99_999)),
        ("SERVICE_TIER", json!("priority")),
        ("Web_Search_Options", json!({})),
    ] {
        let mut body = chat("hello");
        body[name] = value;
        assert_eq!(call(&server, &key, &body).code(), "invalid_field", "{name}");
    }
    assert_eq!(mock.count(), 0);
    let mut many = chat("hello");
    many["x"] = json!(vec![json!({ "": 0 }); 70_000]);
    assert_eq!(call(&server, &key, &many).code(), "invalid_body");
}

#[test]
fn refusals_make_no_call_and_leave_every_counter_untouched() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let server = server(folder.path(), &mock, "");
    let (rich, poor, none) = (key(&server, "r", "1.0"), key(&server, "p", "0.00001"), key(&server, "n", "0"));
    let before = counters(&server.db());
    let with = |name: &str, value: serde_json::Value| {
        let mut body = chat("hello");
        body[name] = value;
        body
    };
    let cases = [
        (&rich, with("max_tokens", json!(5000)), 422, "max_tokens_above_cap", "invalid_request_error"),
        (&rich, with("model", json!("gpt-77")), 404, "model_not_found", "invalid_request_error"),
        (&rich, with("model", json!("mock-dear")), 422, "model_not_priced", "invalid_request_error"),
        (&rich, with("max_tokens", json!(0)), 422, "invalid_field", "invalid_request_error"),
        (&rich, with("service_tier", json!("priority")), 422, "part_not_priced", "invalid_request_error"),
        (&rich, with("messages", json!([])), 422, "invalid_field", "invalid_request_error"),
        (&poor, with("max_tokens", json!(100)), 429, "insufficient_quota", "insufficient_quota"),
        (&poor, chat("hello"), 429, "insufficient_quota", "insufficient_quota"),
        (&none, with("max_tokens", json!(1)), 429, "insufficient_quota", "insufficient_quota"),
    ];
    for (key, body, status, code, kind) in cases {
        let answer = call(&server, key, &body);
        assert_eq!((answer.status, answer.code()), (status, code.to_owned()), "{body} {}", answer.body);
        assert_eq!(answer.json()["error"]["type"], kind);
        assert!(answer.json()["error"].get("param").is_some());
    }
    assert_eq!(counters(&server.db()), before);
    assert_eq!(mock.count(), 0);
}

#[test]
fn of_a_thousand_calls_at_once_exactly_as_many_run_as_fit() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let more = "[limits]\nconcurrent_calls_per_key = 2000\n\
                [[budget]]\nscope = \"owner\"\nid = \"team-a\"\nwindow = \"month\"\nlimit_usd = 0.0274001\n";
    let server = server(folder.path(), &mock, more);
    // The key's own limit allows more than the owner's: 137 calls of 100 tokens at $2 per million.
    let key = key(&server, "a", "0.1");
    let calls = count(200, 1000);
    let mut body = chat("!mock tokens=100 delay_ms=20");
    body["model"] = json!("mock-out");
    body["max_tokens"] = json!(100);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let (server, key, body) = (&server, &key, &body);
        let calls: Vec<_> = (0..calls).map(|_| scope.spawn(move || call(server, key, body))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let admitted = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| answer.code() == "insufficient_quota").count();
    assert_eq!((admitted, refused), (137, calls - 137));
    settled(&server.db());
    assert_parity(&mock, &server.db());
    assert_eq!(mock.count(), 137);
    let sql = "SELECT settled_pico FROM llm_accounts WHERE scope = 'owner'";
    let spent = support::number(&server.db(), sql);
    assert!((27_400_000_000..=27_400_100_000).contains(&spent), "{spent}");
}
