//! The real server, as a process of its own on a throwaway database.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The admin token of every bench server.
pub const ADMIN: &str = "bench-admin-token";
/// The largest quota.
const NO_QUOTA: &str = "9007199254740991";

/// A running server.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    pub start_seconds: f64,
}

impl Server {
    /// Starts the binary of the bench's own profile on a database and waits until it listens.
    pub fn start(db: &Path) -> Self {
        Self::start_with(db, &[])
    }

    /// The same with more variables.
    pub fn start_with(db: &Path, variables: &[(&str, String)]) -> Self {
        Self::start_build(&binary("intent-api"), db, variables)
    }

    /// The same for an `intent-api` of another build.
    pub fn start_build(program: &Path, db: &Path, variables: &[(&str, String)]) -> Self {
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1:0", "--log", "warn", "--db"]).arg(db);
        // Variables, because an older build would refuse fields of a key that it does not know.
        for quota in ["INTENTS", "STORED_BYTES", "IDEMPOTENCY_ROWS", "AUDIT_BYTES_PER_DAY"] {
            command.env(format!("T4_QUOTA_{quota}"), NO_QUOTA);
        }
        command.env("T4_ADMIN_TOKEN", ADMIN).envs(variables.iter().map(|(name, value)| (name, value)));
        Self::run(command)
    }

    /// Starts the mock provider.
    pub fn provider() -> Self {
        Self::run(Command::new(binary("mock-provider")))
    }

    fn run(mut command: Command) -> Self {
        let started = Instant::now();
        let mut child = command.stdout(Stdio::piped()).spawn().expect("run `make dist` first");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("first line");
        let value: serde_json::Value = serde_json::from_str(&line).expect("the first line is JSON");
        let address = value["listening"].as_str().expect("listening").parse().expect("an address");
        Self { child, address, start_seconds: started.elapsed().as_secs_f64() }
    }

    /// Resident memory in MiB.
    pub fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) / 1024.0
    }

    /// Processor time that the server has used, in microseconds (clock ticks of 10 ms).
    pub fn cpu_micros(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        let ticks = |n: usize| fields.get(n).and_then(|t| t.parse::<u64>().ok()).unwrap_or(0);
        (ticks(11) + ticks(12)) * 10_000
    }

    /// One request on a connection of its own; the body of the answer.
    pub fn call(&self, method: &str, path: &str, headers: &str, body: &str) -> serde_json::Value {
        let mut stream = TcpStream::connect(self.address).expect("connect");
        stream.set_read_timeout(Some(Duration::from_secs(120))).expect("timeout");
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n{headers}content-type: \
             application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .expect("send");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head[9..].starts_with('2'), "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap_or(serde_json::Value::Null)
    }

    /// A new key with limits that no bench reaches.
    pub fn key(&self, agent: &str) -> String {
        let body = format!(r#"{{"agent_id":"{agent}","rate_per_minute":10000000,"daily_limit":9000000}}"#);
        let admin = format!("x-t4-admin-token: {ADMIN}\r\n");
        let made = self.call("POST", "/admin/api_keys", &admin, &body);
        made["key"].as_str().expect("a key").to_owned()
    }

    /// Stops the server in order.
    pub fn stop(mut self) {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill");
        assert!(self.child.wait().expect("wait").success(), "the server did not stop in order");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone after `stop`.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A program of the bench's own profile.
pub fn binary(name: &str) -> PathBuf {
    let exe = std::env::current_exe().expect("current exe");
    // target/<profile>/deps/<bench>-<hash> → target/<profile>/<name>
    exe.ancestors().nth(2).expect("a target folder").join(name)
}
