//! `make bench-hostile`: what others get while hostile keys send their worst, in release mode.
//!
//! First one hostile key at its full limit: another agent's creates, revocations and `/health`. Then four of them with
//! 500 idle and slow connections: the server's memory. `T4_BENCH_SECONDS` is the length of each part (default 30).

mod attack;
mod client;
mod report;

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use attack::{Answers, request};
use client::Client;
use report::Report;
use t4_bench::number;
use t4_bench::server::{ADMIN, Server};

/// Intents that are there before: what scans look through.
const SEEDED: usize = 100_000;
/// Connections of each kind of attack.
const EACH: usize = 4;
/// Connections that hold a request head back.
const SLOW_HEADS: usize = 400;
/// Connections that ask for a large list and do not read it.
const UNREAD: usize = 100;

fn main() {
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let time = Duration::from_secs(number("T4_BENCH_SECONDS", 30));
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(&dir.path().join("hostile.db"));
    let seeder = server.key("seeder");
    seed(&server, &seeder);
    let mut report = Report::new(time.as_secs());
    one_key(&server, time, &mut report);
    four_keys(&server, time, &mut report);
    report.write();
    server.stop();
}

/// A key with the limits that a server gives unless told otherwise.
fn hostile_key(server: &Server, agent: &str) -> String {
    let admin = format!("x-t4-admin-token: {ADMIN}\r\n");
    let made = server.call("POST", "/admin/api_keys", &admin, &format!(r#"{{"agent_id":"{agent}"}}"#));
    made["key"].as_str().expect("a key").to_owned()
}

fn seed(server: &Server, key: &str) {
    let mut client = Client::new(server.address);
    for start in (0..SEEDED).step_by(1000) {
        let rows: Vec<_> = (start..start + 1000)
            .map(|n| format!(r#"{{"code":"F821","file":"src/file_{}.py","line":{}}}"#, n % 5000, n % 500 + 1))
            .collect();
        let body = format!(r#"{{"intents":[{}]}}"#, rows.join(","));
        assert_eq!(client.send(&request("POST", "/intents/batch", key, &body)).expect("an answer"), 201);
    }
    let batch = attack::large_batch(key);
    for _ in 0..8 {
        assert_eq!(client.send(&batch).expect("an answer"), 201);
    }
}

fn one_key(server: &Server, time: Duration, report: &mut Report) {
    let (victim, hostile) = (server.key("victim"), hostile_key(server, "hostile"));
    let (answers, over) = (Answers::default(), AtomicBool::new(false));
    let create = request("POST", "/intents", &victim, r#"{"code":"F821","file":"src/a.py"}"#);
    std::thread::scope(|scope| {
        let _attack = attack::start(scope, server.address, &hostile, EACH, &answers, &over);
        let creates = scope.spawn(|| paced(server, &create, time));
        let health = b"GET /health HTTP/1.1\r\nhost: bench\r\n\r\n";
        let probes = scope.spawn(|| paced(server, health, time));
        let revocations = scope.spawn(|| revocations(server, time));
        report.millis("create of another agent", 50.0, creates.join().expect("creates"));
        report.millis("/health", 20.0, probes.join().expect("probes"));
        report.millis("revocation, from request to effect", 1000.0, revocations.join().expect("revocations"));
        over.store(true, Ordering::Relaxed);
    });
    report.answers("one hostile key", &answers);
}

/// Sends a request every 20 ms; how long each answer took. One that failed counts as the longest time.
fn paced(server: &Server, request: &[u8], time: Duration) -> Vec<Duration> {
    let (mut client, begun, mut taken) = (Client::new(server.address), Instant::now(), Vec::new());
    while begun.elapsed() < time {
        let sent = Instant::now();
        match client.send(request) {
            Ok(200..=299) => taken.push(sent.elapsed()),
            Ok(_) | Err(_) => taken.push(Duration::from_secs(60)),
        }
        std::thread::sleep(Duration::from_millis(20).saturating_sub(sent.elapsed()));
    }
    taken
}

/// Revokes a key every second while it is used; how long after the request to do so it was first refused.
fn revocations(server: &Server, time: Duration) -> Vec<Duration> {
    let (begun, mut taken) = (Instant::now(), Vec::new());
    let admin = format!("x-t4-admin-token: {ADMIN}\r\n");
    while begun.elapsed() < time {
        let body = r#"{"agent_id":"spare","rate_per_minute":1000000}"#;
        let made = server.call("POST", "/admin/api_keys", &admin, body);
        let text = |name: &str| made[name].as_str().expect("a text").to_owned();
        let (key, id) = (text("key"), text("key_id"));
        let read = request("GET", "/intents/none", &key, "");
        let mut client = Client::new(server.address);
        assert_eq!(client.send(&read).expect("an answer"), 404);
        let sent = Instant::now();
        let refused = Mutex::new(None);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while refused.lock().expect("a time").is_none() && sent.elapsed() < Duration::from_secs(60) {
                    if matches!(client.send(&read), Ok(401)) {
                        *refused.lock().expect("a time") = Some(sent.elapsed());
                    }
                    std::thread::sleep(Duration::from_millis(2));
                }
            });
            server.call("DELETE", &format!("/admin/api_keys/{id}"), &admin, "");
        });
        taken.push(refused.into_inner().expect("a time").unwrap_or(Duration::from_secs(60)));
        std::thread::sleep(Duration::from_millis(500));
    }
    taken
}

fn four_keys(server: &Server, time: Duration, report: &mut Report) {
    report.memory("before", server.resident_mib());
    let keys: Vec<_> = (0..4).map(|n| hostile_key(server, &format!("hostile-{n}"))).collect();
    let victim = server.key("victim-2");
    let (answers, over) = (Answers::default(), AtomicBool::new(false));
    let mut most: f64 = 0.0;
    let create = request("POST", "/intents", &victim, r#"{"code":"F821","file":"src/a.py"}"#);
    std::thread::scope(|scope| {
        let connections = hostile_connections(server, &keys);
        for key in &keys {
            let _attack = attack::start(scope, server.address, key, 1, &answers, &over);
        }
        let creates = scope.spawn(|| paced(server, &create, time));
        let begun = Instant::now();
        while begun.elapsed() < time {
            most = most.max(server.resident_mib());
            std::thread::sleep(Duration::from_millis(100));
        }
        report.millis("create of another agent, four hostile keys", 50.0, creates.join().expect("creates"));
        over.store(true, Ordering::Relaxed);
        drop(connections);
    });
    report.memory("the most with four hostile keys and 500 connections", most);
    report.answers("four hostile keys", &answers);
}

/// Connections that never end their head, and some that ask for a large list and do not read it.
fn hostile_connections(server: &Server, keys: &[String]) -> Vec<TcpStream> {
    let mut all = Vec::with_capacity(SLOW_HEADS + UNREAD);
    for n in 0..SLOW_HEADS + UNREAD {
        let Ok(mut stream) = client::connect(server.address) else { continue };
        let sent = if n < SLOW_HEADS {
            stream.write_all(b"GET /intents HTTP/1.1\r\nhost: ben")
        } else {
            let path = format!("/intents/by_file?file={}&limit=1000", attack::LARGE);
            stream.write_all(&request("GET", &path, &keys[n % keys.len()], ""))
        };
        if sent.is_ok() {
            all.push(stream);
        }
    }
    all
}
