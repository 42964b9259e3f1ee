//! No space is left: writes are refused, nothing acknowledged is lost, and the server comes back by itself.

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use t4_tests::http::request;
use t4_tests::process::{Server, Start, eventually, run};

use crate::support::{metric, number, open, rows};

/// How the space of a server ends.
enum Disk {
    /// A file system of 64 megabytes, which a filler uses up.
    Small { folder: PathBuf },
    /// No file of the server may grow beyond this many bytes.
    Limited { bytes: u64 },
}

impl Disk {
    /// A real file system, which takes the right to mount one.
    fn small(folder: &Path) -> Option<Self> {
        if fs::metadata("/proc/self").ok()?.uid() != 0 {
            return None;
        }
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64m,mode=700", "t4-test"]).arg(folder);
        run(&mut mount).status.success().then(|| Self::Small { folder: folder.to_owned() })
    }

    fn start(&self, folder: &Path) -> Server {
        match self {
            Self::Small { .. } => Start::at(folder).server(),
            Self::Limited { .. } => {
                // The signal that such a limit also sends would end the process.
                Start::at(folder).wrapped(&["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).server()
            }
        }
    }

    fn fill(&self, server: &Server) {
        match self {
            Self::Small { folder } => {
                let mut filler = fs::File::create(folder.join("filler")).unwrap();
                let zeros = [0; 4096];
                while filler.write_all(&zeros).is_ok() {}
            }
            Self::Limited { bytes } => limit(server, &format!("{bytes}:")),
        }
    }

    fn make_space(&self, server: &Server) {
        match self {
            Self::Small { folder } => fs::remove_file(folder.join("filler")).unwrap(),
            Self::Limited { .. } => limit(server, "unlimited:"),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Small { folder } = self {
            let _ = run(Command::new("umount").arg("-l").arg(folder));
        }
    }
}

fn limit(server: &Server, size: &str) {
    let pid = server.pid().to_string();
    let ended = run(Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={size}")]));
    assert!(ended.status.success(), "{ended:?}");
}

/// Writes until one is refused; the ids of those that were acknowledged.
fn write_until_refused(server: &Server, key: &str) -> Vec<String> {
    let (mut connection, mut acknowledged) = (server.connect(), Vec::new());
    let reason = "x".repeat(3000);
    for n in 0..5000 {
        let id = format!("full-{n}");
        let body = format!(r#"{{"id":"{id}","code":"F821","reason":"{reason}"}}"#);
        let answer = connection.call("POST", "/intents", &[("x-t4-api-key", key)], &body).unwrap();
        if answer.status == 201 {
            acknowledged.push(id);
            continue;
        }
        assert_eq!((answer.status, &*answer.code()), (503, "store_unavailable"), "{}", answer.body);
        assert!(answer.header("retry-after").is_some());
        return acknowledged;
    }
    panic!("the disk never filled");
}

fn survives(disk: &Disk, folder: &Path) {
    let server = disk.start(folder);
    let (key, _) = server.key("agent");
    assert_eq!(server.register(&key, "before").status, 201);
    disk.fill(&server);
    let acknowledged = write_until_refused(&server, &key);
    // It stays up and says what is wrong.
    let ready = server.get("/readyz");
    assert_eq!(ready.status, 503, "{}", ready.body);
    assert!(ready.json()["error"]["details"]["checks"].to_string().contains("store"), "{}", ready.body);
    assert_eq!(server.get("/health").status, 200);
    // What was acknowledged can be read, as long as there is room to remember that it was.
    let read = server.agent(&key, "GET", "/intents/before", "");
    assert!(read.status == 200 || read.code() == "audit_unavailable", "{}", read.body);
    let (answered, refused) = read_until_refused(&server, &key);
    assert!(refused, "reads went on without a record after {}", answered.len());
    assert_eq!(server.get("/health").status, 200);
    let ready = server.get("/readyz");
    assert!(ready.json()["error"]["details"]["checks"].to_string().contains("audit"), "{}", ready.body);

    disk.make_space(&server);
    eventually("it is ready by itself", Duration::from_secs(20), || {
        (server.get("/readyz").json()["status"] == "ok").then_some(())
    });
    assert_eq!(server.register(&key, "after").status, 201);
    for id in acknowledged.iter().chain([&"before".to_owned()]) {
        assert_eq!(server.agent(&key, "GET", &format!("/intents/{id}"), "").status, 200, "{id}");
    }
    // Each read that was answered while nothing could be written has its row after all. A read that was refused because
    // its row could not be written in time has one as well: the row waited on.
    let page = server.get("/metrics").body;
    assert_eq!(metric(&page, "t4_audit_broken"), Some(0.0));
    eventually("the rows that waited are written", Duration::from_secs(10), || {
        let written =
            "SELECT request_id FROM audit_log WHERE request_id LIKE 'flood-%' AND status_code = 200";
        let written: HashSet<String> = rows(&open(&server.db()), written).into_iter().flatten().collect();
        answered.is_subset(&written).then_some(())
    });
    server.assert_log_verifies();
    let db = server.db();
    assert_eq!(server.stop(Duration::from_secs(25)).code(), Some(0));
    assert_eq!(rows(&open(&db), "PRAGMA integrity_check"), [["ok"]]);
}

/// Reads until one is refused because its row can't be kept; the request ids of those that were answered.
fn read_until_refused(server: &Server, key: &str) -> (HashSet<String>, bool) {
    let (mut connection, mut answered) = (server.connect(), HashSet::new());
    for batch in 0..500 {
        let mut bytes = Vec::new();
        for n in 0..100 {
            let id = format!("flood-{batch}-{n}");
            let headers = [("x-t4-api-key", key), ("x-request-id", &id)];
            bytes.extend(request("GET", "/intents/before", &headers, ""));
        }
        connection.send(&bytes).unwrap();
        let mut refused = false;
        for n in 0..100 {
            let answer = connection.receive().unwrap();
            match answer.status {
                200 => drop(answered.insert(format!("flood-{batch}-{n}"))),
                _ => {
                    assert_eq!(
                        (answer.status, &*answer.code()),
                        (503, "audit_unavailable"),
                        "{}",
                        answer.body
                    );
                    assert!(answer.header("retry-after").is_some());
                    refused = true;
                }
            }
        }
        if refused {
            return (answered, true);
        }
    }
    (answered, false)
}

#[test]
fn a_full_disk_refuses_writes_loses_nothing_and_heals_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    match Disk::small(folder.path()) {
        Some(disk) => survives(&disk, folder.path()),
        None => {
            eprintln!("a file system can't be mounted here, so only the size of files is limited");
            survives(&Disk::Limited { bytes: 600_000 }, folder.path());
        }
    }
}

#[test]
fn a_file_that_may_not_grow_refuses_writes_loses_nothing_and_heals_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    survives(&Disk::Limited { bytes: 600_000 }, folder.path());
}

#[test]
fn a_kill_9_on_a_full_disk_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::Limited { bytes: 600_000 };
    let server = disk.start(folder.path());
    let (key, _) = server.key("agent");
    disk.fill(&server);
    let acknowledged = write_until_refused(&server, &key);
    server.kill();
    let server = Server::start(folder.path());
    server.assert_log_verifies();
    for id in &acknowledged {
        assert_eq!(server.agent(&key, "GET", &format!("/intents/{id}"), "").status, 200, "{id}");
    }
    let kept = number(&server.db(), "SELECT COUNT(*) FROM intents WHERE id LIKE 'full-%'");
    assert!(kept - i64::try_from(acknowledged.len()).unwrap() <= 1, "{kept}");
}
