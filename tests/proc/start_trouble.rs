//! A server that can't start says why in one sentence, ends with 3, and leaves everything as it was.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use t4_tests::process::{Server, Start, binary};

use crate::support::{number, open, timed};

/// A folder with a closed registry that holds one intent.
fn registry() -> (tempfile::TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    assert_eq!(server.register(&key, "kept").status, 201);
    let db = server.db();
    assert_eq!(server.stop(Duration::from_secs(15)).code(), Some(0));
    (folder, db, key)
}

/// Starts a server that must refuse, and compares the file before and after.
fn refuses(start: Start, db: &Path, words: &[&str]) {
    let before = fs::read(db).ok();
    let (code, said) = start.refusal();
    assert_eq!(code, Some(3), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    assert!(before == fs::read(db).ok(), "the file has changed");
}

#[test]
fn a_missing_database_is_made_with_its_folders_and_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Start::at(folder.path()).db("a/b/registry.db").server();
    let (key, _) = server.key("agent");
    assert_eq!(server.register(&key, "first").status, 201);
    for name in ["registry.db", "registry.db-wal", "registry.db.pepper"] {
        let mode = fs::metadata(folder.path().join("a/b").join(name)).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("registry.db");
    fs::write(&db, "these are no pages of a database\n".repeat(500)).unwrap();
    refuses(Start::at(folder.path()), &db, &["registry.db", "not an SQLite database"]);
    fs::remove_file(&db).unwrap();
    fs::create_dir(&db).unwrap();
    refuses(Start::at(folder.path()), &db, &["registry.db"]);
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("registry.db");
    open(&db).execute_batch("CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup')").unwrap();
    refuses(Start::at(folder.path()), &db, &["registry.db", "another program"]);
}

#[test]
fn a_truncated_database_is_refused_and_left_alone() {
    let (folder, db, _) = registry();
    let whole = fs::read(&db).unwrap();
    for length in [whole.len() / 2, whole.len() - 4096, 4096, 1000] {
        fs::write(&db, &whole[..length]).unwrap();
        refuses(Start::at(folder.path()), &db, &["registry.db"]);
    }
    // With the file back, everything is there.
    fs::write(&db, &whole).unwrap();
    let server = Server::start(folder.path());
    assert_eq!(number(&server.db(), "SELECT COUNT(*) FROM intents"), 1);
    server.assert_log_verifies();
}

#[test]
fn a_database_with_torn_pages_is_refused_or_named_damaged_and_never_serves_wrong_rows() {
    let (folder, db, key) = registry();
    let whole = fs::read(&db).unwrap();
    let mut torn = whole.clone();
    let from = 4096;
    for (n, byte) in torn[from..].iter_mut().enumerate() {
        *byte ^= u8::try_from(n % 251).unwrap() | 1;
    }
    fs::write(&db, &torn).unwrap();
    let (code, said) = Start::at(folder.path()).refusal();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("damaged") || said.contains("can't be opened"), "{said}");
    fs::write(&db, &whole).unwrap();
    let server = Server::start(folder.path());
    assert_eq!(server.agent(&key, "GET", "/intents/kept", "").status, 200);
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let (folder, db, _) = registry();
    open(&db).execute_batch("PRAGMA user_version = 999").unwrap();
    refuses(Start::at(folder.path()), &db, &["schema 999", "use the version that wrote it"]);
    let version = number(&db, "PRAGMA user_version");
    assert_eq!(version, 999);
}

#[test]
fn another_pepper_and_a_missing_pepper_are_told_apart() {
    let (folder, db, key) = registry();
    let pepper = folder.path().join("registry.db.pepper");
    let right = fs::read_to_string(&pepper).unwrap();
    let wrong: String = right.trim().chars().rev().collect();
    fs::write(&pepper, wrong).unwrap();
    refuses(Start::at(folder.path()), &db, &["registry.db", "another pepper"]);
    fs::remove_file(&pepper).unwrap();
    refuses(Start::at(folder.path()), &db, &["pepper file", "does not", "T4_KEY_PEPPER_FILE"]);
    assert!(!pepper.exists(), "no new pepper takes the place of the missing one");
    fs::write(&pepper, "short").unwrap();
    fs::set_permissions(&pepper, Permissions::from_mode(0o600)).unwrap();
    refuses(Start::at(folder.path()), &db, &["pepper", "weak"]);
    fs::write(&pepper, right).unwrap();
    let server = Server::start(folder.path());
    assert_eq!(server.agent(&key, "GET", "/intents/kept", "").status, 200);
}

#[test]
fn a_database_that_another_process_holds_is_waited_for_and_then_named() {
    let (folder, db, _) = registry();
    let other = open(&db);
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    let ((code, said), took) = timed(|| Start::at(folder.path()).refusal());
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("locked by another process"), "{said}");
    assert!(took > Duration::from_secs(4) && took < Duration::from_secs(15), "{took:?}");
    drop(other);
    Server::start(folder.path()).assert_log_verifies();
}

#[test]
fn an_address_in_use_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let other = tempfile::tempdir().unwrap();
    let start = Start::at(other.path()).arg("--bind").arg(server.address.to_string());
    let (code, said) = start.refusal();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains(&server.address.to_string()) && said.contains("can't be listened on"), "{said}");
}

/// `nobody` on most systems. The superuser may write everywhere, so it stands back for these tests.
const NOBODY: u32 = 65534;

/// Gives the folder to a user who is bound by the rights of files, and starts the server as that user.
fn as_somebody(folder: &Path) -> Start {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return Start::at(folder);
    }
    chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        chown(entry.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    // The target directory may lie where this user can't go.
    let program = folder.join("intent-api");
    if !program.exists() {
        fs::copy(binary("intent-api"), &program).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o555)).unwrap();
    }
    Start::at(folder).as_user(NOBODY, &program)
}

fn with_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_read_only_file_is_refused() {
    let (folder, db, _) = registry();
    let start = as_somebody(folder.path());
    with_mode(&db, 0o444);
    refuses(start, &db, &["registry.db", "can't be opened for writing"]);
    with_mode(&db, 0o600);
    as_somebody(folder.path()).server().assert_log_verifies();
}

#[test]
fn a_read_only_folder_is_refused_with_and_without_a_database() {
    let (folder, db, _) = registry();
    // A backup that was copied here has no write-ahead log beside it, and none can be made.
    for name in ["registry.db-wal", "registry.db-shm"] {
        fs::remove_file(folder.path().join(name)).unwrap_or_default();
    }
    let start = as_somebody(folder.path());
    with_mode(folder.path(), 0o555);
    refuses(start, &db, &["registry.db", "can't be opened for writing"]);
    let start = as_somebody(folder.path()).db("new.db");
    refuses(start, &db, &["new.db"]);
    let start = as_somebody(folder.path()).db("deep/new.db");
    refuses(start, &db, &["deep"]);
    with_mode(folder.path(), 0o700);
    as_somebody(folder.path()).server().assert_log_verifies();
}
