//! A provider that repeats what it was sent: no known secret reaches an answer, a row, the log or a metric.

use std::time::Duration;

use serde_json::Value;
use t4_tests::mock::{Mock, chat, frames, streamed, with_provider};
use t4_tests::process::{ADMIN, Server, Start};

use crate::llm_support::{call, key, settled};
use crate::support;

/// As long as real ones are, and of no shape that redaction knows.
const KEY: &str = "PROVIDERSECRET-9f8e7d6c5b4a39281706f5e4";

/// So many bytes in a row of the key are taken for it.
const PART: usize = 12;

/// No part of the key, however it is written.
#[track_caller]
fn holds_no_part(what: &str, text: &str) {
    let unescaped = text.replace("\\\\u00", "\\u00").replace("%25", "%");
    for part in KEY.as_bytes().windows(PART) {
        for form in [
            str::from_utf8(part).unwrap().to_owned(),
            part.iter().map(|byte| format!("%{byte:02X}")).collect(),
            part.iter().map(|byte| format!("\\u{byte:04x}")).collect(),
            part.iter().map(|byte| format!("&#{byte};")).collect(),
        ] {
            assert!(!unescaped.contains(&form), "{what}: {text}");
        }
    }
    // `printf 'user:KEY' | base64`, without its ends.
    let base64 = "OlBST1ZJREVSU0VDUkVULTlmOGU3ZDZjNWI0YTM5MjgxNzA2ZjVlN";
    assert!(
        !base64.as_bytes().windows(16).any(|part| text.contains(str::from_utf8(part).unwrap())),
        "{what}: {text}"
    );
}

/// The whole log of a server, which is stopped for it.
fn stopped(server: Server) -> String {
    let log = server.folder.join("server.log");
    assert_eq!(server.stop(Duration::from_secs(15)).code(), Some(0));
    std::fs::read_to_string(log).unwrap()
}

/// Everything that a database holds.
fn all_rows(server: &Server) -> String {
    let conn = support::open(&server.db());
    let tables = support::rows(&conn, "SELECT name FROM sqlite_schema WHERE type = 'table'");
    let of = |table: &Vec<String>| support::rows(&conn, &format!("SELECT * FROM {}", table[0]));
    format!("{:?}", tables.iter().map(of).collect::<Vec<_>>())
}

#[test]
fn a_provider_that_repeats_its_key_finds_it_nowhere_but_in_its_own_answers() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let start = with_provider(Start::at(folder.path()), &mock.url(), "");
    let server = start.env("MOCK_KEY", KEY).env("T4_LOG", "debug").server();
    let agent = key(&server, "a", "100");
    let mut asked = 0;
    for form in ["plain", "percent", "json", "html", "base64"] {
        for (place, status) in
            [("error", 400), ("error", 422), ("error", 500), ("error", 401), ("html", 400), ("html", 502)]
        {
            // The key stands where the texts of answer, log and row are cut.
            for filler in [0, 980, 1010, 4050] {
                let body = chat(&format!("!mock echo={place} status={status} form={form} filler={filler}"));
                let answer = call(&server, &agent, &body);
                assert!(answer.status >= 400, "{}", answer.body);
                holds_no_part(&format!("{place} {status} {form} {filler}"), &format!("{answer:?}"));
                asked += 1;
            }
        }
        for place in ["error", "split", "rest", "notice", "pieces"] {
            let answer = call(&server, &agent, &streamed(&format!("!mock echo={place} form={form}")));
            assert_eq!(answer.status, 200, "{}", answer.body);
            // What the answer itself began with is its own.
            let told = if place == "rest" { answer.body.replacen(&KEY[..19], "", 1) } else { answer.body };
            holds_no_part(&format!("a stream with {place} {form}"), &told);
            assert!(told.contains("provider_failed") || told.contains("[redacted]"), "{told}");
            asked += 1;
        }
    }
    assert!(mock.count() >= asked);
    assert!(mock.log().iter().all(|entry| entry["credentials"] == format!("Bearer {KEY}")));
    settled(&server.db());
    let usage = server.agent(&agent, "GET", "/llm/usage?limit=500", "").body;
    holds_no_part("the usage", &usage);
    holds_no_part("the metrics", &server.get("/metrics").body);
    holds_no_part("the rows", &all_rows(&server));
    server.assert_log_verifies();
    let log = stopped(server);
    assert!(log.contains("provider_failed"), "{log}");
    holds_no_part("the log", &log);
}

#[test]
fn a_good_answer_passes_as_it_came_and_the_name_of_its_request_is_kept_without_the_key() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let start = with_provider(Start::at(folder.path()), &mock.url(), "");
    let server = start.env("MOCK_KEY", KEY).server();
    let agent = key(&server, "a", "100");
    let answer = call(&server, &agent, &chat("!mock echo=answer"));
    assert_eq!(answer.json()["choices"][0]["message"]["content"], KEY);
    let answer = call(&server, &agent, &streamed("!mock echo=answer"));
    let said: Vec<Value> = frames(&answer.body);
    assert!(said.iter().any(|frame| frame["choices"][0]["delta"]["content"] == KEY), "{}", answer.body);
    let answer = call(&server, &agent, &chat("!mock echo=id"));
    assert_eq!(answer.status, 200);
    holds_no_part("the headers", &format!("{answer:?}"));
    settled(&server.db());
    let ids =
        support::rows(&support::open(&server.db()), "SELECT DISTINCT provider_request_id FROM llm_usage");
    assert_eq!(ids, [["req-[redacted]"]]);
}

#[test]
fn what_a_provider_repeats_of_a_prompt_comes_without_the_callers_key_and_the_servers_secrets() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let start = with_provider(Start::at(folder.path()), &mock.url(), "");
    let server = start.env("API_TOKENS", "static-key-of-an-agent").env("T4_LOG", "debug").server();
    let agent = key(&server, "a", "100");
    let other = key(&server, "b", "100");
    let pepper = std::fs::read_to_string(format!("{}.pepper", server.db().display())).unwrap();
    let secrets = [ADMIN, "static-key-of-an-agent", pepper.trim(), &agent[16..], &other[16..]];
    for said in [ADMIN, "static-key-of-an-agent", pepper.trim(), &agent, &other] {
        for place in ["error", "html"] {
            let answer = call(&server, &agent, &chat(&format!("!mock echo={place} status=400 text={said}")));
            assert_eq!(answer.code(), "provider_rejected", "{}", answer.body);
            assert!(answer.body.contains("[redacted]"), "{}", answer.body);
            assert!(!secrets.iter().any(|secret| format!("{answer:?}").contains(secret)), "{answer:?}");
        }
        let answer = call(&server, &agent, &streamed(&format!("!mock echo=error text={said}")));
        assert!(!secrets.iter().any(|secret| answer.body.contains(secret)), "{}", answer.body);
    }
    settled(&server.db());
    let left = all_rows(&server) + &stopped(server);
    assert!(!secrets.iter().any(|secret| left.contains(secret)), "{left}");
}
