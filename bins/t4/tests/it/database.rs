//! Database file with an audit log.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use api_types::CreateKey;
use audit::{Body, Draft, LogRow, chain};
use canonical::Digest;
use control_plane::{AdminCaller, OpContext, create_key};
use instance::{Instance, Options};
use rusqlite::{Connection, params};
use tokio::runtime::Runtime;

use crate::support::Ended;

/// A folder with one database in it.
pub struct Database {
    dir: tempfile::TempDir,
    runtime: Runtime,
}

impl Database {
    /// None yet.
    pub fn missing() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { dir: tempfile::tempdir().unwrap(), runtime }
    }

    /// One whose log has this many rows after the genesis row, each with a body.
    pub fn with_rows(count: usize) -> Self {
        let database = Self::missing();
        drop(instance::migrate(Options::new(database.path())).unwrap());
        database.append(count);
        database
    }

    /// One that the original service wrote, with this many rows in its log.
    pub fn original(rows: usize) -> Self {
        let database = Self::missing();
        database.sql(include_str!("../../../../migrations/sqlite/0001_original.sql"));
        for n in 0..rows {
            database.sql(&format!(
                "INSERT INTO audit_log (timestamp, api_key, agent_id, path, method, status_code, ip, body) VALUES \
                 ('2025-11-06T12:00:0{n}', 'a-key-of-the-original-service-{n:013}', 'a', '/intents', 'POST', 201, '::1', '{{}}')"
            ));
        }
        database
    }

    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("registry.db")
    }

    pub fn sql(&self, sql: &str) {
        Connection::open(self.path()).unwrap().execute_batch(sql).unwrap();
    }

    /// Opens it as a server would, and leaves it open.
    pub fn serve(&self) -> Instance {
        self.runtime.block_on(instance::open(Options::new(self.path()))).unwrap()
    }

    /// Does something with an open one, and closes it.
    pub fn with<T>(&self, f: impl AsyncFnOnce(&Instance) -> T) -> T {
        let instance = self.serve();
        self.runtime.block_on(async {
            let value = f(&instance).await;
            instance.close(Duration::from_secs(10)).await.unwrap();
            value
        })
    }

    /// Adds rows to the log.
    pub fn append(&self, count: usize) {
        self.with(async |instance| {
            for n in 0..count {
                make_key(instance, &format!("agent-{n}")).await;
            }
        });
    }

    /// The chain value of each row, as the table has it.
    pub fn heads(&self) -> Vec<String> {
        let conn = Connection::open(self.path()).unwrap();
        let mut rows =
            conn.prepare("SELECT lower(hex(chain)) FROM audit_log WHERE seq >= 0 ORDER BY seq").unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// Does what somebody would who knows how the log is made: edits a row, and computes every leaf and chain value
    /// anew.
    pub fn forge(&self, seq: u64, edit: &str) {
        self.sql(&format!("UPDATE audit_log SET {edit} WHERE seq = {seq}"));
        let mut rows = Vec::new();
        let file = storage_sqlite::open_read_only(&self.path()).unwrap();
        let mut visit = |row: LogRow<'_>| {
            if let LogRow::Placed(row) = row {
                rows.push(row.clone());
            }
        };
        file.view(&mut |view| view.log_rows(i64::MIN, 10_000, &mut visit).map(drop)).unwrap();
        let conn = Connection::open(self.path()).unwrap();
        let mut head = Digest::from_bytes([0; 32]);
        for row in rows {
            let leaf = row.record.leaf();
            head = chain(&head, &leaf);
            let values = params![leaf.as_bytes(), head.as_bytes(), row.id];
            conn.execute("UPDATE audit_log SET leaf = ?1, chain = ?2 WHERE id = ?3", values).unwrap();
        }
    }

    /// `t4` with these words and `--db`, in an environment that sets nothing.
    pub fn t4(&self, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        command.arg("--db").arg(self.path()).output().unwrap().into()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_t4"));
        command.args(arguments).current_dir(self.folder());
        for name in ["T4_DB", "T4_KEY_PEPPER", "T4_KEY_PEPPER_FILE"] {
            command.env_remove(name);
        }
        command
    }
}

/// A change with a body: one row of the log.
pub async fn make_key(instance: &Instance, agent: &str) {
    let services = &instance.services;
    let (now, at_micros) = (services.clock.now(), services.clock.monotonic_micros());
    let mut draft = Draft::tool(now, "test create");
    draft.set_body(Body::json(format!("{{\"agent_id\":\"{agent}\"}}").as_bytes()));
    let context = OpContext { caller: AdminCaller::by_file_access(), now, at_micros, draft: draft.into() };
    let body = CreateKey { agent_id: agent.to_owned(), ..CreateKey::default() };
    create_key(services, context, body, None).await.unwrap();
}
