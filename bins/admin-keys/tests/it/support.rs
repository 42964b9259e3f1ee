//! A folder of its own, and the program itself.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder with a database in it, sooner or later.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The database that the tests name.
    pub fn db(&self) -> PathBuf {
        self.path().join("registry.db")
    }

    /// The program with these arguments, here, in an environment that sets nothing.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_admin-keys"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        for name in ["T4_DB", "T4_KEY_PEPPER", "T4_KEY_PEPPER_FILE", "T4_ADMIN_TOKEN"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs it as it stands.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        ended(&mut self.command(arguments))
    }

    /// Runs it on the database.
    pub fn on_db(&self, arguments: &[&str]) -> Ended {
        let db = self.db();
        let arguments: Vec<_> = arguments.iter().copied().chain(["--db", db.to_str().unwrap()]).collect();
        self.run(&arguments)
    }

    /// Makes a key for an agent.
    pub fn create(&self, agent: &str) -> String {
        let ended = self.on_db(&["create", "--agent-id", agent]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.out.trim().to_owned()
    }

    pub fn sql(&self, sql: &str) {
        rusqlite::Connection::open(self.db()).unwrap().execute_batch(sql).unwrap();
    }
}

pub fn key_id(key: &str) -> &str {
    key.get(..15).unwrap()
}

pub fn ended(command: &mut Command) -> Ended {
    Ended::from(command.output().unwrap())
}

/// Runs a command with this on its stdin.
pub fn fed(mut command: Command, stdin: &str) -> Ended {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that refuses early may not read all of it.
    drop(child.stdin.take().unwrap().write_all(stdin.as_bytes()));
    Ended::from(child.wait_with_output().unwrap())
}

/// Runs a command whose stdout is this file.
pub fn written_to(mut command: Command, file: File) -> Ended {
    let child = command.stdout(file).stderr(Stdio::piped()).spawn().unwrap();
    Ended::from(child.wait_with_output().unwrap())
}

/// How the program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// What it printed, when all was fine.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.out).unwrap()
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let ended = Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!ended.err.contains("panicked"), "{}", ended.err);
        ended
    }
}
