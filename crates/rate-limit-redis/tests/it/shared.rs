//! Several processes that share one Redis and one limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use deadpool_redis::redis;
use rate_limit::{Limit, Limiter, LimiterMode};
use registry_core::{Clock, SystemClock};

use crate::support::{SomeRedis, Timed, fresh_key, limiter, patient, timed, until_mode, use_up};

const LIMIT: Limit = Limit { per_window: 100, window_micros: 2_000_000 };

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_admit_exactly_the_limit_in_every_window() {
    let redis = SomeRedis::find();
    let key = fresh_key("exact");
    let clock = SystemClock::new();
    let wanted = 3 * LIMIT.per_window as usize;
    let admitted = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for _ in 0..2 {
        let (limiter, _) = limiter(&redis.url, patient()).await;
        assert_eq!(limiter.mode(), LimiterMode::Redis);
        for _ in 0..16 {
            let (limiter, admitted, key) = (limiter.clone(), admitted.clone(), key.clone());
            tasks.push(tokio::spawn(async move {
                let mut mine = Vec::new();
                while admitted.load(Ordering::SeqCst) < wanted {
                    assert!(clock.monotonic_micros() < 60_000_000, "no third window within 60 s");
                    let call = timed(&clock, &limiter, &key, LIMIT).await;
                    if call.decision.admitted {
                        admitted.fetch_add(1, Ordering::SeqCst);
                        mine.push(call);
                    } else {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                }
                (mine, limiter.mode())
            }));
        }
    }
    let mut calls: Vec<Timed> = Vec::new();
    for task in tasks {
        let (mine, mode) = task.await.unwrap();
        assert_eq!(mode, LimiterMode::Redis);
        calls.extend(mine);
    }
    calls.sort_by_key(|call| call.ended);
    // Each admission happened at some moment between its beginning and its end. Were one more than the limit
    // admitted in one window, then some run of that many would lie within a window from its first beginning to its
    // last end.
    for run in calls.windows(LIMIT.per_window as usize + 1) {
        let first = run.iter().map(|call| call.began).min().unwrap();
        let last = run.last().unwrap().ended;
        assert!(last - first >= LIMIT.window_micros, "101 admissions within {} us", last - first);
    }
    // And the limit is used up: under steady demand no place stays empty.
    let start = calls.iter().map(|call| call.began).min().unwrap();
    let first_window = calls.iter().filter(|call| call.ended < start + LIMIT.window_micros).count();
    assert_eq!(first_window, LIMIT.per_window as usize);
}

#[tokio::test]
async fn the_answer_tells_what_all_processes_have_left() {
    let redis = SomeRedis::find();
    let key = fresh_key("left");
    let limit = Limit::per_minute(3);
    let (one, _) = limiter(&redis.url, patient()).await;
    let (other, _) = limiter(&redis.url, patient()).await;
    let first = one.check(&key, limit).await;
    assert_eq!((first.admitted, first.limit, first.remaining, first.reset_micros), (true, 3, 2, 60_000_000));
    let second = other.check(&key, limit).await;
    assert_eq!((second.admitted, second.remaining), (true, 1));
    assert!((1..60_000_000).contains(&second.reset_micros), "{second:?}");
    assert_eq!(use_up(&other, &key, limit).await, 1);
    let refused = one.check(&key, limit).await;
    assert_eq!((refused.admitted, refused.remaining), (false, 0));
    assert!((1..60_000_000).contains(&refused.reset_micros), "{refused:?}");
}

#[tokio::test]
async fn what_redis_refuses_is_taken_back_from_memory() {
    let redis = SomeRedis::find();
    let key = fresh_key("undone");
    let (one, _) = limiter(&redis.url, patient()).await;
    let (other, memory) = limiter(&redis.url, patient()).await;
    assert_eq!(use_up(&one, &key, Limit::per_minute(5)).await, 5);
    for _ in 0..20 {
        assert!(!other.check(&key, Limit::per_minute(5)).await.admitted);
    }
    let alone = memory.check_now(&key, Limit::per_minute(5));
    assert_eq!((alone.admitted, alone.remaining), (true, 4));
}

#[tokio::test]
async fn a_key_leaves_nothing_behind_in_redis() {
    let redis = SomeRedis::find();
    let key = fresh_key("gone");
    let (one, _) = limiter(&redis.url, patient()).await;
    let limit = Limit { per_window: 5, window_micros: 300_000 };
    assert_eq!(use_up(&one, &key, limit).await, 5);
    let client = redis::Client::open(redis.url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let clock = SystemClock::new();
    while redis::cmd("EXISTS").arg(format!("t4:rl:{key}")).query_async::<bool>(&mut connection).await.unwrap()
    {
        assert!(clock.monotonic_micros() < 10_000_000, "the key is still there after 10 s");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn entries_from_before_redis_set_its_clock_back_do_not_block_a_key() {
    let redis = SomeRedis::find();
    let key = fresh_key("future");
    let client = redis::Client::open(redis.url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let tomorrow = SystemClock::new().now().plus_days(1).as_micros();
    let name = format!("t4:rl:{key}");
    redis::cmd("ZADD").arg(name).arg(tomorrow).arg("old").query_async::<()>(&mut connection).await.unwrap();
    let (one, _) = limiter(&redis.url, patient()).await;
    assert_eq!(use_up(&one, &key, Limit::per_minute(1)).await, 1);
}

#[tokio::test]
async fn a_server_that_forgot_the_script_is_told_again() {
    let redis = SomeRedis::find();
    let key = fresh_key("script");
    let (one, _) = limiter(&redis.url, patient()).await;
    let client = redis::Client::open(redis.url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    assert!(one.check(&key, Limit::per_minute(2)).await.admitted);
    redis::cmd("SCRIPT").arg("FLUSH").query_async::<()>(&mut connection).await.unwrap();
    assert_eq!(use_up(&one, &key, Limit::per_minute(2)).await, 1);
    assert_eq!(one.mode(), LimiterMode::Redis);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn single_threaded_runtimes_may_come_and_go() {
    let redis = SomeRedis::find();
    let key = fresh_key("runtimes");
    let (shared, _) = limiter(&redis.url, patient()).await;
    let probe = shared.spawn_probe();
    let stop = Arc::new(AtomicBool::new(false));
    for _ in 0..3 {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (limiter, key, stop) = (shared.clone(), key.clone(), stop.clone());
                std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    // One call is left unanswered when the runtime goes.
                    let (abandoned, name) = (limiter.clone(), key.clone());
                    runtime.spawn(async move { abandoned.check(&name, Limit::per_minute(1_000_000)).await });
                    runtime.block_on(async {
                        for _ in 0..50 {
                            assert!(limiter.check(&key, Limit::per_minute(1_000_000)).await.admitted);
                            assert!(!stop.load(Ordering::SeqCst));
                        }
                    });
                })
            })
            .collect();
        for thread in threads {
            tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
        }
        assert_eq!(shared.mode(), LimiterMode::Redis);
    }
    until_mode(&shared, LimiterMode::Redis).await;
    // The probe does not keep the limiter alive.
    drop(shared);
    tokio::time::timeout(Duration::from_secs(10), probe)
        .await
        .expect("the probe ends with its limiter")
        .unwrap();
}
