//! `kill -9` at every stage of a call: what reached the provider has its row, and nothing is spent beyond the limit.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use t4_tests::http::{Connection, request};
use t4_tests::mock::{Mock, chat, with_provider};
use t4_tests::process::{Server, Start, binary, count, eventually};

use crate::llm_support::{assert_parity, call, key, settled, usage};
use crate::support;

/// Where the process dies.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// In the server: while a hold or a usage row is written, or just after its commit.
    Booking(&'static str),
    /// At the provider: the request has arrived, or the head, the first or the last byte of the answer has left.
    Provider(&'static str),
}

const STAGES: [Stage; 8] = [
    Stage::Booking("in_hold"),
    Stage::Booking("after_hold"),
    Stage::Provider("request"),
    Stage::Provider("head"),
    Stage::Provider("first"),
    Stage::Provider("last"),
    Stage::Booking("in_settle"),
    Stage::Booking("after_settle"),
];

/// What one call of `mock-out` with 100 tokens costs at its worst, in pico-dollars, rounded up: a token of its input
/// costs one.
const WORST: i64 = 100 * 2_000_000 + 1_000;

fn body(script: &str) -> Value {
    let mut body = chat(&format!("!mock tokens=100 {script}"));
    body["model"] = json!("mock-out");
    body["max_tokens"] = json!(100);
    body["stream"] = json!(script.contains("kill_at=first"));
    body
}

fn start(folder: &Path, mock: &Mock) -> Start {
    with_provider(Start::at(folder), &mock.url(), "[limits]\nlease_seconds = 2\n")
}

/// Sends a call whose server dies before it can answer in full.
fn doomed(server: &mut Server, key: &str, body: &Value) {
    let mut connection = Connection::open(server.address).unwrap();
    let headers = [("x-t4-api-key", key)];
    connection.send(&request("POST", "/llm/v1/chat/completions", &headers, &body.to_string())).unwrap();
    eventually("the server dies", Duration::from_secs(20), || (!server.runs()).then_some(()));
}

fn die_at(stage: Stage, folder: &Path, mock: &Mock, key: &str) {
    match stage {
        Stage::Booking(name) => {
            let start = start(folder, mock).program(binary("crash-api")).env("T4_CRASH_AT", name);
            doomed(&mut start.server(), key, &body(""));
        }
        Stage::Provider(at) => {
            let mut server = start(folder, mock).server();
            let script = format!("kill={} kill_at={at}", server.pid());
            doomed(&mut server, key, &body(&script));
        }
    }
}

#[test]
fn kill_9_at_any_stage_of_a_call_leaves_one_row_and_no_spend_beyond_the_limit() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let rounds = count(2, 20);
    let server = start(folder.path(), &mock).server();
    // Room for every doomed call at its worst, and for five more.
    let calls = i64::try_from(rounds * STAGES.len()).unwrap() + 5;
    let limit = (calls * WORST) as f64 / 1e12;
    let (key, db) = (key(&server, "a", &format!("{limit}")), server.db());
    server.kill();
    let mut expected: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..rounds {
        for stage in STAGES {
            die_at(stage, folder.path(), &mock, &key);
            let spent =
                support::number(&db, "SELECT COALESCE(SUM(settled_pico + held_pico), 0) FROM llm_accounts");
            assert!(spent <= calls * WORST, "{stage:?}");
            match stage {
                // Never committed.
                Stage::Booking("in_hold") => {}
                Stage::Booking("after_settle") => *expected.entry("ok").or_default() += 1,
                Stage::Booking(_) | Stage::Provider(_) => *expected.entry("orphan").or_default() += 1,
            }
        }
    }
    let server = start(folder.path(), &mock).server();
    settled(&db);
    assert_parity(&mock, &db);
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for row in usage(&db) {
        *found.entry(row.outcome).or_default() += 1;
    }
    // The last byte may be settled before the process dies.
    let all = |counts: &[usize]| counts.iter().sum::<usize>();
    let expected_all = all(&expected.values().copied().collect::<Vec<_>>());
    assert_eq!(all(&found.values().copied().collect::<Vec<_>>()), expected_all, "{found:?} {expected:?}");
    assert!(found["ok"] >= rounds && found["orphan"] >= rounds * 4, "{found:?}");
    // What is left is spent to the last call that fits, and no further.
    let mut admitted = 0;
    while call(&server, &key, &body("")).status == 200 {
        admitted += 1;
    }
    settled(&db);
    assert_parity(&mock, &db);
    let spent = support::number(&db, "SELECT SUM(settled_pico) FROM llm_accounts WHERE scope = 'key'");
    assert!(
        admitted >= 5 && spent <= calls * WORST && spent > (calls - 1) * (WORST - 1_000),
        "{admitted} {spent}"
    );
    let per_row = support::number(&db, "SELECT SUM(cost_pico) FROM llm_usage");
    assert_eq!(spent, per_row);
    server.assert_log_verifies();
}
