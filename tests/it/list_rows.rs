//! Rows of small lists are written from their columns; whole lists go through the API's own types. Both give the same
//! bytes, whatever a column holds.

use api_types::{IntentRowView, IntentView};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use rusqlite::types::Value;
use storage::IntentList;

use crate::support::TestApp;

/// What may stand in a column of an adopted or edited row.
fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>().prop_filter("NaN is stored as NULL", |n| !n.is_nan()).prop_map(Value::Real),
        ".{0,20}".prop_map(Value::Text),
        Just(Value::Text("a \"quoted\" \\ text\u{7f}\u{0}\n\u{2028}é".to_owned())),
        proptest::collection::vec(any::<u8>(), 0..12).prop_map(Value::Blob),
    ]
}

fn time() -> impl Strategy<Value = Value> {
    let texts = [
        "2025-11-06T10:00:00.123456Z",
        "2025-11-06T10:00:00Z",
        "2025-11-06 10:00:00",
        "2025-11-06T12:00:00+02:00",
        "2025-11-06",
        "2026-02-30T10:00:00.000000Z",
        " 2025-11-06T10:00:00.5Z ",
        "yesterday",
    ];
    let texts = proptest::sample::select(texts.to_vec()).prop_map(|text| Value::Text(text.to_owned()));
    prop_oneof![3 => texts, 1 => anything()]
}

fn status() -> impl Strategy<Value = Value> {
    let words = ["reserved", "planned", "documented", "accepted", "gone fishing", ""];
    let words = proptest::sample::select(words.to_vec()).prop_map(|text| Value::Text(text.to_owned()));
    prop_oneof![3 => words, 1 => anything()]
}

fn raw() -> impl Strategy<Value = Value> {
    let texts =
        ["{\"a\":1}", " {\"a\": [1, 2.50]} ", "{", "no json", "", "null", "[1]", "\"x\"", "{\"a\":1} 2"];
    let texts = proptest::sample::select(texts.to_vec()).prop_map(|text| Value::Text(text.to_owned()));
    prop_oneof![3 => texts, 1 => anything()]
}

/// The columns of a row besides its id and file.
fn row() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    let plain = [
        "code",
        "type",
        "line",
        "import_text",
        "reason_category",
        "reason",
        "suggestion",
        "owner",
        "ticket",
        "eta",
        "agent_id",
    ];
    let plain = proptest::collection::vec(anything(), plain.len())
        .prop_map(move |values| plain.into_iter().zip(values).collect::<Vec<_>>());
    (plain, status(), time(), time(), time(), raw()).prop_map(
        |(mut columns, status, created, modified, resolved, raw)| {
            columns.push(("status", status));
            columns.push(("created_at", created));
            columns.push(("modified_at", modified));
            columns.push(("resolved_at", resolved));
            columns.push(("raw", raw));
            columns
        },
    )
}

/// The rows of a file as JSON: from their columns, and by way of the API's types.
fn texts(app: &TestApp) -> (String, String) {
    let (mut small, mut whole) = (Vec::new(), Vec::new());
    let read = app.services.store.read(|view| {
        let list = IntentList::ByFile { file: "a.py", after: None };
        let shown = view.visit_intents(&list, 10, &mut |row| {
            small.push(serde_json::to_string(&IntentRowView(row)).expect("JSON"));
            true
        })?;
        assert!(shown);
        let rows = view.intents_by_file("a.py", None, 10)?;
        whole
            .extend(rows.into_iter().map(|row| serde_json::to_string(&IntentView::from(row)).expect("JSON")));
        Ok(())
    });
    read.expect("a view");
    (small.join(","), whole.join(","))
}

#[actix_web::test]
async fn a_small_list_is_the_whole_list_byte_by_byte_whatever_its_columns_hold() {
    let app = TestApp::new().await;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut compared = 0;
    for _ in 0..300 {
        let columns = row().new_tree(&mut runner).expect("a row").current();
        let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
        let marks = vec!["?"; names.len()].join(", ");
        let outside = app.outside();
        outside.execute("DELETE FROM intents", []).unwrap();
        let sql =
            format!("INSERT INTO intents (id, file, {}) VALUES ('x', 'a.py', {marks})", names.join(", "));
        let values = columns.iter().map(|(_, value)| value);
        // What a constraint of the schema keeps out is in no row.
        if outside.execute(&sql, rusqlite::params_from_iter(values)).is_err() {
            continue;
        }
        let (small, whole) = texts(&app);
        assert!(!whole.is_empty());
        assert_eq!(small, whole, "{columns:?}");
        compared += 1;
    }
    assert!(compared > 50, "{compared}");
}
