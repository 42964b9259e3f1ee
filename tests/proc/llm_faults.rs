//! A provider that is down, slow, wrong or greedy: what the caller is told, and what the ledger says.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use t4_tests::http::Answer;
use t4_tests::mock::{Mock, chat, cost, frames, server, streamed};
use t4_tests::process::{Server, count};

use crate::llm_support::{Row, assert_parity, billed, call, key, settled, usage};

/// A server with its provider and a key that can pay.
struct Rig {
    _folder: tempfile::TempDir,
    mock: Mock,
    server: Server,
    key: String,
}

impl Rig {
    fn new(more: &str) -> Self {
        let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
        let server = server(folder.path(), &mock, more);
        let key = key(&server, "a", "1000");
        Self { _folder: folder, mock, server, key }
    }

    /// One call and the rows that it left. A good call follows, so that the breaker stays closed.
    fn call(&self, body: &Value) -> (Answer, Vec<Row>) {
        let before = usage(&self.server.db()).len();
        let answer = call(&self.server, &self.key, body);
        settled(&self.server.db());
        let rows = usage(&self.server.db()).split_off(before);
        assert_eq!(call(&self.server, &self.key, &chat("!mock tokens=1")).status, 200);
        settled(&self.server.db());
        assert_parity(&self.mock, &self.server.db());
        (answer, rows)
    }
}

#[test]
fn an_answer_that_is_none_is_billed_at_its_worst_case_and_flagged() {
    let rig = Rig::new("");
    for script in
        ["body=html", "body=half", "body=empty", "body=array", "reset=0", "close=0", "reset=40", "reset=200"]
    {
        let mut body = chat(&format!("!mock {script}"));
        body["max_tokens"] = json!(50);
        let (answer, rows) = rig.call(&body);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (502, "provider_failed"),
            "{script} {}",
            answer.body
        );
        assert_eq!(rows.len(), 1, "{script}: it may have run, so it is not sent again");
        let (_, completion, _) = billed(&rig.mock, &rows[0].hold_id);
        assert_eq!(rows[0].source, "worst_case", "{script}");
        assert!(["bad_answer", "broken"].contains(&&*rows[0].outcome), "{script} {rows:?}");
        assert!(rows[0].cost_pico >= cost(2, completion.max(50)), "{script} {rows:?}");
    }
}

#[test]
fn a_reset_at_any_byte_leaves_one_row_that_is_not_too_cheap() {
    let rig = Rig::new("");
    let step = count(97, 7);
    for byte in (0..480).step_by(step) {
        let (_, rows) = rig.call(&chat(&format!("!mock tokens=12 prompt=3 reset={byte}")));
        assert_eq!(rows.len(), 1, "byte {byte}");
        let (prompt, completion, _) = billed(&rig.mock, &rows[0].hold_id);
        assert!(rows[0].cost_pico >= cost(prompt, completion), "byte {byte}: {rows:?}");
    }
}

#[test]
fn a_provider_that_does_not_answer_is_given_up_and_the_worst_case_is_billed() {
    let rig = Rig::new("");
    let mut body = chat("!mock hang=1");
    body["max_tokens"] = json!(50);
    let (answer, rows) = rig.call(&body);
    assert_eq!((answer.status, answer.code().as_str()), (504, "provider_timeout"));
    assert_eq!((rows.len(), rows[0].end()), (1, ("worst_case", "timeout")));
}

#[test]
fn an_error_of_the_provider_costs_nothing_and_each_attempt_has_its_row() {
    let rig = Rig::new("");
    let (answer, rows) = rig.call(&chat("!mock status=500"));
    assert_eq!((answer.status, answer.code().as_str()), (502, "provider_failed"));
    assert_eq!(rows.len(), 3, "three attempts of one call");
    let calls: std::collections::BTreeSet<_> = rows.iter().map(|r| r.hold_id.split('.').next()).collect();
    assert_eq!(calls.len(), 1);
    assert!(
        rows.iter().all(|row| row.cost_pico == 0 && row.end() == ("provider", "provider_error")),
        "{rows:?}"
    );

    let mut body = chat("!mock status=503 fail_first=1 tokens=4");
    body["user"] = json!("once");
    let (answer, rows) = rig.call(&body);
    assert_eq!((answer.status, rows.len()), (200, 2));
    assert_eq!((rows[0].cost_pico, rows[1].end()), (0, ("provider", "ok")));
    assert!(answer.header("x-t4-call-id").is_some_and(|id| rows[1].hold_id == format!("{id}.2")));

    let (answer, rows) = rig.call(&chat("!mock status=400"));
    assert_eq!((answer.status, answer.code().as_str()), (422, "provider_rejected"));
    assert_eq!((rows.len(), rows[0].cost_pico), (1, 0));
    assert!(answer.body.contains("as scripted"), "the provider's own words help: {}", answer.body);
}

#[test]
fn what_a_gateway_gave_up_is_billed_at_its_worst_case_and_not_sent_again() {
    let rig = Rig::new("");
    for status in [408, 504, 524] {
        let mut body = chat(&format!("!mock status={status}"));
        body["max_tokens"] = json!(50);
        let (answer, rows) = rig.call(&body);
        assert!([502, 504].contains(&answer.status), "{status} {}", answer.body);
        assert_eq!((rows.len(), rows[0].end()), (1, ("worst_case", "provider_error")), "{status}");
        assert!(rows[0].cost_pico >= cost(0, 50), "{status}");
    }
}

#[test]
fn calls_that_a_provider_can_t_stand_close_it_to_nobody() {
    let rig = Rig::new("");
    for _ in 0..6 {
        assert_eq!(call(&rig.server, &rig.key, &chat("!mock status=500")).code(), "provider_failed");
    }
    // Of each of these, the three attempts are one failure.
    for _ in 0..4 {
        assert_eq!(call(&rig.server, &rig.key, &chat("!mock status=503")).code(), "provider_failed");
    }
    let other = key(&rig.server, "b", "1");
    assert_eq!(call(&rig.server, &other, &chat("!mock tokens=1")).status, 200);
}

#[test]
fn the_provider_s_own_limit_is_waited_for_when_that_is_short_and_told_when_it_is_long() {
    let rig = Rig::new("");
    let mut body = chat("!mock status=429 retry_after=1 fail_first=1 tokens=4");
    body["user"] = json!("short");
    let start = Instant::now();
    let (answer, rows) = rig.call(&body);
    assert_eq!((answer.status, rows.len()), (200, 2));
    assert!(start.elapsed() >= Duration::from_secs(1));
    let (answer, _) = rig.call(&chat("!mock status=429 retry_after=60"));
    assert_eq!((answer.status, answer.code().as_str()), (429, "provider_limited"));
    assert_eq!(answer.header("retry-after"), Some("60"));
    assert_eq!(answer.json()["error"]["type"], "rate_limit_error");
}

#[test]
fn usage_that_is_missing_or_absurd_is_counted_here_and_an_explicit_zero_stays_zero() {
    let rig = Rig::new("");
    for usage in ["none", "negative", "huge", "float"] {
        for body in [chat, streamed] {
            let (answer, rows) = rig.call(&body(&format!("!mock tokens=20 usage={usage}")));
            assert_eq!(answer.status, 200, "{usage} {}", answer.body);
            assert_eq!(rows[0].end(), ("estimated", "ok"), "{usage}");
            assert!(rows[0].completion_tokens >= 20, "{usage} {rows:?}");
            assert!(rows[0].cost_pico >= cost(3, 20), "{usage} {rows:?}");
        }
    }
    for body in [chat, streamed] {
        let (_, rows) = rig.call(&body("!mock tokens=20 usage=zero"));
        assert_eq!((rows[0].cost_pico, rows[0].end()), (0, ("provider", "ok")));
    }
}

#[test]
fn more_than_was_asked_for_is_cut_reported_and_billed_as_it_was() {
    let rig = Rig::new("");
    for body in [chat, streamed] {
        let mut body = body("!mock tokens=50 prompt=4 overrun=1");
        body["max_tokens"] = json!(20);
        let (answer, rows) = rig.call(&body);
        assert_eq!(answer.status, 200);
        let words = answer.body.matches(" the").count();
        assert_eq!(if body["stream"] == true { words } else { 20 }, 20, "{}", answer.body);
        if body["stream"] != true {
            assert_eq!(answer.json()["choices"][0]["message"]["content"], " the".repeat(20));
            assert_eq!(answer.json()["choices"][0]["finish_reason"], "length");
        }
        assert!(rows[0].overrun, "{rows:?}");
        assert_eq!(rows[0].cost_pico, cost(4, 50));
    }
}

#[test]
fn odd_streams_end_in_order_and_are_settled_once() {
    let rig = Rig::new("");
    for script in ["usage=twice", "usage=every", "done=0", "tool=1", "tokens=0"] {
        let (answer, rows) = rig.call(&streamed(&format!("!mock prompt=3 {script}")));
        assert_eq!(answer.status, 200);
        assert!(answer.body.ends_with("data: [DONE]\n\n"), "{script} {}", answer.body);
        let told = frames(&answer.body).iter().filter(|frame| frame.get("t4").is_some()).count();
        assert_eq!((told, rows.len()), (1, 1), "{script} {}", answer.body);
        assert_eq!(rows[0].end(), ("provider", "ok"), "{script}");
    }
}

#[test]
fn a_stream_that_breaks_tells_its_caller_and_bills_what_was_counted() {
    let rig = Rig::new("");
    for script in ["reset_frame=5", "close_frame=5", "hang_frame=5"] {
        let (answer, rows) = rig.call(&streamed(&format!("!mock tokens=30 prompt=3 {script}")));
        let all = frames(&answer.body);
        let error = &all.last().unwrap()["error"];
        assert!(
            error["code"] == "provider_failed" || error["code"] == "provider_timeout",
            "{script} {}",
            answer.body
        );
        let (prompt, _, sent) = billed(&rig.mock, &rows[0].hold_id);
        assert_eq!((rows.len(), rows[0].source.as_str()), (1, "estimated"), "{script}");
        assert!(["broken", "timeout"].contains(&&*rows[0].outcome), "{script} {rows:?}");
        assert!(sent >= 5 && rows[0].cost_pico >= cost(prompt, sent), "{script} {rows:?}");
    }
}

#[test]
fn a_provider_that_is_down_costs_nothing_and_is_left_alone_after_a_while() {
    let rig = Rig::new("");
    let Rig { _folder, mock, server, key } = rig;
    drop(mock);
    let mut codes = Vec::new();
    for _ in 0..8 {
        let answer = call(&server, &key, &chat("hello"));
        codes.push((answer.status, answer.code()));
    }
    assert_eq!(codes[0], (502, "provider_failed".to_owned()));
    assert_eq!(codes[7], (503, "provider_unavailable".to_owned()));
    settled(&server.db());
    assert_eq!(usage(&server.db()), []);
    let status = server.agent(&key, "GET", "/llm/status", "").json();
    assert_eq!(status["providers"][0]["breaker"], "open");
}

#[test]
fn the_next_provider_of_a_route_answers_for_one_that_is_down() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let more = format!(
        "[[provider]]\nname = \"spare\"\nkind = \"openai\"\nbase_url = \"{}\"\npriced_as = \"mock\"\n\
         models = [\"mock-1\"]\n[[route]]\nmodel = \"mock-1\"\nto = [\"mock\", \"spare\"]\n",
        mock.url()
    );
    // Nobody listens where the first one should be.
    let start = t4_tests::process::Start::at(folder.path());
    let server = t4_tests::mock::with_provider(start, "http://127.0.0.1:9/v1", &more).server();
    let key = key(&server, "a", "1");
    let answer = call(&server, &key, &chat("!mock tokens=4 prompt=3"));
    assert_eq!((answer.status, answer.header("x-t4-provider")), (200, Some("spare")), "{}", answer.body);
    settled(&server.db());
    assert_parity(&mock, &server.db());
    let rows = usage(&server.db());
    assert_eq!((rows.len(), rows[0].cost_pico), (1, cost(3, 4)), "what never left costs nothing");
}
