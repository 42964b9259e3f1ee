//! Git repository, registry with canned answers, and the program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// The registry: what it was asked, and how it answers.
pub struct Registry {
    pub url: String,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Registry {
    /// Answers every check with what `answer` makes of its body.
    pub fn serve(answer: impl Fn(&Value) -> (u16, Value) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let body = body_of(&stream);
                log.lock().unwrap().push(body.clone());
                let (status, answer) = answer(&body);
                respond(stream, status, &answer.to_string());
            }
        });
        Self { url, asked }
    }

    /// Covers every file but these; reserves when asked to.
    pub fn missing(names: &'static [&'static str]) -> Self {
        Self::serve(move |body| {
            let files: Vec<_> = body["files"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            let missing: Vec<_> = files.into_iter().filter(|file| names.contains(file)).collect();
            let wanted = body["auto_create_reserved"] == true;
            let reserved: Vec<_> = missing.iter().filter(|_| wanted).map(|file| placeholder(file)).collect();
            (200, json!({"ok": missing.is_empty(), "missing": missing, "reserved": reserved}))
        })
    }

    /// Refuses everything.
    pub fn refusing(status: u16, code: &'static str) -> Self {
        Self::serve(move |_| {
            let error = json!({"code": code, "message": "no", "request_id": "req-7"});
            (status, json!({"error": error, "detail": "no"}))
        })
    }

    /// The bodies that came.
    pub fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }

    /// The files of the only check that came.
    pub fn files(&self) -> Vec<String> {
        let asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        serde_json::from_value(asked[0]["files"].clone()).unwrap()
    }
}

fn placeholder(file: &str) -> Value {
    json!({
        "id": "T4-01arz3ndektsv4rrffq69g5fav", "code": "F821", "type": "lint", "file": file, "line": 1,
        "import_text": null, "reason_category": null, "reason": null, "suggestion": null, "owner": null,
        "ticket": null, "eta": null, "status": "reserved", "created_at": "2026-01-01T00:00:00.000000Z",
        "modified_at": "2026-01-01T00:00:00.000000Z", "resolved_at": null, "raw": null, "agent_id": "a",
    })
}

fn body_of(stream: &TcpStream) -> Value {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut length, mut line) = (0, String::from("-"));
    while !line.trim().is_empty() {
        line.clear();
        reader.read_line(&mut line).unwrap();
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).unwrap()
}

fn respond(mut stream: TcpStream, status: u16, body: &str) {
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

/// A folder of its own, with a git repository in it or not.
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// An empty folder outside of any repository.
    pub fn plain() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A repository whose branch `main` holds `old.py` and `gone.py`, on a branch `work`.
    pub fn repository() -> Self {
        let folder = Self::plain();
        folder.git(&["init", "-q", "-b", "main"]);
        folder.write("old.py", "1").write("gone.py", "1").commit();
        folder.git(&["switch", "-q", "-c", "work"]);
        folder
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    pub fn write(&self, name: impl AsRef<Path>, text: &str) -> &Self {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub fn commit(&self) -> &Self {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "x"])
    }

    pub fn git(&self, arguments: &[&str]) -> &Self {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(arguments);
        let output = quiet(&mut command, self.0.path()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        self
    }

    /// `t4 pre-pr` with these arguments, ready to run here with a key.
    pub fn t4(&self, registry: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_t4"));
        command.arg("pre-pr").args(arguments);
        quiet(&mut command, self.0.path()).env("T4_API_KEY", "geheim").env("T4_INTENT_API", registry);
        command
    }

    /// Runs it.
    pub fn run(&self, registry: &Registry, arguments: &[&str]) -> Ended {
        self.t4(&registry.url, arguments).output().unwrap().into()
    }
}

/// The machine's settings of git do not count.
fn quiet<'a>(command: &'a mut Command, folder: &Path) -> &'a mut Command {
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder))
        .env_remove("GIT_DIR")
        .env_remove("T4_API_KEY")
        .env_remove("T4_INTENT_API")
}

/// How the program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let ended = Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!ended.err.contains("panicked"), "{}", ended.err);
        assert!(!format!("{}{}", ended.out, ended.err).contains("geheim"));
        ended
    }
}
