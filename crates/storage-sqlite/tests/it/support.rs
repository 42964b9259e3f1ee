//! Helpers of these tests.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

pub mod ledger;
pub mod original;

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use api_keys::Pepper;
use audit::{LogRow, LogVerdict, Verifier};
use registry_core::{
    AgentId, Clock, Entropy, Intent, IntentId, NewIntent, SystemClock, SystemEntropy, Timestamp,
};
use rusqlite::Connection;
use storage::{Job, JobCaller, OpenError, OpenReport, Precedence, Store, StoreError, Tx};
use storage_sqlite::{SqliteOptions, SqliteStore};
use tempfile::TempDir;

pub fn pepper() -> Pepper {
    Pepper::from_text("a pepper for tests of 32 chars!!").unwrap()
}

/// Options for a file; the pepper must outlive them.
pub fn options<'p>(path: &Path, pepper: &'p Pepper) -> SqliteOptions<'p> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    SqliteOptions::new(path.to_owned(), clock, entropy, pepper)
}

/// Opens a file as a server would.
pub fn open(path: &Path) -> Result<(Arc<dyn Store>, OpenReport), OpenError> {
    let (store, report) = open_sqlite(path)?;
    Ok((store, report))
}

fn open_sqlite(path: &Path) -> Result<(Arc<SqliteStore>, OpenReport), OpenError> {
    SqliteStore::open(options(path, &pepper()))
}

/// Why a file does not open.
pub fn open_error(options: SqliteOptions<'_>) -> OpenError {
    SqliteStore::open(options).map(drop).unwrap_err()
}

/// A store in a folder of its own.
pub struct TempStore {
    folder: TempDir,
    store: Option<Arc<SqliteStore>>,
}

impl TempStore {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let (store, report) = open_sqlite(&folder.path().join("registry.db")).unwrap();
        assert!(report.created && report.adopted.is_none());
        Self { folder, store: Some(store) }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("registry.db")
    }

    pub fn store(&self) -> Arc<dyn Store> {
        self.sqlite()
    }

    /// The store with what this backend has beyond the contract.
    pub fn sqlite(&self) -> Arc<SqliteStore> {
        Arc::clone(self.store.as_ref().unwrap())
    }

    /// Another store on the same file.
    pub fn second(&self) -> Arc<dyn Store> {
        let (store, report) = open_sqlite(&self.path()).unwrap();
        assert!(!report.created);
        store
    }

    pub fn reopen(&mut self) {
        let store = self.store.take().unwrap();
        store.close(Duration::from_mins(1)).unwrap();
        drop(store);
        self.store = Some(open_sqlite(&self.path()).unwrap().0);
    }

    /// Counts again what each key has stored, as `t4 db recount` does.
    pub fn recount(&self) {
        storage_sqlite::recount(&self.path()).unwrap();
    }

    /// A connection of somebody with the `sqlite3` tool.
    pub fn by_hand(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

type Run = Box<dyn FnMut(&mut dyn Tx) -> Result<(), StoreError> + Send>;

struct Closure(Run, mpsc::Sender<Result<(), StoreError>>);

impl Job for Closure {
    fn run(&mut self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        (self.0)(tx)
    }

    fn done(self: Box<Self>, end: Result<(), StoreError>) {
        drop(self.1.send(end));
    }

    fn precedence(&self) -> Precedence {
        Precedence::Ordinary
    }

    fn caller(&self) -> &JobCaller {
        &JobCaller::Platform
    }
}

/// Submits a job; its end comes on the channel.
pub fn submit(
    store: &dyn Store,
    run: impl FnMut(&mut dyn Tx) -> Result<(), StoreError> + Send + 'static,
) -> mpsc::Receiver<Result<(), StoreError>> {
    let (end, ends) = mpsc::channel();
    store.submit(Box::new(Closure(Box::new(run), end)));
    ends
}

/// Runs a job to its end.
pub fn run(
    store: &dyn Store,
    job: impl FnMut(&mut dyn Tx) -> Result<(), StoreError> + Send + 'static,
) -> Result<(), StoreError> {
    submit(store, job).recv_timeout(Duration::from_mins(1)).unwrap()
}

/// A small intent.
pub fn intent(name: &str) -> Intent {
    let new = NewIntent { id: Some(name.to_owned()), code: "F821".to_owned(), ..NewIntent::default() };
    let agent = AgentId::new("agent").unwrap();
    new.into_intent(|| IntentId::new(name).unwrap(), agent, Timestamp::from_micros(1_700_000_000_000_000))
        .unwrap()
}

/// Inserts it.
pub fn insert(store: &dyn Store, name: &str) -> Result<(), StoreError> {
    let intent = intent(name);
    run(store, move |tx| tx.insert_intent(&intent, &[7; 32], None).map(drop))
}

/// Waits until something holds, at most `limit`.
pub fn within(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let clock = SystemClock::new();
    loop {
        if holds() {
            return true;
        }
        if Duration::from_micros(clock.monotonic_micros()) > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What verification says of the whole log and of the schema.
pub fn verdict(store: &dyn Store) -> LogVerdict {
    let (mut verifier, mut after) = (Verifier::from_genesis(), i64::MIN);
    loop {
        let mut visit = |row: LogRow<'_>| drop(verifier.push_row(&row));
        let (last, facts) =
            store.read(|view| Ok((view.log_rows(after, 1000, &mut visit)?, view.log_facts()?))).unwrap();
        match last {
            Some(last) => after = last,
            None => return verifier.finish_with(&facts),
        }
    }
}

/// Accepts the schema of a database as it is, as an operator would who has looked at it: once more when a server has
/// noted its stop meanwhile.
pub fn accept(path: &Path) {
    let accepted = || {
        let review = storage_sqlite::review_schema(path).unwrap();
        assert!(!review.is_clean());
        storage_sqlite::accept_schema(path, &review.sha256, Timestamp::EPOCH).unwrap().is_some()
    };
    assert!(accepted() || accepted());
}
