//! The product's own binaries, as processes, each in a folder of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{Answer, Connection};

/// The admin token of every server that a test starts.
pub const ADMIN: &str = "an-admin-token-of-the-tests";

/// A count that `make test` runs reduced and `make test-long` (`T4_TEST_LONG=1`) runs whole.
pub fn count(reduced: usize, whole: usize) -> usize {
    if std::env::var("T4_TEST_LONG").is_ok_and(|value| value == "1") { whole } else { reduced }
}

/// The folder that cargo built the binaries into: `target/<profile>`.
pub fn built() -> PathBuf {
    let exe = std::env::current_exe().expect("the test has a path");
    exe.ancestors().nth(2).expect("target/<profile>/deps/<test>").to_owned()
}

/// A binary of the workspace; `make test` has built it.
pub fn binary(name: &str) -> PathBuf {
    let path = built().join(name);
    assert!(path.exists(), "`{}` is missing: run `cargo build --workspace --bins` first", path.display());
    path
}

/// Takes the product's variables away from a command.
pub fn bare(command: &mut Command) -> &mut Command {
    for (variable, _) in std::env::vars() {
        if variable.starts_with("T4_")
            || ["API_TOKENS", "API_KEY", "LOG_FILE", "LOG_LEVEL"].contains(&&*variable)
            || ["OPENAI_API_KEY", "OPENAI_BASE_URL", "GROQ_API_KEY"].contains(&&*variable)
        {
            command.env_remove(variable);
        }
    }
    command
}

/// A command that inherits nothing of the product's variables.
pub fn command(name: &str) -> Command {
    let mut command = Command::new(binary(name));
    bare(&mut command);
    command
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Output {
    command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"))
}

/// What a command printed, without the last line end; panics when it failed.
pub fn stdout_of(command: &mut Command) -> String {
    let output = run(command);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {error}");
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
}

/// Starts a program of the tests that serves, and waits for its first line.
pub fn serving(name: &str) -> (Child, SocketAddr) {
    let mut program = Command::new(binary(name));
    let mut child = program.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("stdout");
    BufReader::new(stdout).read_line(&mut line).expect("a first line");
    let first: Value = serde_json::from_str(&line).expect("JSON");
    (child, first["listening"].as_str().expect("an address").parse().expect("an address"))
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
    program: PathBuf,
    db: Option<PathBuf>,
    wrapper: Vec<String>,
    user: Option<u32>,
}

impl Start {
    /// A server on `registry.db` in a folder.
    pub fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            args: Vec::new(),
            env: vec![("T4_ADMIN_TOKEN".into(), ADMIN.into())],
            program: binary("intent-api"),
            db: Some("registry.db".into()),
            wrapper: Vec::new(),
            user: None,
        }
    }

    /// On the file that the server takes when it is told nothing.
    pub fn default_db(mut self) -> Self {
        self.db = None;
        self
    }

    /// On this file.
    pub fn db(mut self, db: impl Into<PathBuf>) -> Self {
        self.db = Some(db.into());
        self
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

    /// With another program in the server's place, which takes the same flags.
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// Started by another command, which ends in `exec` of what follows it.
    pub fn wrapped(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Run by another user, from a copy of the program that this user can reach.
    pub fn as_user(mut self, user: u32, program: &Path) -> Self {
        (self.user, self.program) = (Some(user), program.to_owned());
        self
    }

    fn command(&self) -> Command {
        let mut command = match self.wrapper.split_first() {
            None => Command::new(&self.program),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(&self.program);
                command
            }
        };
        bare(&mut command).current_dir(&self.folder);
        if let Some(db) = &self.db {
            command.arg("--db").arg(db);
        }
        if !self.args.iter().any(|arg| arg == "--bind") {
            command.args(["--bind", "127.0.0.1:0"]);
        }
        if let Some(user) = self.user {
            command.uid(user).gid(user);
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
        let stdout = child.stdout.take().expect("stdout");
        // From here on the server ends with this value, also when the first line is none.
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let db = self.db.unwrap_or_else(|| "reports/todos/intent_registry.db".into());
        let mut server = Server { child, address, db: self.folder.join(db), folder: self.folder };
        BufReader::new(stdout).read_line(&mut line).expect("a first line");
        let first: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
        let address = first["listening"].as_str();
        let address = address.unwrap_or_else(|| panic!("the server did not start: {}", server.log()));
        server.address = address.parse().expect("an address");
        server
    }

    /// Starts the server and kills it with -9 after a time, whatever it is doing then.
    pub fn killed_after(self, time: Duration) {
        let mut child =
            self.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        std::thread::sleep(time);
        child.kill().expect("kill");
        child.wait().expect("wait");
    }

    /// Runs a server that is expected to refuse to start: its exit code and its one sentence. Panics unless it is
    /// one sentence, and when the server panicked.
    pub fn refusal(self) -> (Option<i32>, String) {
        let mut child =
            self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let end = Instant::now() + Duration::from_secs(30);
        while child.try_wait().expect("wait").is_none() {
            if Instant::now() > end {
                let _ = child.kill();
                panic!("the server neither serves nor ends: {:?}", child.wait_with_output());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let output = child.wait_with_output().expect("its output");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.stdout.is_empty(), "{:?}", output.stdout);
        assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{said}");
        // Lines of the log, which are JSON, may come before it.
        let sentences: Vec<_> = said.lines().filter(|line| !line.starts_with('{')).collect();
        assert_eq!(sentences.len(), 1, "{said}");
        assert!(sentences[0].starts_with("intent-api: "), "{said}");
        (output.status.code(), sentences[0].to_owned())
    }
}

/// A running server; killed by its pid when dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    pub folder: PathBuf,
    db: PathBuf,
}

impl Server {
    /// A server on a new database in `folder`.
    pub fn start(folder: &Path) -> Self {
        Start::at(folder).server()
    }

    /// Accepts the schema of the database as it is, as an operator does.
    pub fn accept_schema(&self) {
        let accept = || {
            let mut accept = command("t4");
            accept.args(["audit", "accept-schema", "--db"]).arg(&self.db);
            accept
        };
        // The server may note the change between the two steps; then what was shown is not what is there, and the
        // second try shows the note too.
        let mut last = String::new();
        let taken = (0..3).any(|_| {
            let shown = run(&mut accept());
            let shown = String::from_utf8(shown.stdout).expect("UTF-8");
            let sha256 = shown.split_whitespace().last().expect("a digest");
            let ended = run(accept().args(["--sha256", sha256]));
            last = String::from_utf8_lossy(&ended.stderr).into_owned();
            ended.status.success()
        });
        assert!(taken, "the schema is not accepted: {last}");
    }

    pub fn db(&self) -> PathBuf {
        self.db.clone()
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

    /// A request without credentials.
    pub fn get(&self, target: &str) -> Answer {
        self.call("GET", target, &[], "")
    }

    pub fn admin(&self, method: &str, target: &str, body: &str) -> Answer {
        self.call(method, target, &[("x-t4-admin-token", ADMIN)], body)
    }

    pub fn agent(&self, key: &str, method: &str, target: &str, body: &str) -> Answer {
        self.call(method, target, &[("x-t4-api-key", key)], body)
    }

    /// Registers an intent with this id.
    pub fn register(&self, key: &str, id: &str) -> Answer {
        self.agent(key, "POST", "/intents", &format!(r#"{{"id":"{id}","code":"F821","file":"src/a.py"}}"#))
    }

    /// A new key with a limit that no test reaches: the key, and its id.
    pub fn key(&self, agent: &str) -> (String, String) {
        self.key_with(&format!(r#"{{"agent_id":"{agent}","owner":"team","rate_per_minute":1000000}}"#))
    }

    /// A new key made with this body: the key, and its id.
    pub fn key_with(&self, body: &str) -> (String, String) {
        let made = self.admin("POST", "/admin/api_keys", body).json();
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

    /// The exit that a signal before has asked for, within the time.
    pub fn ended(&mut self, within: Duration) -> ExitStatus {
        let child = &mut self.child;
        eventually("the server stops", within, || child.try_wait().expect("wait"))
    }

    /// SIGTERM, and the exit within the time.
    pub fn stop(mut self, within: Duration) -> ExitStatus {
        self.signal("-TERM");
        self.ended(within)
    }

    /// Whether the process still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("wait").is_none()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let last: Vec<_> = log.lines().rev().take(30).collect();
            let last: Vec<_> = last.into_iter().rev().collect();
            eprintln!(
                "the server's last lines, it {}:\n{}",
                if self.runs() { "runs" } else { "has ended" },
                last.join("\n")
            );
        }
        // Already gone after `stop` and `kill`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
