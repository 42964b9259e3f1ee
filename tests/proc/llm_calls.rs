//! Calls through the gate: what the caller gets, what the provider sees, and what the ledger says.

use std::time::Duration;

use serde_json::json;
use t4_tests::http::{Connection, request};
use t4_tests::mock::{Mock, chat, cost, frames, server, streamed};
use t4_tests::process::{Server, Start, count, eventually};

use crate::llm_support::{assert_parity, billed, call, key, read_frames, settled, usage};
use crate::support;

#[test]
fn a_call_is_answered_as_the_provider_answered_and_has_one_exact_row() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let server = server(folder.path(), &mock, "");
    let key = key(&server, "a", "1.0");
    let answer = call(&server, &key, &chat("!mock tokens=7 prompt=9 cached=4"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["choices"][0]["message"]["content"], " the".repeat(7));
    assert_eq!(answer.header("x-t4-cost-usd"), Some("0.000023"));
    assert_eq!(answer.header("x-t4-budget-remaining-usd"), Some("0.999977"));
    assert_eq!(answer.header("x-t4-provider"), Some("mock"));
    assert_eq!(answer.header("x-t4-max-tokens"), Some("4096"), "none was stated, so the cap was filled in");
    let call_id = answer.header("x-t4-call-id").unwrap().to_owned();
    settled(&server.db());
    assert_parity(&mock, &server.db());
    let rows = usage(&server.db());
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].hold_id, format!("{call_id}.1"));
    assert_eq!((rows[0].prompt_tokens, rows[0].completion_tokens), (9, 7));
    assert_eq!((rows[0].cost_pico, rows[0].end()), (cost(9, 7), ("provider", "ok")));
    let seen = &mock.log()[0];
    assert_eq!(seen["credentials"], "Bearer sk-of-the-provider", "never the agent's key");
    assert_eq!(seen["body"]["max_tokens"], 4096);
    // Two rows: the call was allowed before it left, and how it ended.
    let sql = "SELECT event, outcome, status_code, body_kept FROM audit_log \
               WHERE route = '/llm/v1/chat/completions' ORDER BY seq";
    let audited = support::rows(&support::open(&server.db()), sql);
    assert_eq!(audited.len(), 2, "{audited:?}");
    assert_eq!(audited[0][..2], ["request".to_owned(), "authorised".to_owned()]);
    assert_eq!(audited[1][..2], ["llm_outcome".to_owned(), "ok".to_owned()]);
    assert_eq!(audited[0][3], "0", "prompts are not kept");
    let runbook = "SELECT agent_id, SUM(est_cost) as total_cost FROM llm_usage GROUP BY agent_id";
    assert_eq!(support::sqlite3(&server.db(), runbook).trim(), "a|2.3e-05");
    server.assert_log_verifies();
}

#[test]
fn a_stream_passes_through_and_its_usage_frame_tells_the_cost() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let server = server(folder.path(), &mock, "");
    let key = key(&server, "a", "1.0");
    let answer = call(&server, &key, &streamed("!mock tokens=64 prompt=5"));
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let all = frames(&answer.body);
    let text: String = all.iter().filter_map(|f| f["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, " the".repeat(64));
    assert!(answer.body.ends_with("data: [DONE]\n\n"));
    let last = all.last().unwrap();
    assert_eq!(last["usage"]["completion_tokens"], 64);
    assert_eq!(
        (&last["t4"]["cost_usd"], &last["t4"]["cost_pico_usd"]),
        (&json!(0.000133), &json!(133_000_000))
    );
    // A caller that did not ask for usage gets no frame without choices, and is settled all the same.
    let mut plain = streamed("!mock tokens=3 prompt=5");
    plain.as_object_mut().unwrap().remove("stream_options");
    let answer = call(&server, &key, &plain);
    assert!(frames(&answer.body).iter().all(|frame| !frame["choices"].as_array().unwrap().is_empty()));
    settled(&server.db());
    assert_parity(&mock, &server.db());
    let costs: Vec<_> = usage(&server.db()).iter().map(|row| row.cost_pico).collect();
    assert_eq!(costs, [cost(5, 64), cost(5, 3)]);
}

#[test]
fn a_missing_max_tokens_is_filled_with_what_the_budget_allows_and_a_stated_one_is_never_lowered() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let server = server(folder.path(), &mock, "");
    // 40 output tokens of `mock-out`, whose input costs next to nothing.
    let key = key(&server, "a", "0.0000801");
    let mut body = chat("!mock tokens=1000");
    body["model"] = json!("mock-out");
    body["max_tokens"] = json!(41);
    assert_eq!(call(&server, &key, &body).code(), "insufficient_quota");
    body.as_object_mut().unwrap().remove("max_tokens");
    let answer = call(&server, &key, &body);
    assert_eq!((answer.status, answer.header("x-t4-max-tokens")), (200, Some("40")));
    assert_eq!(mock.log()[0]["body"]["max_tokens"], 40);
    settled(&server.db());
    assert_eq!(
        call(&server, &key, &body).code(),
        "insufficient_quota",
        "below 16 tokens nothing is worth it"
    );
    assert_eq!(mock.count(), 1);
}

#[test]
fn without_a_provider_the_routes_say_so_and_everything_else_works() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let key = key(&server, "a", "1.0");
    for (target, body) in [
        ("/llm/v1/chat/completions", chat("hello").to_string()),
        ("/llm/v1/embeddings", r#"{"model":"m","input":"x"}"#.to_owned()),
        ("/llm/chat", r#"{"prompt":"hello"}"#.to_owned()),
    ] {
        let answer = server.agent(&key, "POST", target, &body);
        assert_eq!((answer.status, answer.code().as_str()), (503, "no_provider"), "{target} {}", answer.body);
    }
    let status = server.agent(&key, "GET", "/llm/status", "");
    assert_eq!(status.json()["configured"], false);
    assert_eq!(server.agent(&key, "GET", "/llm/quota", "").status, 200);
    assert_eq!(server.register(&key, "T4-still").status, 201);
}

#[test]
fn a_hang_up_at_any_frame_never_costs_less_than_the_frames_that_were_sent() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let server = server(folder.path(), &mock, "");
    let key = key(&server, "a", "100");
    let (step, mut noticed) = (64 / count(8, 64), 0);
    for frame in (0..64).step_by(step) {
        mock.clear();
        let body = streamed("!mock tokens=64 frame_ms=1 prompt=3").to_string();
        let mut connection = Connection::open(server.address).unwrap();
        let headers = [("x-t4-api-key", key.as_str())];
        connection.send(&request("POST", "/llm/v1/chat/completions", &headers, &body)).unwrap();
        // A caller that leaves before its request has left makes no call at all.
        eventually("the provider sees it", Duration::from_secs(10), || (mock.count() == 1).then_some(()));
        read_frames(&mut connection, frame);
        drop(connection);
        settled(&server.db());
        let row = usage(&server.db()).pop().unwrap();
        let (prompt, completion, sent) = billed(&mock, &row.hold_id);
        assert!(row.cost_pico >= cost(prompt, sent), "hang-up at frame {frame}: {row:?}");
        // The rest was read to its end, so these are the provider's own numbers.
        assert_eq!((row.source.as_str(), row.completion_tokens), ("provider", completion), "{frame}");
        assert_eq!(row.cost_pico, cost(prompt, 64));
        // Near the end the last frames may have left before anybody could notice.
        assert!(["client_gone", "ok"].contains(&&*row.outcome), "{frame}: {row:?}");
        noticed += usize::from(row.outcome == "client_gone");
    }
    assert!(noticed * 2 > 64 / step, "only {noticed} hang-ups were noticed");
}

#[test]
fn what_the_provider_may_know_passes_and_what_is_no_request_does_not() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let server = server(folder.path(), &mock, "");
    let key = key(&server, "a", "100");
    let mut body = chat("!mock tokens=2");
    body["messages"].as_array_mut().unwrap().insert(0, json!({ "role": "oracle", "content": "be wise" }));
    body["verbosity"] = json!("low");
    assert_eq!(call(&server, &key, &body).status, 200);
    let seen = &mock.log()[0]["body"];
    assert_eq!((&seen["messages"][0]["role"], &seen["verbosity"]), (&json!("oracle"), &json!("low")));
    // Ten megabytes of prompt.
    let mut long = chat(&"word ".repeat(2_000_000));
    long["max_tokens"] = json!(16);
    let answer = call(&server, &key, &long);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut connection = Connection::open(server.address).unwrap();
    let mut bytes =
        request("POST", "/llm/v1/chat/completions", &[("x-t4-api-key", &key)], &chat("?").to_string());
    let at = bytes.iter().rposition(|b| *b == b'?').unwrap();
    bytes[at] = 0xff;
    connection.send(&bytes).unwrap();
    assert_eq!(connection.receive().unwrap().code(), "malformed_json");
    settled(&server.db());
    assert_parity(&mock, &server.db());
}

#[test]
fn a_wrong_configuration_stops_the_start_and_names_the_variable() {
    let folder = tempfile::tempdir().unwrap();
    for (text, word) in [
        ("[[provider]]\nname = 1", "T4_LLM_CONFIG"),
        (
            "[[provider]]\nname = \"a\"\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:1\"\napi_key_env = \"NOT_SET\"\nmodels = [\"m\"]",
            "NOT_SET",
        ),
    ] {
        let file = folder.path().join("wrong.toml");
        std::fs::write(&file, text).unwrap();
        let start = Start::at(folder.path()).env("T4_LLM_CONFIG", file.display().to_string());
        let (code, said) = start.refusal();
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(word), "{said}");
    }
}
