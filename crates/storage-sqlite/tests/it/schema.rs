//! The schema equals the committed file, and lists use its indexes.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking as well")]

use std::collections::BTreeMap;

use crate::support::TempStore;
use rusqlite::Connection;

/// What the file holds, by kind and name. Tables that SQLite makes itself are left out.
fn schema(conn: &Connection) -> BTreeMap<String, String> {
    let sql = "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'";
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn the_schema_is_the_committed_one() {
    let store = TempStore::new();
    let found: String = schema(&store.by_hand()).into_values().map(|sql| sql + ";\n\n").collect();
    let committed = include_str!("../../schema.sql");
    if found != committed {
        let first = found.lines().zip(committed.lines()).find(|(found, committed)| found != committed);
        panic!("schema.sql differs, first at {first:?}; the schema is now:\n{found}");
    }
}

#[test]
fn every_list_goes_by_an_index() {
    let store = TempStore::new();
    let conn = store.by_hand();
    let open = "(status IS NULL OR (status <> 'implemented' AND status <> 'accepted' AND status <> 'documented' \
                AND status <> 'expired'))";
    let stage = "CASE status WHEN 'planned' THEN 1 WHEN 'committed' THEN 1 WHEN 'implemented' THEN 1 \
                 WHEN 'accepted' THEN 1 WHEN 'documented' THEN 1 WHEN 'expired' THEN 2 ELSE 0 END";
    let covering = format!("SELECT code FROM intents WHERE file = 'f' AND {stage} = 1 LIMIT 10");
    let waiting = format!(
        "SELECT line, id FROM intents WHERE file = 'f' AND {stage} = 0 AND code = 'c' ORDER BY line, id LIMIT 1"
    );
    let stale_intents = format!(
        "SELECT * FROM intents WHERE {open} AND modified_at < 'b' AND (modified_at, id) > ('a', 'x') \
         ORDER BY modified_at, id LIMIT 10"
    );
    let cases = [
        ("idx_intents_open", stale_intents.as_str()),
        ("COVERING INDEX idx_intents_file (file=? AND <expr>=?)", covering.as_str()),
        ("COVERING INDEX idx_intents_file (file=? AND <expr>=? AND code=?)", waiting.as_str()),
        (
            "idx_intents_owner",
            "SELECT * FROM intents WHERE owner = 'o' AND (modified_at, id) < ('b', 'x') \
             ORDER BY modified_at DESC, id DESC LIMIT 10",
        ),
        ("SCAN audit_log", "SELECT id, seq, chain FROM audit_log ORDER BY id DESC LIMIT 1"),
        (
            "audit_log USING INTEGER PRIMARY KEY (rowid>?)",
            "SELECT id FROM audit_log NOT INDEXED WHERE id > 7 ORDER BY id LIMIT 10",
        ),
        (
            "idx_audit_log_statement",
            "SELECT * FROM audit_log INDEXED BY idx_audit_log_statement \
             WHERE event = 'genesis' OR event = 'schema' ORDER BY id DESC LIMIT 1",
        ),
        ("idx_idempotency_at", "SELECT rowid FROM idempotency WHERE at < 'b' ORDER BY at LIMIT 10"),
        ("idx_llm_usage_hold", "SELECT * FROM llm_usage WHERE hold_id = 'h' AND api_key = 'k'"),
        (
            "COVERING INDEX idx_llm_usage_timestamp",
            "SELECT min(CASE WHEN timestamp >= 'c' THEN id END), count(*) \
             FROM (SELECT id, timestamp FROM llm_usage WHERE timestamp >= 'b' LIMIT 10)",
        ),
        (
            "idx_llm_holds_lease",
            "SELECT * FROM llm_holds WHERE orphaned = 0 AND lease_until <= 'b' ORDER BY lease_until, id, key_id LIMIT 10",
        ),
        (
            "USING PRIMARY KEY ((id,key_id)>(?,?))",
            "SELECT * FROM llm_holds WHERE (id, key_id) > ('a', 'k') ORDER BY id, key_id LIMIT 10",
        ),
        (
            "idx_llm_alerts_pending",
            "SELECT * FROM llm_alerts WHERE delivered_at IS NULL \
             ORDER BY at, scope, id, window, window_id, percent LIMIT 10",
        ),
    ];
    for (index, sql) in cases {
        let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let plan: Vec<String> =
            statement.query_map([], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        let plan = plan.join("; ");
        assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    }
}
