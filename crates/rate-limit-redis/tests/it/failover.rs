//! Failure and return of Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rate_limit::{Limit, Limiter, LimiterMode, MemoryLimiter};
use rate_limit_redis::{ConnectError, RedisLimiter, RedisOptions};
use registry_core::{Clock, SystemClock};

use crate::support::{RedisProc, free_port, limiter, timed, until_mode, use_up};

const LIMIT: Limit = Limit::per_minute(400);

/// Replies may be slow on a busy machine without being taken for a failure, but not for ever.
fn options() -> RedisOptions {
    RedisOptions { reply_within: Duration::from_secs(2), ..RedisOptions::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn decisions_go_on_when_redis_is_killed_under_load_and_it_comes_back_by_itself() {
    let mut redis = RedisProc::start();
    let clock = SystemClock::new();
    let (one, _) = limiter(&redis.url(), options()).await;
    let (other, _) = limiter(&redis.url(), options()).await;
    let in_redis = Arc::new(AtomicU32::new(0));
    let mut tasks = Vec::new();
    for limiter in [&one, &other] {
        let _probe = limiter.spawn_probe();
        for _ in 0..16 {
            let (limiter, in_redis) = (limiter.clone(), in_redis.clone());
            tasks.push(tokio::spawn(async move {
                let (mut admitted, mut longest) = (0, 0);
                // Until this process has used up what it may admit alone.
                loop {
                    let mode = limiter.mode();
                    let call = timed(&clock, &limiter, "key", LIMIT).await;
                    longest = longest.max(call.ended - call.began);
                    if call.decision.admitted {
                        admitted += 1;
                        in_redis.fetch_add(u32::from(mode == LimiterMode::Redis), Ordering::SeqCst);
                    } else if limiter.mode() == LimiterMode::Degraded {
                        return (admitted, longest);
                    }
                    assert!(clock.monotonic_micros() < 30_000_000, "not used up within 30 s");
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }));
        }
    }
    // Kill it in the middle: some are admitted by Redis, and not yet all.
    while in_redis.load(Ordering::SeqCst) < 100 {
        assert!(clock.monotonic_micros() < 30_000_000, "no load within 30 s");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::task::block_in_place(|| redis.kill());
    let mut admitted = 0;
    for task in tasks {
        let (mine, longest) = task.await.unwrap();
        admitted += mine;
        assert!(longest < 1_500_000, "a call took {longest} us");
    }
    // What Redis had admitted is in the memory of each, so each ends at the limit and not above.
    assert_eq!(admitted, 2 * LIMIT.per_window);

    tokio::task::block_in_place(|| redis.restart());
    for limiter in [&one, &other] {
        until_mode(limiter, LimiterMode::Redis).await;
        // The new Redis knows nothing, the memory still does.
        assert!(!limiter.check("key", LIMIT).await.admitted);
    }
    let together = use_up(&one, "another", LIMIT).await + use_up(&other, "another", LIMIT).await;
    assert_eq!(together, LIMIT.per_window);
}

#[tokio::test]
async fn without_calls_the_probe_alone_notices_both() {
    let mut redis = RedisProc::start();
    let (limiter, _) = limiter(&redis.url(), options()).await;
    let _probe = limiter.spawn_probe();
    redis.kill();
    until_mode(&limiter, LimiterMode::Degraded).await;
    redis.restart();
    until_mode(&limiter, LimiterMode::Redis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_is_waited_for_once() {
    let redis = RedisProc::start();
    let clock = SystemClock::new();
    let (limiter, _) = limiter(&redis.url(), RedisOptions::default()).await;
    // Without a probe from here on, which would notice as well.
    let probe = limiter.spawn_probe();
    until_mode(&limiter, LimiterMode::Redis).await;
    probe.abort();
    redis.signal("STOP");
    let first = timed(&clock, &limiter, "key", LIMIT).await;
    assert!(first.decision.admitted);
    assert!(first.ended - first.began >= 100_000);
    assert_eq!(limiter.mode(), LimiterMode::Degraded);
    // Were each of these to wait for Redis, they would take 39.9 s.
    let began = clock.monotonic_micros();
    assert_eq!(use_up(&limiter, "key", LIMIT).await, LIMIT.per_window - 1);
    assert!(clock.monotonic_micros() - began < 10_000_000);
    redis.signal("CONT");
    let _probe = limiter.spawn_probe();
    until_mode(&limiter, LimiterMode::Redis).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_means_a_degraded_start() {
    let port = free_port();
    let (limiter, _) = limiter(&format!("redis://127.0.0.1:{port}"), options()).await;
    assert_eq!(limiter.mode(), LimiterMode::Degraded);
    assert_eq!(use_up(&limiter, "key", Limit::per_minute(7)).await, 7);
    let _probe = limiter.spawn_probe();
    let _redis = RedisProc::start_on(port, None);
    until_mode(&limiter, LimiterMode::Redis).await;
}

#[tokio::test]
async fn a_server_that_refuses_to_write_is_no_redis_to_count_on() {
    let redis = RedisProc::start();
    let client = deadpool_redis::redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let (limiter, _) = limiter(&redis.url(), options()).await;
    let _probe = limiter.spawn_probe();
    // As a replica it answers a ping and refuses every write.
    let replica = |of: &'static [&'static str]| {
        let mut command = deadpool_redis::redis::cmd("REPLICAOF");
        command.arg(of);
        command
    };
    replica(&["127.0.0.1", "1"]).query_async::<()>(&mut connection).await.unwrap();
    until_mode(&limiter, LimiterMode::Degraded).await;
    let clock = SystemClock::new();
    while clock.monotonic_micros() < 1_000_000 {
        assert_eq!(limiter.mode(), LimiterMode::Degraded);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    replica(&["NO", "ONE"]).query_async::<()>(&mut connection).await.unwrap();
    until_mode(&limiter, LimiterMode::Redis).await;
}

#[tokio::test]
async fn an_address_that_is_none_is_an_error_without_its_password() {
    for url in ["", "http://:geheim@localhost", "redis://:geheim@host:notaport", "redis://:geheim@", "geheim"]
    {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let memory = Arc::new(MemoryLimiter::new(clock.clone()));
        let error = RedisLimiter::connect(url, memory, clock, options()).await.unwrap_err();
        assert!(matches!(error, ConnectError::BadUrl { .. }), "{url}");
        assert!(!format!("{error} {error:?}").contains("geheim"), "{error:?}");
    }
}
