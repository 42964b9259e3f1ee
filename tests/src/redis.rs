//! A `redis-server` of the test's own, or the one that `T4_TEST_REDIS_URL` names.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::process::eventually;

/// A Redis of the test's own, which it may kill.
pub struct Redis {
    child: Option<Child>,
    port: u16,
}

/// The Redis that `T4_TEST_REDIS_URL` names, or else one of the test's own that lives as long as the value. For tests
/// that leave it running.
pub fn any() -> (String, Option<Redis>) {
    match std::env::var("T4_TEST_REDIS_URL") {
        Ok(url) if !url.is_empty() => (url, None),
        _ => {
            let redis = Redis::start();
            (redis.url(), Some(redis))
        }
    }
}

impl Redis {
    /// Starts one on a free port.
    pub fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let mut redis = Self { child: None, port };
        redis.again();
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("kill");
            child.wait().expect("wait");
        }
    }

    /// Starts it again on the same port.
    pub fn again(&mut self) {
        let child = Command::new("redis-server")
            .args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--port"])
            .arg(self.port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "`redis-server` can't be started ({error}): install the distribution's package \
                     `redis-server` (`sudo apt-get install redis-server`), or run `make test`, which does"
                )
            });
        self.child = Some(child);
        let port = self.port;
        eventually("redis-server listens", Duration::from_secs(10), || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
