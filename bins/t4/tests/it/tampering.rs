//! Random changes of the audit log, its schema and the facts that the database states about it: verification finds
//! all of them except rows cut off at the end.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::database::Database;

/// How many changes are tried.
const CHANGES: u64 = 10_000;

/// Numbers that follow from a seed (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

const COLUMNS: [&str; 23] = [
    "id",
    "timestamp",
    "api_key",
    "agent_id",
    "path",
    "method",
    "status_code",
    "ip",
    "body",
    "v",
    "seq",
    "event",
    "request_id",
    "actor",
    "route",
    "outcome",
    "count",
    "body_bytes",
    "body_kept",
    "body_sha256",
    "detail",
    "leaf",
    "chain",
];

const TABLES: [&str; 5] = ["audit_log", "intents", "meta", "key_usage", "api_keys"];

/// A value that a column may be set to; `{c}` is the column, `{o}` another one, `{r}` another row.
const VALUES: [&str; 24] = [
    "NULL",
    "0",
    "1",
    "-1",
    "9223372036854775807",
    "-9223372036854775808",
    "0.5",
    "1e300",
    "''",
    "'x'",
    "'0'",
    "x''",
    "x'00'",
    "zeroblob(32)",
    "CAST({c} AS BLOB)",
    "CAST({c} AS TEXT)",
    "CAST({c} AS REAL)",
    "{c} || 'x'",
    "{c} || char(0)",
    "upper({c})",
    "replace({c}, 'a', 'b')",
    "{o}",
    "(SELECT {c} FROM audit_log WHERE id = {r})",
    "{c} + 1",
];

/// A random change, as SQL.
fn change(numbers: &mut Numbers, rows: usize) -> String {
    let row = numbers.below(rows) + 1;
    let other = numbers.below(rows) + 1;
    let table = numbers.one_of(&TABLES);
    match numbers.below(20) {
        0..=9 => {
            let (column, another) = (numbers.one_of(&COLUMNS), numbers.one_of(&COLUMNS));
            let value = numbers.one_of(&VALUES);
            let value =
                value.replace("{c}", column).replace("{o}", another).replace("{r}", &other.to_string());
            let which = match numbers.below(4) {
                0 => format!("id >= {row}"),
                1 => format!("id = {row} OR id = {other}"),
                _ => format!("id = {row}"),
            };
            format!("UPDATE OR REPLACE audit_log SET {column} = {value} WHERE {which}")
        }
        10 => format!("DELETE FROM audit_log WHERE id = {row}"),
        11 => format!("DELETE FROM audit_log WHERE id >= {row}"),
        12 => {
            let (id, seq) = (numbers.one_of(&["NULL", "-1", "0", "1000", "-9223372036854775808"]), numbers.one_of(&["NULL", "seq", "-1"]));
            format!(
                "CREATE TEMP TABLE copied AS SELECT * FROM audit_log WHERE id = {row}; \
                 UPDATE copied SET id = {id}, seq = {seq}; INSERT INTO audit_log SELECT * FROM copied; \
                 DROP TABLE copied"
            )
        }
        13 => {
            let column = numbers.one_of(&["id", "seq"]);
            format!(
                "UPDATE audit_log SET {column} = -77 WHERE id = {row}; \
                 UPDATE audit_log SET {column} = {row} WHERE {column} = {other}; \
                 UPDATE audit_log SET {column} = {other} WHERE {column} = -77"
            )
        }
        14 => {
            let (when, act) = (numbers.one_of(&["BEFORE", "AFTER"]), numbers.one_of(&["INSERT", "UPDATE", "DELETE"]));
            let does = numbers.one_of(&["SELECT 1", "SELECT RAISE(IGNORE)", "DELETE FROM audit_log WHERE id = NEW.id"]);
            let does = if act == "DELETE" { does.replace("NEW", "OLD") } else { does.to_owned() };
            format!("CREATE TRIGGER t{row} {when} {act} ON {table} BEGIN {does}; END")
        }
        15 => {
            let kind = numbers.one_of(&["trigger", "index"]);
            format!("@drop {kind} {}", numbers.next() % 64)
        }
        16 => numbers
            .one_of(&[
                "CREATE INDEX i1 ON audit_log (agent_id)",
                "CREATE UNIQUE INDEX i2 ON audit_log (id) WHERE id < 3",
                "CREATE VIEW v1 AS SELECT * FROM audit_log",
                "CREATE TABLE t1 (id)",
                "DROP TABLE audit_checkpoints",
                "REINDEX; ANALYZE; VACUUM",
            ])
            .to_owned(),
        17 => numbers
            .one_of(&[
                "ALTER TABLE audit_log ADD COLUMN more TEXT DEFAULT 'x'",
                "ALTER TABLE audit_log ADD COLUMN made TEXT AS (agent_id || 'x') VIRTUAL",
                "ALTER TABLE audit_log RENAME COLUMN outcome TO result",
                "ALTER TABLE audit_log DROP COLUMN ip",
                "ALTER TABLE audit_log RENAME TO audit_real; \
                 CREATE VIEW audit_log AS SELECT * FROM audit_real WHERE id <> 7",
                "ALTER TABLE intents ADD COLUMN more TEXT",
            ])
            .to_owned(),
        18 => format!(
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'TEXT', 'TEXT COLLATE NOCASE') \
             WHERE name = '{table}'; PRAGMA writable_schema = OFF"
        ),
        _ => numbers
            .one_of(&[
                "UPDATE meta SET value = 'other' WHERE name = 'log_id'",
                "DELETE FROM meta WHERE name = 'log_id'",
                "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'intents_outside_insert'; \
                 PRAGMA writable_schema = OFF",
                "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES ('trigger', 'sqlite_stat1', \
                 'audit_log', 0, 'CREATE TRIGGER sqlite_stat1 AFTER INSERT ON audit_log BEGIN SELECT 1; END'); \
                 PRAGMA writable_schema = OFF",
                "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'audit_log'",
            ])
            .to_owned(),
    }
}

/// The change with the name of an object that is there in place of `@drop`.
fn spelled(conn: &Connection, sql: String) -> String {
    let Some(rest) = sql.strip_prefix("@drop ") else { return sql };
    let (kind, number) = rest.split_once(' ').unwrap();
    let mut statement = conn
        .prepare("SELECT name FROM sqlite_schema WHERE type = ?1 AND sql IS NOT NULL ORDER BY name")
        .unwrap();
    let names: Vec<String> =
        statement.query_map([kind], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    format!("DROP {kind} {}", names[number.parse::<usize>().unwrap() % names.len()])
}

/// What is protected, apart from where it is stored: each row of the log with the types of its columns, then the schema
/// and the name of the log. `None` when it can't be read any more.
fn dump(path: &Path) -> Option<(Vec<String>, String)> {
    let conn = Connection::open(path).ok()?;
    let texts = |sql: &str| -> Option<Vec<String>> {
        let mut statement = conn.prepare(sql).ok()?;
        let width = statement.column_count();
        let mut rows = statement.query([]).ok()?;
        let mut texts = Vec::new();
        while let Some(row) = rows.next().ok()? {
            let cell = |index| match row.get_ref(index).unwrap() {
                ValueRef::Real(number) => format!("real {}", number.to_bits()),
                other => format!("{other:?}"),
            };
            texts.push((0..width).map(cell).collect::<Vec<_>>().join(" "));
        }
        Some(texts)
    };
    let log = texts(&format!("SELECT {} FROM audit_log NOT INDEXED ORDER BY id", COLUMNS.join(", ")))?;
    let schema = texts(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema \
         WHERE NOT (type = 'table' AND name GLOB 'sqlite_stat*') ORDER BY 1, 2",
    )?;
    let name = texts("SELECT value FROM meta WHERE name = 'log_id'")?;
    Some((log, [schema, name].concat().join("\n")))
}

/// Whether verification says that all is well. A file that can't be verified is not well.
fn verifies(path: &Path) -> bool {
    let Ok(file) = storage_sqlite::open_read_only(path) else { return false };
    control_plane::verify_log(&mut |f| file.view(f), &[], &mut |_| ()).is_ok_and(|verdict| verdict.ok)
}

#[test]
fn ten_thousand_random_changes_are_found_but_for_rows_cut_off_at_the_end() {
    let database = Database::original(4);
    assert_eq!(database.t4(&["db", "migrate"]).code, Some(0));
    database.append(5);
    // A log with an accepted schema in its middle.
    database.sql("CREATE TRIGGER mine AFTER INSERT ON meta BEGIN SELECT 1; END");
    let review = storage_sqlite::review_schema(&database.path()).unwrap();
    storage_sqlite::accept_schema(&database.path(), &review.sha256, registry_core::Timestamp::EPOCH)
        .unwrap()
        .unwrap();
    database.append(6);
    database.sql("PRAGMA journal_mode = DELETE");
    assert!(verifies(&database.path()));
    let (log, rest) = dump(&database.path()).unwrap();
    let whole = fs::read(database.path()).unwrap();

    let (same, cut, found) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let threads = u64::try_from(std::thread::available_parallelism().map_or(2, usize::from)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let path = database.folder().join(format!("{thread}.db"));
            let (log, rest, whole, same, cut, found) = (&log, &rest, &whole, &same, &cut, &found);
            scope.spawn(move || {
                for seed in (thread..CHANGES).step_by(usize::try_from(threads).unwrap()) {
                    fs::write(&path, whole).unwrap();
                    let mut numbers = Numbers(seed);
                    let conn = Connection::open(&path).unwrap();
                    conn.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY").unwrap();
                    let mut done = Vec::new();
                    for _ in 0..=numbers.below(3) {
                        let sql = spelled(&conn, change(&mut numbers, log.len()));
                        // Some can't be done, or not after another one.
                        drop(conn.execute_batch(&sql));
                        done.push(sql);
                    }
                    drop(conn);
                    let after = dump(&path);
                    let unchanged = after.as_ref().is_some_and(|after| after == &(log.clone(), rest.clone()));
                    let tail_is_gone = after.as_ref().is_some_and(|(rows, others)| {
                        // Not before the newest statement of the schema, which is row 11.
                        rest == others && rows.len() >= 11 && log.starts_with(rows)
                    });
                    let well = verifies(&path);
                    assert_eq!(well, unchanged || tail_is_gone, "seed {seed}: {done:#?}");
                    let kind = if unchanged {
                        same
                    } else if well {
                        cut
                    } else {
                        found
                    };
                    kind.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let counts = [same, cut, found].map(AtomicUsize::into_inner);
    assert_eq!(counts.iter().sum::<usize>(), usize::try_from(CHANGES).unwrap());
    assert!(counts[2] > 7_000, "most of the changes must change something: {counts:?}");
    assert!(counts[1] > 50, "{counts:?}");
}
