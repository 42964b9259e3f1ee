//! A database in trouble: one sentence at start, 503 while it lasts, nothing lost afterwards.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use t4_tests::process::{Server, Start, eventually};

/// A folder with a database that a server has made and left.
fn left(folder: &Path) -> String {
    let server = Server::start(folder);
    let (key, _) = server.key("agent");
    assert_eq!(server.agent(&key, "POST", "/intents", r#"{"id":"kept","code":"F821"}"#).status, 201);
    assert!(server.stop(Duration::from_secs(20)).success());
    key
}

fn refused(folder: &Path, says: &str) {
    let (code, said) = Start::at(folder).refusal();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains(says), "expected `{says}` in: {said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("intent-api:")).count(), 1, "{said}");
}

#[test]
fn a_corrupt_database_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    left(folder.path());
    fs::write(folder.path().join("registry.db"), b"this is no database, whatever its name says").unwrap();
    refused(folder.path(), "registry.db");
}

#[test]
fn a_database_of_a_newer_program_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    left(folder.path());
    let db = rusqlite::Connection::open(folder.path().join("registry.db")).unwrap();
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    db.execute_batch("PRAGMA user_version = 999").unwrap();
    refused(folder.path(), "schema 999");
    db.execute_batch(&format!("PRAGMA user_version = {version}")).unwrap();
    drop(db);
    Server::start(folder.path()).assert_log_verifies();
}

#[test]
fn another_pepper_is_refused_because_no_key_would_fit() {
    let folder = tempfile::tempdir().unwrap();
    let key = left(folder.path());
    let pepper = folder.path().join("registry.db.pepper");
    let right = fs::read(&pepper).unwrap();
    fs::write(&pepper, "another pepper of more than thirty-two characters").unwrap();
    refused(folder.path(), "pepper");
    fs::remove_file(&pepper).unwrap();
    refused(folder.path(), "pepper");
    fs::write(&pepper, right).unwrap();
    fs::set_permissions(&pepper, fs::Permissions::from_mode(0o600)).unwrap();
    let server = Server::start(folder.path());
    assert_eq!(server.agent(&key, "GET", "/intents/kept", "").status, 200);
}

#[test]
fn a_secret_file_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    left(folder.path());
    let pepper = folder.path().join("registry.db.pepper");
    fs::set_permissions(&pepper, fs::Permissions::from_mode(0o644)).unwrap();
    refused(folder.path(), "chmod 600");
}

#[test]
fn a_database_locked_for_ten_seconds_costs_writes_503_and_reads_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    assert_eq!(server.agent(&key, "POST", "/intents", r#"{"id":"before","code":"F821"}"#).status, 201);
    let lock = rusqlite::Connection::open(server.db()).unwrap();
    lock.busy_timeout(Duration::from_secs(5)).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let locked = Instant::now();
    let refused = server.agent(&key, "POST", "/intents", r#"{"id":"during","code":"F821"}"#);
    assert_eq!((refused.status, refused.code().as_str()), (503, "store_locked"), "{}", refused.body);
    assert_eq!(refused.header("retry-after"), Some("1"));
    while locked.elapsed() < Duration::from_secs(10) {
        assert_eq!(server.agent(&key, "GET", "/intents/before", "").status, 200);
    }
    lock.execute_batch("ROLLBACK").unwrap();
    eventually("writes go on", Duration::from_secs(10), || {
        (server.agent(&key, "POST", "/intents", r#"{"id":"after","code":"F821"}"#).status < 300).then_some(())
    });
    assert_eq!(server.agent(&key, "GET", "/intents/during", "").status, 404, "a refused write left something");
    // The rows of the reads waited and are written now; the refused write has its row too.
    eventually("the rows are written", Duration::from_secs(10), || {
        let db = rusqlite::Connection::open(server.db()).unwrap();
        let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        let refused = count("SELECT COUNT(*) FROM audit_log WHERE outcome = 'store_locked'");
        let reads = count("SELECT COUNT(*) FROM audit_log WHERE path = '/intents/before'");
        (refused == 1 && reads > 10).then_some(())
    });
    server.assert_log_verifies();
}

#[test]
fn a_full_disk_costs_writes_503_and_mends_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path(), "6m") else {
        // Only root may mount. The store's own suite fills a database by SQLite's page limit everywhere.
        assert!(!is_root(), "root could not mount a small disk");
        return;
    };
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    let large = "x".repeat(9_000);
    let mut kept = 0;
    let refused = loop {
        let body = format!(r#"{{"id":"full-{kept}","code":"F821","reason":"{large}"}}"#);
        let answer = server.agent(&key, "POST", "/intents", &body);
        if answer.status != 201 {
            break answer;
        }
        kept += 1;
        assert!(kept < 10_000, "the disk does not fill");
    };
    assert_eq!((refused.status, refused.code().as_str()), (503, "store_unavailable"), "{}", refused.body);
    let last = format!("/intents/full-{}", kept - 1);
    assert_eq!(server.agent(&key, "GET", &last, "").status, 200, "an acknowledged intent is gone");
    disk.grow("64m");
    eventually("writes go on", Duration::from_secs(20), || {
        let body = r#"{"id":"after","code":"F821"}"#;
        (server.agent(&key, "POST", "/intents", body).status < 300).then_some(())
    });
    for n in 0..kept {
        assert_eq!(server.agent(&key, "GET", &format!("/intents/full-{n}"), "").status, 200);
    }
    server.assert_log_verifies();
    assert!(server.stop(Duration::from_secs(20)).success());
}

fn is_root() -> bool {
    let id = std::process::Command::new("id").arg("-u").output().expect("id");
    id.stdout == b"0\n"
}

/// A file system in memory of a fixed size.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(at);
        mount.output().ok()?.status.success().then(|| Self(at.to_owned()))
    }

    fn grow(&self, size: &str) {
        let mut mount = std::process::Command::new("mount");
        mount.args(["-o", &format!("remount,size={size}")]).arg(&self.0);
        assert!(mount.status().expect("mount").success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
