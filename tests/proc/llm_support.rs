//! What the ledger says, read from the file, and compared with what the provider saw.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use t4_tests::http::{Answer, Connection};
use t4_tests::mock::Mock;
use t4_tests::process::{Server, eventually};

use crate::support;

/// One row of `llm_usage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub hold_id: String,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub cost_pico: u64,
    pub source: String,
    pub outcome: String,
    pub overrun: bool,
    pub late: bool,
}

impl Row {
    /// Source and outcome.
    pub fn end(&self) -> (&str, &str) {
        (&self.source, &self.outcome)
    }
}

/// Every row, in the order of the settlements.
pub fn usage(db: &Path) -> Vec<Row> {
    let sql = "SELECT hold_id, prompt_tokens, completion_tokens, cost_pico, source, outcome, overrun, late \
               FROM llm_usage ORDER BY id";
    let number = |text: &String| text.parse::<u64>().unwrap_or_else(|_| panic!("`{text}` is no number"));
    let row = |row: Vec<String>| Row {
        hold_id: row[0].clone(),
        prompt_tokens: number(&row[1]),
        completion_tokens: number(&row[2]),
        cost_pico: number(&row[3]),
        source: row[4].clone(),
        outcome: row[5].clone(),
        overrun: row[6] == "1",
        late: row[7] == "1",
    };
    support::rows(&support::open(db), sql).into_iter().map(row).collect()
}

/// Waits until no call is under way.
pub fn settled(db: &Path) {
    eventually("every hold is settled", Duration::from_secs(30), || {
        (support::number(db, "SELECT count(*) FROM llm_holds WHERE orphaned = 0") == 0).then_some(())
    });
    assert_eq!(support::number(db, "SELECT COALESCE(SUM(held_pico), 0) FROM llm_accounts"), 0, "still held");
}

/// Everything that a refusal must leave as it is.
pub fn counters(db: &Path) -> Vec<Vec<String>> {
    let conn = support::open(db);
    let mut all = support::rows(&conn, "SELECT * FROM llm_accounts ORDER BY scope, id, window, window_id");
    all.extend(support::rows(&conn, "SELECT * FROM llm_holds ORDER BY id"));
    all.extend(support::rows(&conn, "SELECT id, hold_id, cost_pico FROM llm_usage ORDER BY id"));
    all.extend(support::rows(
        &conn,
        "SELECT key, daily_used, daily_used_pico, used_on, version FROM api_keys",
    ));
    all
}

/// Every request that the provider saw has exactly one row; a row without a request is a flagged orphan.
pub fn assert_parity(mock: &Mock, db: &Path) {
    let mut rows: BTreeMap<String, usize> = BTreeMap::new();
    let mut orphans = BTreeSet::new();
    for row in usage(db) {
        if row.outcome == "orphan" {
            assert_eq!(row.source, "worst_case", "{row:?}");
            orphans.insert(row.hold_id.clone());
        }
        *rows.entry(row.hold_id).or_default() += 1;
    }
    for entry in mock.log() {
        let id = entry["client_request_id"].as_str().expect("an id").to_owned();
        assert_eq!(rows.remove(&id), Some(1), "rows of {id}, which the provider saw: {entry}");
    }
    for (id, times) in rows {
        assert_eq!(times, 1, "rows of {id}");
        assert!(orphans.contains(&id), "{id} has a row, but the provider never saw it");
    }
}

/// What a provider would bill for the request of this hold.
pub fn billed(mock: &Mock, hold_id: &str) -> (u64, u64, u64) {
    let log = mock.log();
    let entry = log.iter().find(|entry| entry["client_request_id"] == hold_id);
    let entry = entry.unwrap_or_else(|| panic!("the provider saw no {hold_id}"));
    let number = |name: &str| entry[name].as_u64().expect("a number");
    (number("prompt_tokens"), number("completion_tokens"), number("frames_sent"))
}

/// A chat completion.
pub fn call(server: &Server, key: &str, body: &Value) -> Answer {
    server.agent(key, "POST", "/llm/v1/chat/completions", &body.to_string())
}

/// A key with this daily limit in dollars and no other limit in the way.
pub fn key(server: &Server, agent: &str, daily_limit: &str) -> String {
    let body = format!(
        r#"{{"agent_id":"{agent}","owner":"team-{agent}","daily_limit":{daily_limit},"rate_per_minute":1000000}}"#
    );
    server.key_with(&body).0
}

/// Reads until so many frames are there.
pub fn read_frames(connection: &mut Connection, frames: usize) {
    let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
    while seen.windows(6).filter(|w| w == b"data: ").count() < frames {
        let count = connection.stream().read(&mut buffer).unwrap();
        assert!(count > 0, "the stream ended");
        seen.extend_from_slice(&buffer[..count]);
    }
}
