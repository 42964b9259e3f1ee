//! Limits over several servers, and what happens without Redis.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use t4_tests::http::Connection;
use t4_tests::process::{Server, Start, eventually};
use t4_tests::redis::Redis;

const LIMIT: usize = 40;

fn limited_key(server: &Server) -> String {
    let body = format!(r#"{{"agent_id":"a","rate_per_minute":{LIMIT}}}"#);
    server.admin("POST", "/admin/api_keys", &body).json()["key"].as_str().unwrap().to_owned()
}

/// Sends `each` requests from 8 threads to every server at once; how many were admitted.
fn flood(servers: &[&Server], key: &str, each: usize) -> usize {
    let admitted = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for server in servers {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mut connection = Connection::open(server.address).unwrap();
                    for _ in 0..each {
                        let headers = [("x-t4-api-key", key)];
                        let answer = connection.call("GET", "/intents/none", &headers, "").unwrap();
                        match answer.status {
                            404 => {
                                admitted.fetch_add(1, Ordering::Relaxed);
                            }
                            429 => assert!(answer.header("retry-after").is_some()),
                            _ => panic!("{}", answer.body),
                        }
                    }
                });
            }
        }
    });
    admitted.into_inner()
}

fn mode(server: &Server) -> String {
    let page = server.call("GET", "/metrics", &[], "").body;
    let line = page.lines().find(|line| line.starts_with("t4_limiter_mode{") && line.ends_with(" 1"));
    line.and_then(|line| line.split('"').nth(1)).unwrap_or_default().to_owned()
}

#[test]
fn two_servers_that_share_redis_admit_exactly_the_limit() {
    let redis = Redis::start();
    let folder = tempfile::tempdir().unwrap();
    let start = || Start::at(folder.path()).env("T4_RATE_REDIS", redis.url()).server();
    let (first, second) = (start(), start());
    let key = limited_key(&first);
    eventually("both servers use Redis", Duration::from_secs(10), || {
        (mode(&first) == "redis" && mode(&second) == "redis").then_some(())
    });
    assert_eq!(flood(&[&first, &second], &key, 20), LIMIT);
}

#[test]
fn a_lost_redis_degrades_at_once_and_comes_back_by_itself() {
    let mut redis = Redis::start();
    let folder = tempfile::tempdir().unwrap();
    let server = Start::at(folder.path()).env("T4_RATE_REDIS", redis.url()).server();
    let key = limited_key(&server);
    assert_eq!(mode(&server), "redis");
    assert_eq!(server.agent(&key, "GET", "/intents/none", "").status, 404);
    redis.kill();
    // The next request is decided at once, by this process alone.
    assert_eq!(server.agent(&key, "GET", "/intents/none", "").status, 404);
    eventually("degraded", Duration::from_secs(5), || (mode(&server) == "degraded").then_some(()));
    let ready = server.call("GET", "/readyz", &[], "");
    assert_eq!((ready.status, ready.json()["status"].as_str()), (200, Some("degraded")));
    assert_eq!(ready.json()["checks"][0], "limiter");
    // What was admitted before counts on: the limit of this process holds.
    assert_eq!(flood(&[&server], &key, 20), LIMIT - 2);
    redis.again();
    eventually("back to Redis", Duration::from_secs(10), || (mode(&server) == "redis").then_some(()));
    assert_eq!(server.call("GET", "/readyz", &[], "").json()["status"], "ok");
    // Redis forgot everything; the process has not.
    assert_eq!(flood(&[&server], &key, 2), 0);
}
