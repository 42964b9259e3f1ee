use proptest::prelude::*;
use registry_core::{Status, covers};
use rusqlite::StatementStatus;

use super::*;

const FILE: &str = "a.py";

/// What a row says: code, line, status as stored.
type Said = (&'static str, Option<i64>, Option<&'static str>);

fn rows() -> impl Strategy<Value = Vec<Said>> {
    let code = prop::sample::select(vec!["A", "B", "C", "D", "E"]);
    let line = prop::option::of(-2..4_i64);
    let status = prop::sample::select(vec![
        None,
        Some("reserved"),
        Some("planned"),
        Some("committed"),
        Some("implemented"),
        Some("accepted"),
        Some("documented"),
        Some("expired"),
        Some("EXPIRED"),
        Some("wip"),
        Some(""),
    ]);
    // Most files are neither covered nor small, so that what waits is looked for by code.
    let waiting = prop::sample::select(vec![None, Some("reserved"), Some("wip"), Some("expired")]);
    let row = prop_oneof![1 => (code.clone(), line.clone(), status), 30 => (code, line, waiting)];
    prop_oneof![prop::collection::vec(row.clone(), 0..6), prop::collection::vec(row, 60..200)]
}

fn registry(rows: &[Said]) -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    for step in crate::migrate::steps::STEPS {
        conn.execute_batch(step).unwrap();
    }
    for (n, (code, line, status)) in rows.iter().enumerate() {
        // Ids in no order of their own.
        let id = format!("{:03}-{n}", n * 7919 % 1000);
        conn.execute(
            "INSERT INTO intents (id, code, type, file, line, status, created_at, modified_at, version) \
             VALUES (?1, ?2, 'lint', ?3, ?4, ?5, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 1)",
            params![id, code, FILE, line, status],
        )
        .unwrap();
    }
    conn
}

/// The rule as it was before the indexes: every row of the file, by line and id.
fn by_all_rows(conn: &Connection, codes: &[String]) -> (bool, Option<String>) {
    let sql = "SELECT id, status, code FROM intents WHERE file = ?1 ORDER BY line, id";
    let mut statement = conn.prepare(sql).unwrap();
    let mut rows = statement.query([FILE]).unwrap();
    let mut waiting = None;
    while let Some(row) = rows.next().unwrap() {
        let (id, code): (String, String) = (row.get(0).unwrap(), row.get(2).unwrap());
        let status = Status::read(row.get::<_, Option<String>>(1).unwrap().as_deref()).status;
        if covers(status, &code, codes) {
            return (true, None);
        }
        let fits = codes.is_empty() || codes.contains(&code);
        if waiting.is_none() && status == Status::Reserved && fits {
            waiting = Some(id);
        }
    }
    (false, waiting)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_indexed_answer_is_that_of_all_rows(
        rows in rows(), wanted in prop::collection::vec(prop::sample::select(vec!["A", "B", "D", "none"]), 0..4)
    ) {
        let conn = registry(&rows);
        let wanted: Vec<String> = wanted.into_iter().map(str::to_owned).collect();
        let found = coverage(&conn, FILE, &wanted.iter().cloned().collect()).unwrap();
        let (covered, waiting) = by_all_rows(&conn, &wanted);
        prop_assert_eq!(found == Coverage::Covered, covered);
        let reused = match found {
            Coverage::Reserved(intent) => Some(intent.id.into_string()),
            Coverage::Covered | Coverage::Missing => None,
        };
        let crowd = wanted.is_empty() && rows.len() > usize::try_from(FEW).unwrap();
        // For any code a crowd may be represented by another one that waits.
        prop_assert!(if crowd { reused.is_some() == waiting.is_some() } else { reused == waiting }, "{:?} {:?}", reused, waiting);
    }
}

#[test]
fn a_crowd_costs_no_more_than_a_few() {
    let crowd: Vec<Said> = (0..5000).map(|n| ("A", Some(n), Some("reserved"))).collect();
    let conn = registry(&crowd);
    let steps = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = std::sync::Arc::clone(&steps);
    let count = move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        false
    };
    conn.progress_handler(10, Some(count)).unwrap();
    let codes: BTreeSet<String> = (0..20).map(|n| format!("Z{n}")).collect();
    assert_eq!(coverage(&conn, FILE, &codes).unwrap(), Coverage::Missing);
    let steps = steps.load(std::sync::atomic::Ordering::Relaxed) * 10;
    assert!(steps < 2_000, "{steps} steps of SQLite's machine for {} rows", crowd.len());
}

/// Without the setting SQLite plans them again for every file, which takes ten times as long as the look itself.
#[test]
fn a_statement_is_not_planned_again_for_another_file() {
    let conn = registry(&[]);
    crate::pragmas::keep_plans(&conn).unwrap();
    for codes in [BTreeSet::new(), BTreeSet::from(["A".to_owned()])] {
        for file in ["a.py", "b.py", "c.py"] {
            coverage(&conn, file, &codes).unwrap();
        }
    }
    for sql in [COVERING, COVERING_CODE, WAITING, WAITING_CODE] {
        let statement = conn.prepare_cached(sql).unwrap();
        assert!(statement.get_status(StatementStatus::Run) > 0, "{sql}");
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
    }
}
