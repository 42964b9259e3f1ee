//! Databases that can't be opened, and the messages that say what to do.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking as well")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::{TempStore, insert, open, open_error, options, pepper, verdict};
use api_keys::Pepper;
use audit::{AdoptedDigest, GENESIS_CHAIN, chain};
use registry_core::{KeyId, Timestamp};
use rusqlite::{Connection, params};
use storage::{KeyUsage, OpenError, OpenMode, UsageQuery};
use storage_sqlite::{SCHEMA_VERSION, has_pepper, open_read_only, recount};
use tempfile::TempDir;

fn by_hand(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

/// A number that somebody with the `sqlite3` tool asks for.
fn asked_by_hand(path: &Path, sql: &str) -> i64 {
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

fn refused(path: &Path) -> OpenError {
    open_error(options(path, &pepper()))
}

/// A registry that was closed.
fn registry(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("registry.db");
    open(&path).unwrap().0.close(Duration::from_mins(1)).unwrap();
    path
}

#[test]
fn a_missing_file_is_made_with_its_folders_for_its_owner_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a/b/registry.db");
    let (store, report) = open(&path).unwrap();
    assert!(report.created);
    assert_eq!(report.log_id.len(), 32);
    insert(&*store, "a").unwrap();
    for name in ["registry.db", "registry.db-wal", "registry.db-shm"] {
        let mode = fs::metadata(path.with_file_name(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn closing_leaves_one_file_and_an_empty_wal() {
    let folder = TempDir::new().unwrap();
    let path = registry(&folder);
    let wal = fs::metadata(path.with_file_name("registry.db-wal")).map_or(0, |wal| wal.len());
    assert_eq!(wal, 0);
    assert!(has_pepper(&path));
}

#[test]
fn a_newer_schema_is_refused_by_every_mode() {
    let folder = TempDir::new().unwrap();
    let path = registry(&folder);
    by_hand(&path, &format!("PRAGMA user_version = {}", SCHEMA_VERSION + 1));
    let error = refused(&path);
    assert!(matches!(&error, OpenError::Newer { found, known, .. } if found - known == 1), "{error}");
    assert!(matches!(open_read_only(&path).map(drop), Err(OpenError::Newer { .. })));
}

#[test]
fn an_older_schema_is_refused_by_tools() {
    let folder = TempDir::new().unwrap();
    let path = registry(&folder);
    by_hand(&path, "PRAGMA user_version = 2");
    let pepper = pepper();
    let mut options = options(&path, &pepper);
    options.mode = OpenMode::Tool;
    assert!(matches!(open_error(options), OpenError::Older { .. }));
    assert!(has_pepper(&path));
}

#[test]
fn a_tool_makes_a_missing_file() {
    let folder = TempDir::new().unwrap();
    let pepper = pepper();
    let mut options = options(&folder.path().join("registry.db"), &pepper);
    options.mode = OpenMode::Tool;
    assert!(storage_sqlite::SqliteStore::open(options).unwrap().1.created);
}

#[test]
fn an_upgrade_that_fails_leaves_the_file_as_it_was() {
    let folder = TempDir::new().unwrap();
    let path = registry(&folder);
    // The step to 3 makes triggers that are there already.
    by_hand(&path, "PRAGMA user_version = 2");
    assert!(matches!(refused(&path), OpenError::Failed { .. }));
    by_hand(&path, &format!("PRAGMA user_version = {SCHEMA_VERSION}"));
    open(&path).unwrap();
}

/// A registry as an older version left it, with a key and a row of usage of that time.
fn older_registry(folder: &TempDir, version: i64) -> PathBuf {
    let steps = [
        include_str!("../../../../migrations/sqlite/0001_original.sql"),
        include_str!("../../../../migrations/sqlite/0002_registry.sql"),
        include_str!("../../../../migrations/sqlite/0003_outside_changes.sql"),
        include_str!("../../../../migrations/sqlite/0004_ledger.sql"),
        include_str!("../../../../migrations/sqlite/0005_pre_pr.sql"),
        include_str!("../../../../migrations/sqlite/0006_quotas.sql"),
        include_str!("../../../../migrations/sqlite/0007_intents_by_file.sql"),
        include_str!("../../../../migrations/sqlite/0008_one_reading.sql"),
    ];
    let newest = registry(folder);
    let path = folder.path().join("older.db");
    for step in steps.iter().take(usize::try_from(version).unwrap()) {
        by_hand(&path, step);
    }
    by_hand(
        &path,
        &format!(
            "ATTACH '{}' AS newest; INSERT INTO meta SELECT * FROM newest.meta;
             DETACH newest;
             INSERT INTO api_keys (key, agent_id, mac, version, daily_limit, daily_limit_pico)
             VALUES ('t4_0123456789ab', 'a', '{}', 1, 5, 5000000000000);
             INSERT INTO llm_usage (timestamp, api_key, agent_id, model, prompt_tokens, completion_tokens, est_cost)
             VALUES ('2025-11-06T12:34:56.123456', 't4_0123456789ab', 'a', 'gpt-4o', 10, 20, 0.25);
             PRAGMA user_version = {version}",
            newest.display(),
            "01".repeat(32),
        ),
    );
    insert_old_genesis(&path);
    path
}

/// Writes the first row of a log as versions before 9 did, which stated no schema.
fn insert_old_genesis(path: &Path) {
    let conn = Connection::open(path).unwrap();
    let log_id: String =
        conn.query_row("SELECT value FROM meta WHERE name = 'log_id'", [], |row| row.get(0)).unwrap();
    let nothing = AdoptedDigest::new().finish_as_claim();
    let record = audit::genesis_record(Timestamp::EPOCH, &log_id, &nothing, None);
    let leaf = record.leaf();
    let sql = "INSERT INTO audit_log (v, seq, event, timestamp, actor, outcome, count, body_bytes, body_kept, detail, leaf, \
               chain) VALUES (1, 0, 'genesis', ?1, 'system', 'ok', 1, 0, 0, ?2, ?3, ?4)";
    let link = chain(&GENESIS_CHAIN, &leaf);
    conn.execute(sql, params![record.timestamp.to_string(), record.detail, leaf.as_bytes(), link.as_bytes()])
        .unwrap();
}

#[test]
fn an_older_registry_is_upgraded_and_keeps_what_it_has() {
    for version in 2..SCHEMA_VERSION {
        let folder = TempDir::new().unwrap();
        let path = older_registry(&folder, version);
        let (store, report) = open(&path).unwrap();
        assert_eq!((report.upgraded_from, report.created, report.adopted), (Some(version), false, None));
        let verdict = verdict(&*store);
        assert!(verdict.ok, "from {version}: {verdict:?}");
        assert_eq!(verdict.next_seq, 2, "the genesis row and one that states the schema");
        let schema = |path: &Path| -> Vec<String> {
            let conn = Connection::open(path).unwrap();
            let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY 1";
            let mut statement = conn.prepare(sql).unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        assert_eq!(schema(&path), schema(&folder.path().join("registry.db")));
        let key = store.read(|view| view.key(&KeyId::new("t4_0123456789ab").unwrap())).unwrap().unwrap();
        assert_eq!((key.version, key.daily_limit_pico_usd), (1, 5_000_000_000_000));
        let (lines, _) = store.read(|view| view.usage_page(&UsageQuery::default(), None, 10)).unwrap();
        assert_eq!((lines.len(), lines[0].cost_pico_usd), (1, 250_000_000_000));
    }
}

#[test]
fn an_upgrade_counts_what_each_key_has_stored() {
    // Version 6 brought the counts.
    for version in 2..6 {
        let folder = TempDir::new().unwrap();
        let path = older_registry(&folder, version);
        by_hand(
            &path,
            "INSERT INTO api_keys (key, agent_id, mac, version, revoked, created_at) VALUES
                 ('t4_0123456789aa', 'a', '02', 1, 1, '2020-01-01T00:00:00Z');
             INSERT INTO intents (id, code, type, reason, raw, status, agent_id, version) VALUES
                 ('one', 'F821', 'lint', 'ä', CAST('12' AS BLOB), 'planned', 'a', 1),
                 ('two', 'F821', 'lint', NULL, NULL, NULL, 'a', 3),
                 ('strange', 'F821', 'lint', 'r', NULL, NULL, 'nobody', 1),
                 ('adopted', 'F821', 'lint', 'r', NULL, NULL, NULL, 1);
             INSERT INTO idempotency (caller, operation, key, fingerprint, outcome, at) VALUES
                 ('t4_0123456789ab', 'op', 'k', x'00', 'ü', ''), ('admin', 'op', 'k', x'00', 'o', '');
             DELETE FROM outside_changes",
        );
        let (store, _) = open(&path).unwrap();
        let usage = |key: &str| store.read(|view| view.key_usage(&KeyId::new(key).unwrap())).unwrap();
        // The key that is still good, although the other is older.
        let kept = usage("t4_0123456789ab");
        let bytes = 2 * 128 + (3 + 4 + 4 + 2 + 2 + 7 + 1) + (3 + 4 + 4 + 1);
        assert_eq!((kept.intents, kept.intent_bytes), (2, bytes), "from {version}");
        assert_eq!((kept.idempotency_rows, kept.idempotency_bytes), (1, 128 + 2 + 1 + 2));
        assert_eq!(usage("t4_0123456789aa"), KeyUsage::default());
        recount(&path).unwrap();
        assert_eq!(usage("t4_0123456789ab"), kept);
        let noticed = asked_by_hand(&path, "SELECT count(*) FROM outside_changes");
        assert_eq!(noticed, 0, "the upgrade is no change from outside");
        let version: i64 = Connection::open(&path)
            .unwrap()
            .query_row("SELECT version FROM intents WHERE id = 'two'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(version, 3);
    }
}

/// An older registry with intents of two keys whose files are not in their form, more than a chunk of them.
fn with_files_as_they_came(folder: &TempDir, version: i64) -> PathBuf {
    let path = older_registry(folder, version);
    by_hand(
        &path,
        "INSERT INTO api_keys (key, agent_id, mac, version, created_at) VALUES ('t4_0123456789aa', 'b', '02', 1, '');
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
         INSERT INTO intents (id, code, type, file, status, modified_at, agent_id, version)
             SELECT 'many' || i, 'F821', 'lint', './src//m' || i || '.py', 'planned', '2026-01-01T00:00:00Z', 'a', 4 FROM n;
         INSERT INTO intents (id, code, type, file, status, agent_id, version) VALUES
             ('nfd', 'F821', 'lint', 'cafe' || char(769) || '.py', 'planned', 'b', 1),
             ('good', 'F821', 'lint', 'src/good.py', 'planned', 'b', 1),
             ('outside', 'F821', 'lint', '../a/../b.py', 'planned', 'b', 1),
             ('none', 'F821', 'lint', NULL, 'planned', 'b', 1),
             ('number', 'F821', 'lint', CAST('./x' AS BLOB), 'planned', 'b', 1),
             ('adopted', 'F821', 'lint', 'a/../b/.', 'planned', NULL, 1);
         DELETE FROM outside_changes",
    );
    if version >= 6 {
        by_hand(&path, "UPDATE intents SET created_by_key = 't4_0123456789ab', version = version + 1 WHERE agent_id = 'a';
             UPDATE intents SET created_by_key = 't4_0123456789aa', version = version + 1 WHERE agent_id = 'b'");
        let conn = Connection::open(&path).unwrap();
        let count = "INSERT INTO key_usage (key_id, intents, intent_bytes)
             SELECT created_by_key, count(*), sum(128 + octet_length(id) + 4 + 4 + ifnull(octet_length(file), 0) + 7 + 1)
             FROM intents WHERE created_by_key IS NOT NULL GROUP BY created_by_key";
        conn.execute_batch(count).unwrap();
    }
    path
}

type StoredFile = (String, Option<String>, i64, Option<String>);

fn stored_files(path: &Path) -> Vec<StoredFile> {
    let conn = Connection::open(path).unwrap();
    let sql = "SELECT id, CAST(file AS TEXT), version, modified_at FROM intents ORDER BY id";
    let mut statement = conn.prepare(sql).unwrap();
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    statement.query_map([], read).unwrap().map(Result::unwrap).collect()
}

#[test]
fn an_upgrade_gives_every_file_its_one_form_and_counts_it_so() {
    for version in 2..8 {
        let folder = TempDir::new().unwrap();
        let path = with_files_as_they_came(&folder, version);
        let before = stored_files(&path);
        let (store, _) = open(&path).unwrap();
        let after = stored_files(&path);
        assert_eq!(before.len(), after.len());
        for ((id, was, old, modified), (same, file, new, still)) in before.iter().zip(&after) {
            let expected = match id.as_str() {
                "nfd" => Some("caf\u{e9}.py".to_owned()),
                "outside" => Some("../b.py".to_owned()),
                "adopted" => Some("b".to_owned()),
                many if many.starts_with("many") => {
                    Some(format!("src/m{}.py", many.trim_start_matches("many")))
                }
                _ => was.clone(),
            };
            let moved = i64::from(expected != *was);
            assert_eq!((same, file, *new, still), (id, &expected, old + moved, modified), "from {version}");
        }
        let noticed = asked_by_hand(&path, "SELECT count(*) FROM outside_changes");
        assert_eq!(noticed, 0, "the upgrade is no change from outside");
        let usage = || {
            let of = |key: &str| store.read(|view| view.key_usage(&KeyId::new(key).unwrap())).unwrap();
            ["t4_0123456789ab", "t4_0123456789aa"].map(of)
        };
        let counted = usage();
        assert_eq!(counted.map(|usage| usage.intents), [2500, 5], "from {version}");
        recount(&path).unwrap();
        assert_eq!(usage(), counted, "from {version}");
        let covered = store.read(|view| view.intents_by_file("src/m7.py", None, 10)).unwrap();
        assert_eq!(covered.len(), 1);
    }
}

#[test]
fn an_upgrade_that_ends_among_the_files_leaves_them_all_as_they_were() {
    let folder = TempDir::new().unwrap();
    let path = with_files_as_they_came(&folder, 7);
    by_hand(
        &path,
        "CREATE TRIGGER stop BEFORE UPDATE OF file ON intents WHEN OLD.id = 'many2000'
                    BEGIN SELECT RAISE(ABORT, 'the power is gone'); END",
    );
    let before = stored_files(&path);
    assert!(matches!(refused(&path), OpenError::Failed { .. }));
    assert_eq!(stored_files(&path), before);
    by_hand(&path, "DROP TRIGGER stop");
    open(&path).unwrap();
}

#[test]
fn holds_and_usage_of_before_keep_their_key() {
    let folder = TempDir::new().unwrap();
    let path = older_registry(&folder, 7);
    let columns = "id, call_id, attempt, key_id, agent_id, operation, provider, model, rates, price_version, input_tokens, \
                   choices, amount_pico, accounts, created_at, lease_until, orphaned, by_agent";
    let rates = r#"{"input":1,"cached_input":1,"cache_write":1,"output":1}"#;
    by_hand(
        &path,
        &format!(
            "INSERT INTO llm_holds ({columns}) VALUES ('c.1', 'c', 1, 't4_a', 'a', 'chat', 'p', 'm', '{rates}', 'v', 1, 1, \
             7, '[]', '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', 0, 1);
             INSERT INTO llm_usage (hold_id, api_key) VALUES ('d.1', 't4_a')"
        ),
    );
    let (store, _) = open(&path).unwrap();
    let held = store.read(|view| view.holds(None, None, 10)).unwrap();
    assert_eq!((held.len(), held[0].key_id.as_str(), held[0].amount_pico_usd), (1, "t4_a", 7));
    by_hand(&path, "INSERT INTO llm_usage (hold_id, api_key) VALUES ('d.1', 't4_b')");
    let again = Connection::open(&path)
        .unwrap()
        .execute("INSERT INTO llm_usage (hold_id, api_key) VALUES ('d.1', 't4_a')", []);
    assert!(again.is_err());
}

#[test]
fn another_pepper_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = registry(&folder);
    let other = Pepper::from_text("another pepper for the same tests").unwrap();
    assert!(matches!(open_error(options(&path, &other)), OpenError::WrongPepper { .. }));
    open(&path).unwrap();
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notes.txt");
    let text = "these are my notes, and they are rather long. ".repeat(100);
    fs::write(&path, &text).unwrap();
    assert!(matches!(refused(&path), OpenError::NotADatabase { .. }));
    assert!(matches!(open_read_only(&path).map(drop), Err(OpenError::NotADatabase { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    assert!(matches!(refused(folder.path()), OpenError::NotADatabase { .. }));
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    for (name, sql) in [
        ("tables.db", "CREATE TABLE customers (id)"),
        ("version.db", "CREATE TABLE intents (id); PRAGMA user_version = 7"),
    ] {
        let path = folder.path().join(name);
        by_hand(&path, sql);
        let before = fs::read(&path).unwrap();
        assert!(matches!(refused(&path), OpenError::Foreign { .. }), "{name}");
        assert_eq!(fs::read(&path).unwrap(), before, "{name}");
    }
}

#[test]
fn a_damaged_file_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = registry(&folder);
    let mut bytes = fs::read(&path).unwrap();
    // The page of the schema, behind the header.
    bytes[100..4000].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let error = refused(&path);
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
}

#[test]
fn a_file_that_stays_locked_is_refused_after_a_while() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("registry.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; CREATE TABLE intents (id)").unwrap();
    let error = refused(&path);
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
}

#[test]
fn a_place_that_can_t_be_written_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(refused(&file.join("sub/registry.db")), OpenError::Folder { .. }));
    let missing = folder.path().join("registry.db");
    assert!(matches!(open_read_only(&missing).map(drop), Err(OpenError::Missing { .. })));
    assert!(!missing.exists());
    assert!(!has_pepper(&missing));
}

#[test]
fn reading_alone_changes_no_byte() {
    let store = TempStore::new();
    insert(&*store.store(), "a").unwrap();
    let before = fs::read(store.path()).unwrap();
    let wal = store.path().with_file_name("registry.db-wal");
    let wal_before = fs::read(&wal).unwrap();
    let found = open_read_only(&store.path()).unwrap().read(|view| view.next_seq()).unwrap();
    assert_eq!(found, 1);
    assert_eq!(fs::read(store.path()).unwrap(), before);
    assert_eq!(fs::read(&wal).unwrap(), wal_before);
}

#[test]
fn four_may_open_a_new_file_at_once() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("registry.db");
    let opened: Vec<_> = std::thread::scope(|scope| {
        let opening: Vec<_> = (0..4).map(|_| scope.spawn(|| open(&path).unwrap())).collect();
        opening.into_iter().map(|opening| opening.join().unwrap()).collect()
    });
    assert_eq!(opened.iter().filter(|(_, report)| report.created).count(), 1);
    assert!(opened.iter().all(|(_, report)| report.log_id == opened[0].1.log_id));
    assert_eq!(opened[0].0.read(|view| view.next_seq()).unwrap(), 1);
}
