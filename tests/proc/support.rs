//! What the tests of this binary share.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use t4_tests::process;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_owned()
}

/// Runs SQL on a file as a runbook does: by the `sqlite3` tool, or by rusqlite where the tool is missing. The tool does
/// not wait for another's lock; a person would type the command again, and so does this.
pub fn sqlite3(db: &Path, sql: &str) -> String {
    process::eventually("the database is free for sqlite3", Duration::from_secs(5), || {
        let output = match Command::new("sqlite3").arg(db).arg(sql).output() {
            Err(_) => return Some(by_rusqlite(db, sql)),
            Ok(output) => output,
        };
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        if error.contains("locked") {
            return None;
        }
        assert!(output.status.success(), "{sql}: {error}");
        Some(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    })
}

/// Opens a file with patience.
pub fn open(db: &Path) -> Connection {
    let conn = Connection::open(db).expect("the database opens");
    conn.busy_timeout(Duration::from_secs(5)).expect("a timeout");
    conn
}

fn by_rusqlite(db: &Path, sql: &str) -> String {
    rows(&open(db), sql).iter().map(|row| row.join("|")).collect::<Vec<_>>().join("\n")
}

/// The rows of a query as texts; null is empty.
pub fn rows(conn: &Connection, sql: &str) -> Vec<Vec<String>> {
    let mut statement = conn.prepare(sql).expect("the query is right");
    let width = statement.column_count();
    let texts = |row: &rusqlite::Row<'_>| (0..width).map(|n| row.get_ref(n).map(text)).collect();
    let found = statement.query_map([], texts).expect("rows");
    found.collect::<Result<_, _>>().expect("rows")
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// The one number of a query.
pub fn number(db: &Path, sql: &str) -> i64 {
    open(db).query_row(sql, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Whether a file of a folder holds these bytes, and which.
pub fn files_with(folder: &Path, needle: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, needle));
        } else {
            // A file may go while it is looked at.
            let bytes = std::fs::read(&path).unwrap_or_default();
            if bytes.windows(needle.len()).any(|part| part == needle.as_bytes()) {
                found.push(path);
            }
        }
    }
    found
}

/// Says that it is over when it is dropped, by a panic as well: a scope waits for its threads.
pub struct SayOver<'a>(pub &'a AtomicBool);

impl Drop for SayOver<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs something and says how long it took.
pub fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let value = run();
    (value, begun.elapsed())
}

/// One sample of a metrics page.
pub fn metric(page: &str, sample: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ')?.parse().ok())
}
