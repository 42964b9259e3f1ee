//! Two servers that share a Redis share their limits, and lose neither answers nor limits without it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use t4_tests::process::{Server, Start, eventually};
use t4_tests::redis::{self, Redis};

use crate::support::{SayOver, metric};

fn servers(folder: &Path, url: &str) -> [Server; 2] {
    // They share a file as well, so that both know the key.
    [(), ()].map(|()| Start::at(folder).env("T4_RATE_REDIS", url).server())
}

#[test]
fn two_servers_that_share_redis_admit_exactly_the_limit() {
    const LIMIT: usize = 50;
    let (url, _redis) = redis::any();
    let folder = tempfile::tempdir().unwrap();
    let servers = servers(folder.path(), &url);
    for server in &servers {
        wait_for_mode(server, "redis");
    }
    let (key, _) = servers[0].key_with(&format!(r#"{{"agent_id":"a","rate_per_minute":{LIMIT}}}"#));
    let (admitted, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let (servers, key, admitted, refused) = (&servers, &key, &admitted, &refused);
            scope.spawn(move || {
                let mut connection = servers[thread % 2].connect();
                for _ in 0..20 {
                    let headers = [("x-t4-api-key", key.as_str())];
                    let answer = connection.call("GET", "/intents", &headers, "").unwrap();
                    assert_eq!(answer.header("x-ratelimit-limit"), Some("50"));
                    match answer.status {
                        200 => admitted.fetch_add(1, Ordering::Relaxed),
                        429 => {
                            assert_eq!(answer.code(), "rate_limited");
                            let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
                            assert!((1..=60).contains(&after), "{after}");
                            refused.fetch_add(1, Ordering::Relaxed)
                        }
                        _ => panic!("{} {}", answer.status, answer.body),
                    };
                }
            });
        }
    });
    assert_eq!((admitted.into_inner(), refused.into_inner()), (LIMIT, 16 * 20 - LIMIT));
}

fn mode(server: &Server) -> Option<&'static str> {
    let page = server.get("/metrics").body;
    let on = |mode: &&str| metric(&page, &format!("t4_limiter_mode{{mode=\"{mode}\"}}")) == Some(1.0);
    let on: Vec<_> = ["memory", "redis", "degraded"].into_iter().filter(on).collect();
    assert_eq!(on.len(), 1, "{page}");
    on.first().copied()
}

fn wait_for_mode(server: &Server, wanted: &str) {
    eventually(&format!("the limiter's mode is {wanted}"), Duration::from_secs(10), || {
        (mode(server) == Some(wanted)).then_some(())
    });
}

#[test]
fn redis_may_go_and_come_back_under_load_and_every_request_is_answered() {
    let mut redis = Redis::start();
    let folder = tempfile::tempdir().unwrap();
    let servers = servers(folder.path(), &redis.url());
    let (key, _) = servers[0].key("agent");
    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let more = || {
        let from = answered.load(Ordering::Relaxed);
        eventually("requests go on", Duration::from_secs(10), || {
            (answered.load(Ordering::Relaxed) > from + 100).then_some(())
        });
    };
    std::thread::scope(|scope| {
        let _over = SayOver(&over);
        for thread in 0..4 {
            let (servers, key, over, answered) = (&servers, &key, &over, &answered);
            scope.spawn(move || {
                let mut connection = servers[thread % 2].connect();
                while !over.load(Ordering::Relaxed) {
                    let headers = [("x-t4-api-key", key.as_str())];
                    let answer = connection.call("GET", "/intents?limit=1", &headers, "").unwrap();
                    assert_eq!(answer.status, 200, "{}", answer.body);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let ready = |wanted: &str| {
            for server in &servers {
                wait_for_mode(server, wanted);
                let answer = server.get("/readyz");
                assert_eq!(answer.status, 200, "without Redis it serves: {}", answer.body);
                let degraded = wanted == "degraded";
                assert_eq!(
                    answer.json()["status"],
                    if degraded { "degraded" } else { "ok" },
                    "{}",
                    answer.body
                );
                let named = answer.json()["checks"].to_string().contains("limiter");
                assert_eq!(named, degraded, "{}", answer.body);
            }
            more();
        };
        ready("redis");
        redis.kill();
        ready("degraded");
        redis.again();
        ready("redis");
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_server_starts_without_its_redis_and_limits_alone() {
    let mut redis = Redis::start();
    redis.kill();
    let folder = tempfile::tempdir().unwrap();
    let server = Start::at(folder.path()).env("T4_RATE_REDIS", redis.url()).server();
    assert_eq!(mode(&server), Some("degraded"));
    let (key, _) = server.key_with(r#"{"agent_id":"a","rate_per_minute":3}"#);
    let statuses: Vec<_> = (0..5).map(|_| server.agent(&key, "GET", "/intents", "").status).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    redis.again();
    wait_for_mode(&server, "redis");
    // Redis knows nothing of what was admitted meanwhile; the process does.
    assert_eq!(server.agent(&key, "GET", "/intents", "").status, 429);
}
