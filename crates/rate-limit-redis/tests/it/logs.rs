//! Content of log messages, and what they must not contain.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rate_limit::{Limit, Limiter, LimiterMode};
use rate_limit_redis::RedisOptions;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{RedisProc, free_port, limiter, until_mode};

const PASSWORD: &str = "geheim-geheim-geheim";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Everything that is logged on this thread from now on, at every level.
    fn capture() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let to = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone());
        let guard = tracing::subscriber::set_default(to.with_ansi(false).finish());
        (log, guard)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn count(&self, words: &str) -> usize {
        self.text().matches(words).count()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn each_switch_is_said_once_and_without_the_password() {
    let (log, _guard) = Log::capture();
    let mut redis = RedisProc::start_on(free_port(), Some(PASSWORD));
    // A slow reply on a busy machine is not what is meant here.
    let options = RedisOptions { reply_within: Duration::from_secs(2), ..RedisOptions::default() };
    let (limiter, _) = limiter(&redis.url(), options).await;
    let _probe = limiter.spawn_probe();
    until_mode(&limiter, LimiterMode::Redis).await;
    assert_eq!(log.count("redis answers"), 1);
    redis.kill();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let limiter = limiter.clone();
            tokio::spawn(async move { limiter.check("key", Limit::per_minute(100)).await.admitted })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap());
    }
    until_mode(&limiter, LimiterMode::Degraded).await;
    redis.restart();
    until_mode(&limiter, LimiterMode::Redis).await;
    assert_eq!(log.count("redis is lost"), 1, "{}", log.text());
    assert_eq!(log.count("redis answers"), 2, "{}", log.text());
    assert_eq!(log.count(PASSWORD), 0);
    assert!(!format!("{limiter:?}").contains(PASSWORD));
}

#[tokio::test]
async fn a_refused_password_is_not_said() {
    let (log, _guard) = Log::capture();
    let redis = RedisProc::start_on(free_port(), Some("another"));
    let url = format!("redis://:{PASSWORD}@127.0.0.1:{}", redis.port);
    let (limiter, _) = limiter(&url, RedisOptions::default()).await;
    assert_eq!(limiter.mode(), LimiterMode::Degraded);
    assert_eq!(log.count("redis can't be reached"), 1, "{}", log.text());
    assert_eq!(log.count(PASSWORD), 0);
}
