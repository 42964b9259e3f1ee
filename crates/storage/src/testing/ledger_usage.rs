//! Conformance: usage and alerts of the ledger, also after the store is reopened.

use llm_policy::{AccountKey, AccountState, CallOutcome, UsageSource};
use registry_core::{AgentId, Owner, Timestamp};

use super::Backend;
use super::fixtures::{at, key_id};
use super::ledger_fixtures::{
    account, alert, bare_usage, call, hold, hold_id, line, platform, usage, visited,
};
use super::support::write;
use crate::{AlertRow, HoldRow, Store, UsageLine, UsageQuery, UsageRow};

fn insert(store: &dyn Store, row: UsageRow) -> bool {
    write(store, move |tx| tx.insert_usage(&row)).unwrap()
}

/// All usage rows that fit, newest first, by pages of at most `size`.
fn pages(store: &dyn Store, filter: &UsageQuery, size: u32) -> Vec<UsageLine> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let (page, last) = store.read(|view| view.usage_page(filter, before, size)).unwrap();
        assert!(page.len() <= usize::try_from(size).unwrap());
        found.extend(page);
        if last.is_none() {
            return found;
        }
        before = last;
    }
}

fn calls(lines: &[UsageLine]) -> Vec<&str> {
    lines.iter().filter_map(|line| line.call_id.as_deref()).collect()
}

/// What is stored is read back field by field, from a write and from both kinds of list.
pub fn a_usage_row_is_read_back_whole<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let given = [usage("full"), bare_usage("bare")];
    for row in given.clone() {
        let id = row.hold_id.clone();
        assert!(insert(&*store, row.clone()));
        assert_eq!(write(&*store, move |tx| tx.usage(&key_id("t4_a"), &id)).unwrap(), Some(row));
    }
    assert_eq!(write(&*store, |tx| tx.usage(&key_id("t4_a"), &hold_id("other"))).unwrap(), None);
    let found = store.read(|view| Ok(visited(view, &UsageQuery::default(), 10))).unwrap();
    let expected: Vec<_> = given.iter().zip(&found).map(|(row, found)| line(row, found.id)).collect();
    assert_eq!(found, expected);
    let newest_first: Vec<_> = expected.into_iter().rev().collect();
    assert_eq!(pages(&*store, &UsageQuery::default(), 10), newest_first);
}

/// A repeated settlement writes nothing.
pub fn a_hold_has_one_usage_row<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    assert!(insert(&*store, usage("a")));
    assert!(!insert(&*store, UsageRow { cost_pico_usd: 1, ..usage("a") }));
    assert!(insert(&*store, UsageRow { hold_id: llm_policy::HoldId::of(&call("a"), 2), ..usage("a") }));
    let lines = pages(&*store, &UsageQuery::default(), 10);
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line.cost_pico_usd == usage("a").cost_pico_usd), "{lines:?}");
}

/// A late settlement replaces the row of its hold, except for its key and agent, in its position.
pub fn an_amended_usage_row_says_the_new_numbers<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    assert!(!write(&*store, |tx| tx.amend_usage(&usage("a"))).unwrap());
    insert(&*store, usage("a"));
    insert(&*store, usage("b"));
    let before = pages(&*store, &UsageQuery::default(), 10);
    let other = || UsageRow {
        call_id: call("other"),
        timestamp: at(9),
        settled_at: at(10),
        agent_id: AgentId::from_stored("other".to_owned()),
        provider: "other".to_owned(),
        model: "other".to_owned(),
        price_version: "other".to_owned(),
        ..bare_usage("a")
    };
    assert!(write(&*store, move |tx| tx.amend_usage(&other())).unwrap());
    assert_eq!(write(&*store, |tx| tx.usage(&key_id("t4_a"), &hold_id("a"))).unwrap(), Some(other()));
    let places: Vec<_> = before.iter().map(|line| line.id).collect();
    let found = pages(&*store, &UsageQuery::default(), 10);
    let expected: Vec<_> =
        [usage("b"), other()].iter().zip(&places).map(|(row, id)| line(row, *id)).collect();
    assert_eq!(found, expected);
}

/// Each filter leaves exactly the rows that fit, in pages and in visits of any size; all conditions must hold.
pub fn lists_of_usage_obey_the_filter<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let odd = |name, change: fn(&mut UsageRow)| {
        let mut row = usage(name);
        change(&mut row);
        row
    };
    let rows = [
        odd("plain", |_| ()),
        odd("key", |row| row.key_id = key_id("t4_b")),
        odd("agent", |row| row.agent_id = AgentId::from_stored("b".to_owned())),
        odd("owner", |row| row.owner = Some(Owner::from_stored("b".to_owned()))),
        odd("nobody", |row| row.owner = None),
        odd("model", |row| "b".clone_into(&mut row.model)),
        odd("reported", |row| row.source = UsageSource::Reported),
        odd("estimated", |row| row.source = UsageSource::Estimated),
        odd("worst", |row| row.source = UsageSource::WorstCase),
        odd("overrun", |row| row.overrun = true),
        odd("late", |row| row.late = true),
        odd("failed", |row| row.outcome = CallOutcome::ProviderError),
        odd("both", |row| {
            "b".clone_into(&mut row.model);
            row.late = true;
        }),
    ];
    for row in rows {
        insert(&*store, row);
    }
    let none = UsageQuery::default;
    let cases: [(UsageQuery, &[&str]); 8] = [
        (UsageQuery { key_id: Some(key_id("t4_b")), ..none() }, &["key"]),
        (UsageQuery { agent_id: Some(AgentId::from_stored("b".to_owned())), ..none() }, &["agent"]),
        (UsageQuery { owner: Some(Owner::from_stored("b".to_owned())), ..none() }, &["owner"]),
        (UsageQuery { model: Some("b".to_owned()), ..none() }, &["model", "both"]),
        (UsageQuery { call_id: Some(call("plain")), ..none() }, &["plain"]),
        (UsageQuery { flagged: true, ..none() }, &["estimated", "worst", "overrun", "late", "both"]),
        (UsageQuery { flagged: true, model: Some("b".to_owned()), ..none() }, &["both"]),
        (UsageQuery { model: Some("B".to_owned()), ..none() }, &[]),
    ];
    for (filter, expected) in cases {
        for size in [1, 2, 3, 100] {
            let visited = store.read(|view| Ok(visited(view, &filter, size))).unwrap();
            assert_eq!(calls(&visited), expected, "{filter:?}");
            let newest_first: Vec<_> = expected.iter().rev().copied().collect();
            assert_eq!(calls(&pages(&*store, &filter, size)), newest_first, "{filter:?}");
        }
    }
}

/// Calls are settled in another order than they are made. Every row is still returned once, and only those of the
/// requested time.
pub fn lists_of_usage_obey_times_in_whatever_order_rows_came<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let made_at = [0, 50, 10, 90, 40, 60, 20, 95, 30, 70, 5, 200_000, 55, 199_999, 80];
    for (n, seconds) in made_at.iter().enumerate() {
        insert(&*store, UsageRow { timestamp: at(*seconds), ..usage(&n.to_string()) });
    }
    let bounds: [Option<i64>; 9] =
        [None, Some(-1), Some(0), Some(40), Some(60), Some(95), Some(96), Some(199_999), Some(200_001)];
    for (since, until) in bounds.iter().flat_map(|since| bounds.iter().map(move |until| (*since, *until))) {
        let filter = UsageQuery { since: since.map(at), until: until.map(at), ..UsageQuery::default() };
        let fits =
            |made: &i64| since.is_none_or(|since| *made >= since) && until.is_none_or(|until| *made < until);
        let expected: Vec<Timestamp> =
            made_at.iter().filter(|made| fits(made)).map(|made| at(*made)).collect();
        let times = |lines: Vec<UsageLine>| lines.iter().map(|line| line.timestamp).collect::<Vec<_>>();
        for size in [1, 2, 7, 100] {
            let visited = store.read(|view| Ok(visited(view, &filter, size))).unwrap();
            assert_eq!(times(visited), expected, "{since:?} {until:?} {size}");
            let newest_first: Vec<_> = expected.iter().rev().copied().collect();
            assert_eq!(times(pages(&*store, &filter, size)), newest_first, "{since:?} {until:?} {size}");
        }
    }
}

/// A visit looks at as many rows as it may, reports where it stopped, and ends where the rows end.
pub fn a_visit_of_usage_stops_where_it_says<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    for n in 0..5 {
        insert(&*store, usage(&n.to_string()));
    }
    let filter = UsageQuery { call_id: Some(call("4")), ..UsageQuery::default() };
    let visit = |after| {
        let mut shown = Vec::new();
        let each = &mut |line: &UsageLine| shown.push(line.id);
        let last = store.read(|view| view.visit_usage(&filter, after, 2, each)).unwrap();
        (shown, last)
    };
    let places: Vec<_> =
        pages(&*store, &UsageQuery::default(), 10).iter().rev().map(|line| line.id).collect();
    let [_, second, _, fourth, fifth] = places.try_into().unwrap();
    assert_eq!(visit(None), (vec![], Some(second)));
    assert_eq!(visit(Some(second)), (vec![], Some(fourth)));
    assert_eq!(visit(Some(fourth)), (vec![fifth], None));
}

/// A budget alerts once per percentage of its limit, oldest first, until the alert is delivered.
pub fn an_account_is_alerted_once_per_percent<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let tomorrow = AccountKey { window_id: "2026-11-22".to_owned(), ..account("t4_a") };
    let alerts = [
        alert(account("t4_a"), 80, at(5)),
        alert(account("t4_a"), 50, at(5)),
        alert(platform(), 50, at(3)),
        alert(tomorrow, 50, at(4)),
        alert(account("t4_a"), 100, at(9)),
    ];
    for alert in alerts.clone() {
        assert!(write(&*store, move |tx| tx.insert_alert(&alert)).unwrap());
    }
    let [eighty, fifty, of_all, of_tomorrow, hundred] = alerts;
    let again = || AlertRow { limit_pico_usd: 7, at: at(1), ..alert(account("t4_a"), 50, at(1)) };
    assert!(!write(&*store, move |tx| tx.insert_alert(&again())).unwrap());
    let pending = |limit| store.read(|view| view.pending_alerts(limit)).unwrap();
    let in_order = [of_all, of_tomorrow, fifty, eighty, hundred];
    assert_eq!(pending(10), in_order);
    assert_eq!(pending(2), in_order.clone().into_iter().take(2).collect::<Vec<_>>());
    for expected in [true, false] {
        let done = write(&*store, |tx| tx.alert_delivered(&account("t4_a"), 50, at(10))).unwrap();
        assert_eq!(done, expected);
    }
    assert!(!write(&*store, |tx| tx.alert_delivered(&platform(), 80, at(10))).unwrap());
    let left: Vec<_> =
        in_order.into_iter().filter(|row| row.percent != 50 || row.account != account("t4_a")).collect();
    assert_eq!(pending(10), left);
    assert!(
        !write(&*store, move |tx| tx.insert_alert(&again())).unwrap(),
        "a second alert after the first's delivery"
    );
}

/// Held and spent money is unchanged after a restart.
pub fn a_reopened_store_has_the_whole_ledger<B: Backend>() {
    let mut backend = B::start();
    let store = backend.store();
    write(&*store, |tx| {
        tx.book(&account("t4_a"), 3, 5)?;
        tx.insert_hold(&hold("a"))?;
        tx.insert_usage(&usage("b"))?;
        tx.insert_alert(&alert(account("t4_a"), 50, at(0)))
    })
    .unwrap();
    drop(store);
    backend.reopen();
    let store = backend.store();
    let state = store.read(|view| view.account(&account("t4_a"))).unwrap();
    assert_eq!(state, AccountState { settled_pico_usd: 3, held_pico_usd: 5 });
    assert_eq!(store.read(|view| view.holds(None, None, 10)).unwrap(), [hold("a")]);
    assert_eq!(write(&*store, |tx| tx.usage(&key_id("t4_a"), &hold_id("b"))).unwrap(), Some(usage("b")));
    assert_eq!(store.read(|view| view.pending_alerts(10)).unwrap().len(), 1);
    assert!(!write(&*store, |tx| tx.insert_hold(&HoldRow { attempt: 2, ..hold("a") })).unwrap());
    assert!(!insert(&*store, bare_usage("b")));
}
