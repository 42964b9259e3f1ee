//! Adoption of a database of the original service: its keys keep working, its secrets are gone.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking as well")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::support::original::{FORGOTTEN, HAND_MADE, KEY, REVOKED, SECRETS};
use crate::support::{self, insert, open, open_error, options, pepper};
use api_keys::{PresentedKey, ScopeSet};
use audit::{Adopted, AdoptedDigest, LogRow, Verifier};
use llm_policy::Usage;
use registry_core::{IntentId, Status, Timestamp};
use rusqlite::Connection;
use storage::{OpenError, OpenMode, OpenReport, Store, UsageLine, UsageQuery};
use tempfile::TempDir;

struct Adoption {
    folder: TempDir,
    path: PathBuf,
}

impl Adoption {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("registry.db");
        support::original::write(&path);
        Self { folder, path }
    }

    /// Names of files whose bytes hold a secret.
    fn leaks(&self) -> Vec<String> {
        let holds = |path: &Path| {
            let bytes = fs::read(path).unwrap();
            SECRETS.iter().any(|secret| bytes.windows(secret.len()).any(|at| at == secret.as_bytes()))
        };
        let files = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        files
            .filter(|path| holds(path))
            .map(|path| path.file_name().unwrap().to_string_lossy().into())
            .collect()
    }

    fn open(&self) -> (Arc<dyn Store>, OpenReport) {
        open(&self.path).unwrap()
    }

    fn sql(&self, sql: &str) -> String {
        let read = |row: &rusqlite::Row<'_>| row.get::<_, Option<String>>(0);
        Connection::open(&self.path).unwrap().query_row(sql, [], read).unwrap().unwrap_or_default()
    }
}

#[test]
fn no_secret_is_left_in_any_file_but_the_copy() {
    let adoption = Adoption::new();
    assert_eq!(adoption.leaks(), ["registry.db"]);
    let (store, report) = adoption.open();
    let copy = report.adopted.unwrap().copy;
    let copy_name = copy.file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(adoption.leaks(), [copy_name.as_str()], "while it is open");
    store.close(Duration::from_mins(1)).unwrap();
    assert_eq!(adoption.leaks(), [copy_name.as_str()], "after the close");
}

#[test]
fn the_copy_is_the_database_as_it_was_and_its_owner_s_alone() {
    let adoption = Adoption::new();
    let (_store, report) = adoption.open();
    let copy = report.adopted.unwrap().copy;
    assert!(copy.to_string_lossy().contains("registry.db.original-2"), "{copy:?}");
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let conn = Connection::open(&copy).unwrap();
    let count: i64 =
        conn.query_row("SELECT count(*) FROM api_keys WHERE key = ?1", [KEY], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
    assert!(conn.prepare("SELECT version FROM intents").is_err(), "the copy was changed");
}

#[test]
fn adopted_keys_still_open_the_door() {
    let adoption = Adoption::new();
    let (store, report) = adoption.open();
    let report = report.adopted.unwrap();
    assert_eq!((report.keys, report.unusable_keys, report.intents, report.audit_rows), (3, 1, 2, 4));
    let found = |text: &str| {
        let (id, mac) = PresentedKey::parse(text).unwrap().identify(&pepper());
        let key = store.read(|view| view.key(&id)).unwrap().unwrap();
        let now = Timestamp::parse("2026-11-20T00:00:00Z").unwrap();
        (key.check(&mac, now).is_ok(), key)
    };
    let (good, key) = found(KEY);
    assert!(good);
    assert_eq!((key.agent_id.as_str(), key.version), ("agent-1", 1));
    assert_eq!(key.scopes, ScopeSet::default_grant());
    assert_eq!((key.daily_limit_pico_usd, key.daily_used_pico_usd), (12_500_000_000_000, 1_500_000_000_000));
    assert_eq!(key.created_at.to_string(), "2025-11-06T12:34:56.123456Z");
    assert_eq!(key.expires_at.unwrap().to_string(), "2099-01-01T00:00:00.000000Z");
    let (good, key) = found(REVOKED);
    assert!(!good && key.revoked && key.expires_at.is_none());
    assert_eq!(key.scopes.to_string(), "llm:call");
    let (good, key) = found(HAND_MADE);
    assert!(good && key.expires_at.is_none());
    assert_eq!(key.daily_limit_pico_usd, 9_000_000_000_000_000_000);
    assert_eq!(store.read(|view| view.keys(None, 10)).unwrap().len(), 3);
}

#[test]
fn intents_keep_what_they_say() {
    let adoption = Adoption::new();
    let (store, _) = adoption.open();
    let get = |id: &str| {
        let id = IntentId::new(id).unwrap();
        store.read(|view| view.intent(&id)).unwrap().unwrap()
    };
    let usual = get("usual");
    assert_eq!((usual.status, usual.line, usual.version), (Status::Planned, Some(3), 1));
    assert_eq!(usual.modified_at.to_string(), "2025-11-06T12:34:56.123456Z");
    let odd = get("odd");
    assert_eq!((odd.status, odd.stored_status.as_deref()), (Status::Reserved, Some("wip")));
    assert_eq!((odd.created_at, odd.line, odd.agent_id), (Timestamp::EPOCH, None, None));
    assert_eq!(adoption.sql("SELECT created_at FROM intents WHERE id = 'odd'"), "once");
    assert_eq!(adoption.sql("SELECT note FROM my_notes"), "mine");
    assert_eq!(
        adoption.sql("SELECT file || version FROM intents WHERE id = 'odd'"),
        "a.py2",
        "the path in its form"
    );
    assert_eq!(adoption.sql("SELECT CAST(count(*) AS TEXT) FROM outside_changes"), "0");
    assert_eq!(adoption.sql("SELECT my_column FROM intents WHERE id = 'odd'"), "mine");
    assert_eq!(adoption.sql("SELECT name FROM sqlite_schema WHERE name = 'my_index'"), "my_index");
    assert_eq!(adoption.sql("SELECT CAST(count(*) AS TEXT) FROM sqlite_schema WHERE name = 'idx_code'"), "0");
}

#[test]
fn the_log_names_keys_by_their_ids_and_genesis_vouches_for_it() {
    let adoption = Adoption::new();
    let (store, _) = adoption.open();
    let id_of = |text: &str| PresentedKey::parse(text).unwrap().key_id(&pepper()).into_string();
    assert_eq!(adoption.sql("SELECT api_key FROM audit_log WHERE id = 1"), id_of(KEY));
    assert_eq!(adoption.sql("SELECT body FROM audit_log WHERE id = 1"), r#"{"code": "F401"}"#);
    assert_eq!(adoption.sql("SELECT api_key FROM audit_log WHERE id = 3"), id_of(FORGOTTEN));
    assert_eq!(adoption.sql("SELECT api_key FROM llm_usage"), id_of(KEY));
    let revoke = format!("http://h:8001/admin/api_keys/{}?admin_token=[redacted]", id_of(REVOKED));
    assert_eq!(adoption.sql("SELECT path FROM audit_log WHERE id = 3"), revoke);
    insert(&*store, "new").unwrap();

    let (mut digest, mut verifier, mut genesis) = (AdoptedDigest::new(), Verifier::from_genesis(), None);
    let mut visit = |row: LogRow<'_>| {
        match &row {
            LogRow::Unplaced(adopted) => digest.push(&adopted.row),
            LogRow::Placed(placed) if placed.seq == Some(0) => genesis = Some(placed.record.clone()),
            LogRow::Placed(_) => {}
        }
        verifier.push_row(&row).unwrap();
    };
    store.read(|view| view.log_rows(i64::MIN, 100, &mut visit)).unwrap();
    assert_eq!(Adopted::claimed_by(&genesis.unwrap()), Some(digest.finish_as_claim()));
    assert!(verifier.finish_with(&store.read(|view| view.log_facts()).unwrap()).ok);
    let (page, _) = store.read(|view| view.audit_page(&storage::AuditQuery::default(), None, 100)).unwrap();
    assert_eq!(page.len(), 5);
}

#[test]
fn what_the_original_counted_is_listed() {
    let adoption = Adoption::new();
    let (store, _) = adoption.open();
    let (lines, _) = store.read(|view| view.usage_page(&UsageQuery::default(), None, 10)).unwrap();
    let expected = UsageLine {
        id: 1,
        timestamp: Timestamp::parse("2025-11-06T12:34:56.123456Z").unwrap(),
        key_id: PresentedKey::parse(KEY).unwrap().key_id(&pepper()).into_string(),
        agent_id: "agent-1".to_owned(),
        owner: None,
        model: "gpt-4o".to_owned(),
        provider: None,
        call_id: None,
        attempt: None,
        usage: Usage { prompt_tokens: 10, completion_tokens: 20, ..Usage::default() },
        cost_pico_usd: 250_000_000_000,
        price_version: None,
        source: None,
        outcome: None,
        overrun: false,
        late: false,
    };
    assert_eq!(lines, [expected]);
    assert_eq!(adoption.sql("SELECT timestamp FROM llm_usage"), "2025-11-06T12:34:56.123456Z");
    let flagged = UsageQuery { flagged: true, ..UsageQuery::default() };
    assert_eq!(store.read(|view| view.usage_page(&flagged, None, 10)).unwrap(), (vec![], None));
}

#[test]
fn a_fresh_database_and_an_adopted_one_have_the_same_schema() {
    let described = |path: &Path| -> Vec<String> {
        let conn = Connection::open(path).unwrap();
        let sql = "SELECT 'column ' || t.name || ' ' || c.cid || ' ' || c.name || ' ' || c.type || ' ' || \
                   c.\"notnull\" || ' ' || COALESCE(c.dflt_value, '') || ' ' || c.pk \
                   FROM sqlite_schema t, pragma_table_xinfo(t.name) c WHERE t.type = 'table' \
                   UNION ALL SELECT type || ' ' || name || ' ' || COALESCE(sql, '') FROM sqlite_schema \
                   WHERE type <> 'table' ORDER BY 1";
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let adoption = Adoption::new();
    // The user's own additions are not compared.
    Connection::open(&adoption.path)
        .unwrap()
        .execute_batch(
            "DROP TABLE my_notes; DROP INDEX my_index; ALTER TABLE intents DROP COLUMN my_column; VACUUM;",
        )
        .unwrap();
    drop(adoption.open());
    let fresh = support::TempStore::new();
    assert_eq!(described(&adoption.path), described(&fresh.path()));
}

#[test]
fn an_adoption_that_was_cut_off_is_done_again() {
    let adoption = Adoption::new();
    // Cut off while the copy was made: its part is left.
    fs::write(adoption.folder.path().join("registry.db.original-20250101T000000Z.part"), KEY).unwrap();
    let (store, report) = adoption.open();
    assert_eq!(report.adopted.unwrap().keys, 3);
    store.close(Duration::from_mins(1)).unwrap();
    assert_eq!(adoption.leaks().len(), 1, "{:?}", adoption.leaks());

    // Cut off between the commit and the scrubbing: secrets on free pages, and the mark.
    let conn = Connection::open(&adoption.path).unwrap();
    conn.execute_batch(&format!(
        "PRAGMA secure_delete = OFF; CREATE TABLE t (a); INSERT INTO t VALUES ('{KEY}{}'); DROP TABLE t;
         INSERT INTO meta VALUES ('scrub_pending', '1');",
        "x".repeat(9000)
    ))
    .unwrap();
    drop(conn);
    assert_eq!(adoption.leaks().len(), 2);
    let (store, report) = adoption.open();
    assert_eq!(report.adopted, None);
    store.close(Duration::from_mins(1)).unwrap();
    assert_eq!(adoption.leaks().len(), 1, "{:?}", adoption.leaks());
    assert_eq!(adoption.sql("SELECT count(*) || '' FROM meta WHERE name = 'scrub_pending'"), "0");
}

#[test]
fn a_second_opening_finds_it_adopted_and_adds_nothing() {
    let adoption = Adoption::new();
    let (store, first) = adoption.open();
    store.close(Duration::from_mins(1)).unwrap();
    drop(store);
    let (store, second) = adoption.open();
    assert_eq!((second.created, second.adopted.clone(), second.upgraded_from), (false, None, None));
    assert_eq!(second.log_id, first.log_id);
    assert_eq!(store.read(|view| view.next_seq()).unwrap(), 1);
}

#[test]
fn two_processes_may_adopt_at_once() {
    let adoption = Adoption::new();
    let reports: Vec<_> = std::thread::scope(|scope| {
        let opening: Vec<_> = (0..4).map(|_| scope.spawn(|| adoption.open())).collect();
        opening.into_iter().map(|opening| opening.join().unwrap()).collect()
    });
    assert_eq!(reports.iter().filter(|(_, report)| report.adopted.is_some()).count(), 1);
    for (n, (store, _)) in reports.iter().enumerate() {
        insert(&**store, &format!("from-{n}")).unwrap();
    }
    let keys = reports[0].0.read(|view| view.keys(None, 10)).unwrap();
    assert_eq!(keys.len(), 3);
}

#[test]
fn a_tool_does_not_adopt_and_names_the_command_that_does() {
    let adoption = Adoption::new();
    let before = fs::read(&adoption.path).unwrap();
    let pepper = pepper();
    let mut options = options(&adoption.path, &pepper);
    options.mode = OpenMode::Tool;
    let error = open_error(options);
    assert!(matches!(error, OpenError::Older { .. }));
    assert!(error.to_string().contains("t4 db migrate"), "{error}");
    assert_eq!(fs::read(&adoption.path).unwrap(), before, "the file was changed");
    let read = storage_sqlite::open_read_only(&adoption.path).map(drop);
    assert!(matches!(read, Err(OpenError::Older { .. })));
}
