//! The product's own binaries, as processes, each in a folder of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{Answer, Connection};

/// The admin token of every server that a test starts.
pub const ADMIN: &str = "an-admin-token-of-the-tests";

/// A binary of the workspace; `make test` has built it.
pub fn binary(name: &str) -> PathBuf {
    let exe = std::env::current_exe().expect("the test has a path");
    let folder = exe.ancestors().nth(2).expect("target/<profile>/deps/<test>");
    let path = folder.join(name);
    assert!(path.exists(), "`{}` is missing: run `cargo build --workspace --bins` first", path.display());
    path
}

/// A command that inherits nothing of the product's variables.
pub fn command(name: &str) -> Command {
    let mut command = Command::new(binary(name));
    for (variable, _) in std::env::vars() {
        if variable.starts_with("T4_") || ["API_TOKENS", "API_KEY", "LOG_FILE", "LOG_LEVEL"].contains(&&*variable) {
            command.env_remove(variable);
        }
    }
    command
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("the command starts")
}

/// What a command printed, without the last line end; panics when it failed.
pub fn stdout_of(command: &mut Command) -> String {
    let output = run(command);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {error}");
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
}

/// Waits until a condition holds; panics with `what` when it does not within the time. An event that can't be
/// waited for is asked for every few milliseconds.
pub fn eventually<T>(what: &str, within: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + within;
    loop {
        if let Some(value) = ask() {
            return value;
        }
        assert!(Instant::now() < end, "{what}: not within {within:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How a server is to be started.
pub struct Start {
    pub folder: PathBuf,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
}

impl Start {
    /// A server on `registry.db` in a folder.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), args: Vec::new(), env: vec![("T4_ADMIN_TOKEN".into(), ADMIN.into())] }
    }

    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    pub fn without_env(mut self, name: &str) -> Self {
        self.env.retain(|(n, _)| n != name);
        self
    }

    fn command(&self) -> Command {
        let mut command = command("intent-api");
        command.current_dir(&self.folder).args(["--db", "registry.db"]);
        if !self.args.iter().any(|arg| arg == "--bind") {
            command.args(["--bind", "127.0.0.1:0"]);
        }
        command.args(&self.args).envs(self.env.iter().map(|(n, v)| (n, v))).stdin(Stdio::null());
        command
    }

    /// Starts the server and waits for its first line.
    pub fn server(self) -> Server {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.join("server.log"));
        let mut child = self
            .command()
            .stdout(Stdio::piped())
            .stderr(log.expect("a log"))
            .spawn()
            .expect("intent-api starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a first line");
        let first: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
        let address = first["listening"].as_str().unwrap_or_else(|| {
            let log = std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
            panic!("the server did not start: {log}")
        });
        let address = address.parse().expect("an address");
        Server { child, address, folder: self.folder }
    }

    /// Runs a server that is expected to refuse to start; its exit code and what it says.
    pub fn refusal(self) -> (Option<i32>, String) {
        let output = run(&mut self.command());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("panicked"), "{said}");
        (output.status.code(), said)
    }
}

/// A running server; killed by its pid when dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    pub folder: PathBuf,
}

impl Server {
    /// A server on a new database in `folder`.
    pub fn start(folder: &Path) -> Self {
        Start::at(folder).server()
    }

    pub fn db(&self) -> PathBuf {
        self.folder.join("registry.db")
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }

    pub fn connect(&self) -> Connection {
        Connection::open(self.address).expect("the server listens")
    }

    /// One request on a connection of its own.
    pub fn call(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.connect().call(method, target, headers, body).expect("an answer")
    }

    pub fn admin(&self, method: &str, target: &str, body: &str) -> Answer {
        self.call(method, target, &[("x-t4-admin-token", ADMIN)], body)
    }

    pub fn agent(&self, key: &str, method: &str, target: &str, body: &str) -> Answer {
        self.call(method, target, &[("x-t4-api-key", key)], body)
    }

    /// A new key with a limit that no test reaches: the key, and its id.
    pub fn key(&self, agent: &str) -> (String, String) {
        let body = format!(r#"{{"agent_id":"{agent}","owner":"team","rate_per_minute":1000000}}"#);
        let made = self.admin("POST", "/admin/api_keys", &body).json();
        let text = |name: &str| made[name].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        (text("key"), text("key_id"))
    }

    /// Whether the whole audit log verifies; panics with the verdict when not.
    pub fn assert_log_verifies(&self) {
        let verdict = self.admin("GET", "/admin/audit/verify", "");
        assert_eq!(verdict.json()["ok"], true, "{}", verdict.body);
    }

    /// `kill -9`.
    pub fn kill(mut self) -> PathBuf {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
        self.folder.clone()
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(name).arg(self.pid().to_string()).status().expect("kill");
        assert!(status.success());
    }

    /// SIGTERM, and the exit within the time.
    pub fn stop(mut self, within: Duration) -> ExitStatus {
        self.signal("-TERM");
        let child = &mut self.child;
        eventually("the server stops", within, || child.try_wait().expect("wait"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone after `stop` and `kill`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
