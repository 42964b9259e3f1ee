//! Redis server for one test, and helpers that wait.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rate_limit::{Decision, Limit, Limiter, LimiterMode, MemoryLimiter};
use rate_limit_redis::{RedisLimiter, RedisOptions};
use registry_core::{Clock, SystemClock};

/// A `redis-server` that keeps nothing on disk and ends with this value.
pub struct RedisProc {
    child: Child,
    pub port: u16,
    password: Option<&'static str>,
}

impl RedisProc {
    pub fn start() -> Self {
        Self::start_on(free_port(), None)
    }

    pub fn start_on(port: u16, password: Option<&'static str>) -> Self {
        let mut command = Command::new("redis-server");
        command.args([
            "--save",
            "",
            "--appendonly",
            "no",
            "--bind",
            "127.0.0.1",
            "--port",
            &port.to_string(),
        ]);
        if let Some(password) = password {
            command.args(["--requirepass", password]);
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child =
            child.expect("install `redis-server`, or set T4_TEST_REDIS_URL for the tests that can use one");
        let started = Self { child, port, password };
        let clock = SystemClock::new();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(clock.monotonic_micros() < 10_000_000, "redis-server does not listen after 10 s");
            std::thread::sleep(Duration::from_millis(5));
        }
        started
    }

    pub fn url(&self) -> String {
        let password = self.password.map(|password| format!(":{password}@")).unwrap_or_default();
        format!("redis://{password}127.0.0.1:{}", self.port)
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    pub fn restart(&mut self) {
        *self = Self::start_on(self.port, self.password);
    }
}

impl Drop for RedisProc {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Redis to share: the one of `T4_TEST_REDIS_URL`, else one of its own.
pub struct SomeRedis {
    pub url: String,
    _own: Option<RedisProc>,
}

impl SomeRedis {
    #[expect(clippy::disallowed_methods, reason = "where a test finds its server is up to the environment")]
    pub fn find() -> Self {
        if let Ok(url) = std::env::var("T4_TEST_REDIS_URL") {
            return Self { url, _own: None };
        }
        let own = RedisProc::start();
        Self { url: own.url(), _own: Some(own) }
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A key that no other run uses: a shared server may remember earlier ones.
pub fn fresh_key(name: &str) -> String {
    format!("{name}-{}-{}", std::process::id(), SystemClock::new().now().as_micros())
}

/// Replies may take long: for tests of exactness on a busy machine.
pub fn patient() -> RedisOptions {
    RedisOptions { reply_within: Duration::from_secs(20), ..RedisOptions::default() }
}

/// One process's limiter.
pub async fn limiter(url: &str, options: RedisOptions) -> (Arc<RedisLimiter>, Arc<MemoryLimiter>) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let memory = Arc::new(MemoryLimiter::new(clock.clone()));
    let limiter = RedisLimiter::connect(url, memory.clone(), clock, options).await.unwrap();
    (Arc::new(limiter), memory)
}

/// Waits until the limiter is in a mode.
pub async fn until_mode(limiter: &RedisLimiter, mode: LimiterMode) {
    let clock = SystemClock::new();
    while limiter.mode() != mode {
        assert!(clock.monotonic_micros() < 15_000_000, "still {:?} after 15 s, not {mode:?}", limiter.mode());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Calls until a call is refused; how many were admitted.
pub async fn use_up(limiter: &RedisLimiter, key: &str, limit: Limit) -> u32 {
    let mut admitted = 0;
    while limiter.check(key, limit).await.admitted {
        admitted += 1;
    }
    admitted
}

/// One call with the time it took, in microseconds of `clock`.
pub struct Timed {
    pub began: u64,
    pub ended: u64,
    pub decision: Decision,
}

pub async fn timed(clock: &SystemClock, limiter: &RedisLimiter, key: &str, limit: Limit) -> Timed {
    let began = clock.monotonic_micros();
    let decision = limiter.check(key, limit).await;
    Timed { began, ended: clock.monotonic_micros(), decision }
}
