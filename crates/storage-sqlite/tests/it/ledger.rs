//! Ledger tables as people and their tools read and change them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking as well")]

use std::fmt::Debug;

use crate::support::ledger::{account, hold, usage};
use crate::support::{TempStore, run};
use registry_core::Timestamp;
use rusqlite::Connection;
use storage::{AlertRow, StoreError, UsageLine, UsageQuery};

const DAY: &str = "2026-11-21";

fn noon() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00Z").unwrap()
}

/// A store with one of everything.
fn with_one_of_each() -> TempStore {
    let store = TempStore::new();
    run(&*store.store(), |tx| {
        let held = hold("call_1", "t4_a", noon(), 5, vec![account("t4_a", DAY)]);
        tx.book(&account("t4_a", DAY), 250_000_000_001, 5)?;
        tx.insert_hold(&held)?;
        tx.insert_usage(&usage(&held, 250_000_000_001))?;
        let (limit_pico_usd, settled_pico_usd) = (9, 5);
        let account = account("t4_a", DAY);
        tx.insert_alert(&AlertRow { account, percent: 50, limit_pico_usd, settled_pico_usd, at: noon() })?;
        Ok(())
    })
    .unwrap();
    store
}

fn corrupt<T: Debug>(end: Result<T, StoreError>) -> (&'static str, &'static str, String) {
    let Err(StoreError::Corrupt { table, column, row, .. }) = end else {
        panic!("what can't be read was read: {end:?}")
    };
    (table, column, row)
}

/// Edits one column, hands the store to `read`, and undoes the edit.
fn edited<T>(store: &TempStore, table: &str, edit: &str, read: impl FnOnce() -> T) -> T {
    let conn = store.by_hand();
    conn.execute_batch(&format!(
        "PRAGMA ignore_check_constraints = ON; CREATE TEMP TABLE kept AS SELECT * FROM {table};
         UPDATE {table} SET {edit};"
    ))
    .unwrap();
    let found = read();
    conn.execute_batch(&format!(
        "DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept; DROP TABLE kept"
    ))
    .unwrap();
    found
}

#[test]
fn a_hold_that_can_t_be_read_is_named_by_table_column_and_row() {
    let store = with_one_of_each();
    let edits = [
        ("attempt", "-1"),
        ("attempt", "4294967296"),
        ("call_id", "x'00'"),
        ("operation", "'sing'"),
        ("rates", "'{}'"),
        ("rates", "'{\"input\":1,\"cached_input\":1,\"cache_write\":1,\"output\":1,\"more\":1}'"),
        ("accounts", "'[{\"scope\":\"moon\",\"id\":\"a\",\"window\":\"day\",\"window_id\":\"x\"}]'"),
        ("input_tokens", "'many'"),
        ("max_tokens", "-1"),
        ("amount_pico", "0.5"),
        ("created_at", "'noon'"),
        ("lease_until", "''"),
        ("orphaned", "2"),
        ("owner", "x'ff'"),
    ];
    for (column, value) in edits {
        let end = edited(&store, "llm_holds", &format!("{column} = {value}"), || {
            store.store().read(|view| view.holds(None, None, 10))
        });
        assert_eq!(corrupt(end), ("llm_holds", column, "call_1.1".to_owned()), "{column} = {value}");
    }
    assert_eq!(store.store().read(|view| view.holds(None, None, 10)).unwrap().len(), 1);
}

#[test]
fn usage_that_can_t_be_read_is_named_by_table_column_and_row() {
    let store = with_one_of_each();
    let edits = [
        ("timestamp", "NULL"),
        ("api_key", "NULL"),
        ("model", "x'00'"),
        ("prompt_tokens", "-1"),
        ("completion_tokens", "NULL"),
        ("cached_tokens", "'few'"),
        ("cost_pico", "NULL"),
        ("source", "'rumour'"),
        ("outcome", "NULL"),
        ("overrun", "7"),
        ("late", "'yes'"),
    ];
    let row = usage(&hold("call_1", "t4_a", noon(), 5, Vec::new()), 0);
    for (column, value) in edits {
        let edit = format!("{column} = {value}");
        let everything = UsageQuery::default();
        let (page, visit, row) = edited(&store, "llm_usage", &edit, || {
            let shared = store.store();
            let page = shared.read(|view| view.usage_page(&everything, None, 10));
            let visit = shared.read(|view| view.visit_usage(&everything, None, 10, &mut |_| ()));
            let (key, id) = (row.key_id.clone(), row.hold_id.clone());
            (page, visit, run(&*shared, move |tx| tx.usage(&key, &id).map(drop)))
        });
        assert_eq!(corrupt(page), ("llm_usage", column, "1 call_1.1".to_owned()), "{edit}");
        assert_eq!(corrupt(visit), ("llm_usage", column, "1 call_1.1".to_owned()), "{edit}");
        if column == "api_key" {
            row.expect("a row without a key is found without a key");
        } else {
            assert_eq!(corrupt(row), ("llm_usage", column, "call_1.1".to_owned()), "{edit}");
        }
    }
}

#[test]
fn accounts_and_alerts_that_can_t_be_read_are_named() {
    let store = with_one_of_each();
    let of_today = account("t4_a", DAY);
    let row = format!("key t4_a day {DAY}");
    for (column, value) in [("settled_pico", "0.5"), ("held_pico", "0.5")] {
        let (look, book) = edited(&store, "llm_accounts", &format!("{column} = {value}"), || {
            let booked = of_today.clone();
            let look = store.store().read(|view| view.account(&of_today));
            (look, run(&*store.store(), move |tx| tx.book(&booked, 0, 1).map(drop)))
        });
        assert_eq!(corrupt(look), ("llm_accounts", column, row.clone()));
        assert_eq!(corrupt(book), ("llm_accounts", column, row.clone()));
    }
    for (column, value, name) in
        [("scope", "'moon'", format!("moon t4_a day {DAY} 50")), ("at", "'noon'", format!("{row} 50"))]
    {
        let end = edited(&store, "llm_alerts", &format!("{column} = {value}"), || {
            store.store().read(|view| view.pending_alerts(10))
        });
        assert_eq!(corrupt(end), ("llm_alerts", column, name));
    }
}

#[test]
fn the_runbook_s_query_sums_dollars() {
    let store = with_one_of_each();
    let conn = store.by_hand();
    let more = "INSERT INTO llm_usage (timestamp, api_key, agent_id, model, est_cost) \
                VALUES ('t', 'k', 'agent-1', 'm', 0.5)";
    conn.execute(more, []).unwrap();
    let sql = "SELECT agent_id, SUM(est_cost) as total_cost FROM llm_usage GROUP BY agent_id";
    let (agent, cost): (String, f64) =
        conn.query_row(sql, [], |row| Ok((row.get("agent_id")?, row.get("total_cost")?))).unwrap();
    assert_eq!(agent, "agent-1");
    assert!((cost - 0.750_000_000_001).abs() < 1e-15, "{cost}");
    let kept: (String, String, f64) = conn
        .query_row("SELECT timestamp, api_key, est_cost FROM llm_usage WHERE id = 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(kept, ("2026-11-21T12:00:00.000000Z".to_owned(), "t4_a".to_owned(), 0.250_000_000_001));
}

#[test]
fn rows_that_somebody_typed_are_listed_whatever_they_hold() {
    let store = with_one_of_each();
    let typed = [
        ("'2026-11-21 13:00:00'", "0.5", 500_000_000_000),
        ("'2026-11-21T22:00:00-11:00'", "-3", 0),
        ("'2026-11-22T01:00:00+11:00'", "1e300", 9_000_000_000_000_000_000),
        ("'once'", "'much'", 0),
        ("NULL", "NULL", 0),
    ];
    for (time, cost, _) in typed {
        let sql = format!("INSERT INTO llm_usage (timestamp, est_cost) VALUES ({time}, {cost})");
        store.by_hand().execute_batch(&sql).unwrap();
    }
    let since = |text: Option<&str>| {
        let since = text.map(|text| Timestamp::parse(text).unwrap());
        let filter = UsageQuery { since, ..UsageQuery::default() };
        let (page, last) = store.store().read(|view| view.usage_page(&filter, None, 100)).unwrap();
        assert_eq!(last, None);
        let mut seen = Vec::new();
        let each = &mut |line: &UsageLine| seen.push(line.clone());
        assert_eq!(store.store().read(|view| view.visit_usage(&filter, None, 100, each)).unwrap(), None);
        assert!(page.iter().rev().eq(&seen));
        seen
    };
    let costs: Vec<_> = since(None).iter().skip(1).map(|line| line.cost_pico_usd).collect();
    assert_eq!(costs, typed.map(|(_, _, pico)| pico));
    let ids = |text| since(Some(text)).iter().map(|line| line.id).collect::<Vec<_>>();
    assert_eq!(ids("2026-11-21T12:00:00Z"), [1, 2, 3, 4]);
    assert_eq!(ids("2026-11-21T13:00:00Z"), [2, 3, 4]);
    assert_eq!(ids("2026-11-21T14:00:00Z"), [3, 4]);
    assert_eq!(ids("2026-11-22T00:00:00Z"), [3]);
    assert_eq!(ids("2026-11-22T09:00:01Z"), [0_i64; 0]);
}

/// A store whose table of usage has `count` rows, a second apart.
fn with_usage(count: i64) -> TempStore {
    let store = TempStore::new();
    let conn: Connection = store.by_hand();
    conn.execute(
        "INSERT INTO llm_usage (timestamp, api_key, agent_id, model, est_cost) \
         WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ?1) \
         SELECT strftime('%Y-%m-%dT%H:%M:%S.000000Z', 1700000000 + n, 'unixepoch'), 'k', \
         CASE n WHEN 0 THEN 'first' ELSE 'a' END, 'm', 0.5 FROM n",
        [count],
    )
    .unwrap();
    store
}

#[test]
fn a_list_of_usage_looks_at_five_thousand_rows_at_a_time() {
    let store = with_usage(12_000);
    let first =
        UsageQuery { agent_id: Some(registry_core::AgentId::new("first").unwrap()), ..UsageQuery::default() };
    let page = |before, limit| store.store().read(|view| view.usage_page(&first, before, limit)).unwrap();
    assert_eq!(page(None, 10), (vec![], Some(7001)));
    assert_eq!(page(Some(7001), 10), (vec![], Some(2001)));
    let (found, last) = page(Some(2001), 10);
    assert_eq!((found.len(), last), (1, None));
    let visit = |after| {
        let mut shown = 0;
        let last = store
            .store()
            .read(|view| view.visit_usage(&first, after, u32::MAX, &mut |_| shown += 1))
            .unwrap();
        (shown, last)
    };
    assert_eq!(visit(None), (1, Some(5000)));
    assert_eq!(visit(Some(5000)), (0, Some(10_000)));
    assert_eq!(visit(Some(10_000)), (0, None));
    assert_eq!(visit(Some(i64::MAX)), (0, None));
}

#[test]
fn rows_before_since_are_not_looked_through() {
    let store = with_usage(30_000);
    let end = Timestamp::from_micros((1_700_000_000 + 30_000) * 1_000_000);
    let filter = UsageQuery { since: Some(end.plus_seconds(-10)), ..UsageQuery::default() };
    let mut shown = 0;
    let each = &mut |_: &UsageLine| shown += 1;
    let last = store.store().read(|view| view.visit_usage(&filter, None, 5000, each)).unwrap();
    assert_eq!((shown, last), (10, None), "the visit begins at the first that fits");
    let page = |before| store.store().read(|view| view.usage_page(&filter, before, 10)).unwrap();
    let (found, last) = page(None);
    assert_eq!((found.len(), last), (10, Some(29_991)));
    assert_eq!(page(last), (vec![], None), "the list ends where only older rows follow");
}

#[test]
fn a_young_row_behind_many_old_ones_is_found() {
    let store = with_usage(12_000);
    let young = "2099-01-01T00:00:00.000000Z";
    let edit = format!("UPDATE llm_usage SET timestamp = '{young}' WHERE id IN (3000, 12000)");
    store.by_hand().execute_batch(&edit).unwrap();
    let filter = UsageQuery { since: Some(Timestamp::parse(young).unwrap()), ..UsageQuery::default() };
    let page = |before| {
        let (found, last) = store.store().read(|view| view.usage_page(&filter, before, 10)).unwrap();
        (found.iter().map(|line| line.id).collect::<Vec<_>>(), last)
    };
    assert_eq!(page(None), (vec![12_000], Some(7001)));
    assert_eq!(page(Some(7001)), (vec![3000], None), "behind it there is none");
}
