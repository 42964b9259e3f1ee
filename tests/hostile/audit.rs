//! The log of rows: durable in time or waited for, and not filled by strangers.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection as Database;
use socket2::{Domain, Socket, Type};
use t4_tests::http::Connection;
use t4_tests::process::{ADMIN, Server, Start, binary, eventually};

fn open(db: &Path) -> Database {
    let database = Database::open(db).expect("the database");
    database.busy_timeout(Duration::from_secs(20)).expect("a timeout");
    database
}

fn number(db: &Path, sql: &str) -> i64 {
    open(db).query_row(sql, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// The ids of the requests that have a row.
fn recorded(db: &Path) -> HashSet<String> {
    let database = open(db);
    let mut statement =
        database.prepare("SELECT request_id FROM audit_log WHERE request_id LIKE 'read-%'").expect("columns");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

/// Reads one intent after another until the server is gone: the id of each answered request, and when the answer
/// was there.
fn read_until_the_server_dies(
    address: SocketAddr,
    key: &str,
    answered: &AtomicUsize,
) -> Vec<(String, Instant)> {
    let mut connection = Connection::open(address).expect("the server listens");
    let mut answers = Vec::new();
    loop {
        let id = format!("read-{}", answers.len());
        let headers = [("x-t4-api-key", key), ("x-request-id", id.as_str())];
        match connection.call("GET", "/intents/one", &headers, "") {
            Ok(answer) if answer.status == 200 => answers.push((id, Instant::now())),
            Ok(answer) => panic!("{} {}", answer.status, answer.body),
            Err(_) => return answers,
        }
        answered.store(answers.len(), Ordering::Relaxed);
    }
}

#[test]
fn while_rows_can_not_be_written_answers_wait_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    assert_eq!(server.register(&key, "one").status, 201);
    let (address, db) = (server.address, server.db());
    let other = open(&db);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| read_until_the_server_dies(address, &key, &answered));
        // Below the five seconds after which the store gives up.
        let (mut last, mut since) = (0, Instant::now());
        eventually("answers wait", Duration::from_secs(4), || {
            let now = answered.load(Ordering::Relaxed);
            if now != last {
                (last, since) = (now, Instant::now());
            }
            (since.elapsed() > Duration::from_secs(1)).then_some(())
        });
        server.kill();
        let answers = reader.join().unwrap();
        other.execute_batch("ROLLBACK").unwrap();
        // What left before its row was durable left within one short time.
        let kept = recorded(&db);
        let ahead: Vec<_> = answers.iter().filter(|(id, _)| !kept.contains(id)).collect();
        if let (Some((_, first)), Some((_, last))) = (ahead.first(), ahead.last()) {
            assert!(last.duration_since(*first) < Duration::from_secs(1), "{} answers", ahead.len());
        }
    });
}

#[test]
fn kill_9_among_writers_finds_the_row_of_every_answer_but_the_latest() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    assert_eq!(server.register(&key, "one").status, 201);
    let (address, db) = (server.address, server.db());
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let key = key.as_str();
            scope.spawn(move || {
                let Ok(mut connection) = Connection::open(address) else { return };
                let intents: Vec<_> = (0..50)
                    .map(|n| format!(r#"{{"code":"F821","file":"src/{writer}.py","line":{}}}"#, n + 1))
                    .collect();
                let body = format!(r#"{{"intents":[{}]}}"#, intents.join(","));
                while connection.call("POST", "/intents/batch", &[("x-t4-api-key", key)], &body).is_ok() {}
            });
        }
        let reader = scope.spawn(|| read_until_the_server_dies(address, &key, &answered));
        let begun = Instant::now();
        eventually("reads are answered", Duration::from_secs(60), || {
            let enough = answered.load(Ordering::Relaxed) >= 50 && begun.elapsed() > Duration::from_secs(4);
            enough.then_some(())
        });
        let killed = Instant::now();
        server.kill();
        let answers = reader.join().unwrap();
        let kept = recorded(&db);
        // 100 ms by the server's clock; here with room for a machine that is busy.
        let late = |at: &Instant| killed.saturating_duration_since(*at) > Duration::from_secs(1);
        let lost: Vec<_> = answers.iter().filter(|(id, at)| late(at) && !kept.contains(id)).collect();
        assert!(lost.is_empty(), "{} of {} rows are lost: {lost:?}", lost.len(), answers.len());
    });
    Server::start(folder.path()).assert_log_verifies();
}

#[test]
fn strangers_neither_fill_the_disk_nor_the_log_nor_keep_an_agent_out() {
    const THREADS: usize = 4;
    const EACH: usize = 800;
    let folder = tempfile::tempdir().unwrap();
    let server = Start::at(folder.path()).env("T4_TRUSTED_PROXIES", "127.0.0.1/32").server();
    let (key, _) = server.key("agent");
    assert_eq!(server.register(&key, "one").status, 201);
    let (address, db) = (server.address, server.db());
    let pages =
        |db: &Path| number(db, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
    let before = pages(&db);
    let flooded = AtomicBool::new(false);
    let served = std::thread::scope(|scope| {
        let floods: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn(move || {
                    let (mut connection, mut served) = (Connection::open(address).unwrap(), 0);
                    for n in 0..EACH {
                        // One /64 with an address for each request, then a network for each request.
                        let (from, target) = match n % 2 {
                            0 => (format!("2001:db8:1:1:{thread:x}::{n:x}"), "/docs"),
                            _ => (format!("{}.{thread}.{}.7", 11 + n / 256, n % 256), "/nowhere"),
                        };
                        let target = format!("{target}?{}{n}", "a.".repeat(500));
                        let headers = [("x-forwarded-for", from.as_str())];
                        let answer = connection.call("HEAD", &target, &headers, "").unwrap();
                        served += usize::from(answer.status == 200);
                    }
                    served
                })
            })
            .collect();
        let agent = scope.spawn(|| {
            let mut connection = server.connect();
            while !flooded.load(Ordering::Relaxed) {
                let answer = connection.call("GET", "/intents/one", &[("x-t4-api-key", &key)], "").unwrap();
                assert_eq!(answer.status, 200, "{}", answer.body);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let served: usize = floods.into_iter().map(|flood| flood.join().unwrap()).sum();
        flooded.store(true, Ordering::Relaxed);
        agent.join().unwrap();
        served
    });
    // The limit of public pages counts the /64, not each address of it; a minute may have passed.
    assert!(served <= 1_200, "{served} pages");
    let lines = server.log().lines().filter(|line| line.contains(r#""message":"request""#)).count();
    assert_eq!(server.stop(Duration::from_secs(15)).code(), Some(0));
    let requests = i64::try_from(THREADS * EACH).unwrap();
    let told =
        "SELECT SUM(COALESCE(count, 1)) FROM audit_log WHERE actor = 'anonymous' OR event = 'anonymous'";
    assert_eq!(number(&db, told), requests, "no request is lost");
    let of_network = "SELECT COUNT(*) FROM audit_log WHERE actor = 'anonymous' AND ip LIKE '2001:db8:1:1:%'";
    assert!(number(&db, of_network) <= 30, "ten rows a minute");
    assert!(number(&db, "SELECT COUNT(*) FROM audit_log WHERE event = 'anonymous'") > 0);
    assert!(number(&db, "SELECT MAX(length(path)) FROM audit_log WHERE actor = 'anonymous'") <= 257);
    let grown = pages(&db) - before;
    assert!(grown <= 1_048_576, "{grown} bytes");
    assert!(lines <= 2_000, "{lines} lines for {requests} requests");
}

/// A request from another address of this machine: its status.
fn admin_from(source: [u8; 4], server: SocketAddr, token: &str) -> Option<u16> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).ok()?;
    socket.bind(&SocketAddr::from((source, 0)).into()).ok()?;
    socket.connect(&server.into()).ok()?;
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(120))).ok()?;
    let request = format!(
        "GET /admin/api_keys HTTP/1.1\r\nhost: test\r\nconnection: close\r\nx-t4-admin-token: {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

#[test]
fn wrong_admin_tokens_of_one_network_keep_no_admin_of_another_waiting() {
    const WRONG: usize = 150;
    let folder = tempfile::tempdir().unwrap();
    let mut hash = std::process::Command::new(binary("admin-keys"));
    hash.arg("hash-token").stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut hash = hash.spawn().unwrap();
    hash.stdin.take().unwrap().write_all(ADMIN.as_bytes()).unwrap();
    let hash = hash.wait_with_output().unwrap().stdout;
    let hash = String::from_utf8(hash).unwrap().trim().to_owned();
    let server =
        Start::at(folder.path()).without_env("T4_ADMIN_TOKEN").env("T4_ADMIN_TOKEN_HASH", hash).server();
    let address = server.address;
    let (checked, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for n in 0..WRONG {
            let (checked, refused) = (&checked, &refused);
            scope.spawn(move || match admin_from([127, 0, 1, 3], address, &format!("wrong-{n}")) {
                Some(401) => checked.fetch_add(1, Ordering::Relaxed),
                Some(429) => refused.fetch_add(1, Ordering::Relaxed),
                other => panic!("{other:?}"),
            });
        }
        eventually("most are refused at once", Duration::from_secs(60), || {
            (refused.load(Ordering::Relaxed) >= WRONG / 2).then_some(())
        });
        let checks_before = checked.load(Ordering::Relaxed);
        assert_eq!(admin_from([127, 0, 2, 9], address, ADMIN), Some(200));
        // At most the two that had their places came before.
        let checks = checked.load(Ordering::Relaxed) - checks_before;
        assert!(checks <= 3, "{checks} checks of the other network came first");
    });
    let (checked, refused) = (checked.into_inner(), refused.into_inner());
    assert_eq!(checked + refused, WRONG);
    assert!(checked < 60, "{checked} hashes were computed");
    // A token that is known never waits, also from a network that failed too often.
    assert_eq!(admin_from([127, 0, 1, 3], address, "wrong-again"), Some(429));
    assert_eq!(admin_from([127, 0, 1, 3], address, ADMIN), Some(200));
}

#[test]
fn log_files_are_bounded_however_much_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let server = Start::at(folder.path())
        .env("LOG_FILE", "logs/api.log")
        .env("LOG_MAX_BYTES", "65536")
        .env("LOG_BACKUPS", "2")
        .server();
    let (key, _) = server.key("agent");
    let mut connection = server.connect();
    let mut ask = |id: &str| {
        let headers = [("x-t4-api-key", key.as_str()), ("x-request-id", id)];
        assert_eq!(connection.call("GET", "/intents?limit=1", &headers, "").unwrap().status, 200);
    };
    (0..1_500).for_each(|n| ask(&format!("some-{n}")));
    ask("the-last");
    drop(connection);
    assert_eq!(server.stop(Duration::from_secs(15)).code(), Some(0));
    let files: Vec<_> = std::fs::read_dir(folder.path().join("logs")).unwrap().flatten().collect();
    let bytes: u64 = files.iter().map(|file| file.metadata().unwrap().len()).sum();
    assert_eq!(files.len(), 3);
    assert!(bytes <= 3 * 65_536, "{bytes}");
    let texts = files.iter().map(|file| std::fs::read_to_string(file.path()).unwrap());
    let texts: String = texts.collect();
    assert!(texts.contains("the-last") && !texts.contains("some-0\""));
    assert!(texts.lines().all(|line| line.starts_with('{') && line.ends_with('}')), "lines are whole");
}
