use super::*;
use crate::queue::Queue;
use crate::{SqliteOptions, SqliteStore};
use api_keys::Pepper;
use registry_core::{Clock, SystemClock, SystemEntropy};
use std::sync::mpsc;
use storage::{Job, JobCaller, KeyUsage, Precedence, Store as _, Tx};

fn given(job: impl Job + 'static) -> WriterJob {
    WriterJob::Given(Box::new(job))
}

struct Nothing(mpsc::Sender<Result<(), StoreError>>);

impl Job for Nothing {
    fn run(&mut self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        tx.recall("t4_a", "op", "k").map(drop)
    }

    fn done(self: Box<Self>, end: Result<(), StoreError>) {
        self.0.send(end).unwrap();
    }

    fn precedence(&self) -> Precedence {
        Precedence::Control
    }

    fn caller(&self) -> &JobCaller {
        &JobCaller::Platform
    }
}

/// A writer that has just given its connection up.
fn broken_writer(folder: &tempfile::TempDir) -> Writer {
    let path = folder.path().join("registry.db");
    let pepper = Pepper::from_text("a pepper for tests of 32 chars!!").unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let options = SqliteOptions::new(path.clone(), Arc::clone(&clock), Arc::new(SystemEntropy), &pepper);
    let (store, _) = SqliteStore::open(options).unwrap();
    store.close(Duration::from_mins(1)).unwrap();
    let shared = Arc::new(WriterState::new(Queue::new(8, 1), clock));
    shared.write_trouble.store(true, Ordering::SeqCst);
    let deadline = ReadDeadline::new(Arc::clone(&shared.clock));
    Writer {
        path,
        max_pages: None,
        conn: None,
        locked: false,
        deadline,
        usage: StoredUsage::default(),
        log: LogGuard::default(),
        kept_stop: None,
        shared,
    }
}

fn write(writer: &mut Writer) -> Result<(), StoreError> {
    let (end, ended) = mpsc::channel();
    assert!(writer.shared.queue.push(given(Nothing(end))).is_ok());
    writer.batch(1);
    ended.recv().unwrap()
}

#[test]
fn a_connection_that_was_given_up_is_opened_again() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut writer = broken_writer(&folder);
    write(&mut writer).unwrap();
    assert!(!writer.shared.write_trouble.load(Ordering::SeqCst));
}

#[test]
fn what_was_known_of_the_counts_is_read_again_on_a_new_connection() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut writer = broken_writer(&folder);
    write(&mut writer).unwrap();
    writer.usage.keep("t4_a".to_owned(), KeyUsage { intents: 7, ..KeyUsage::default() });
    write(&mut writer).unwrap();
    assert!(writer.usage.get("t4_a").is_some(), "nobody else has written");
    writer.conn = None;
    write(&mut writer).unwrap();
    assert_eq!(writer.usage.get("t4_a"), None);
}

/// Tells whether a key that was read at `epoch` may have changed.
struct KeysMoved {
    epoch: u64,
    moved: mpsc::Sender<bool>,
}

impl Job for KeysMoved {
    fn run(&mut self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        self.moved.send(tx.keys_moved(self.epoch)?).unwrap();
        Ok(())
    }

    fn done(self: Box<Self>, end: Result<(), StoreError>) {
        end.unwrap();
    }

    fn precedence(&self) -> Precedence {
        Precedence::Control
    }

    fn caller(&self) -> &JobCaller {
        &JobCaller::Platform
    }
}

/// No watcher runs beside this writer.
#[test]
fn a_write_sees_the_commit_of_another_process_before_the_watcher_does() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut writer = broken_writer(&folder);
    let moved = |writer: &mut Writer, epoch| {
        let (send, moved) = mpsc::channel();
        assert!(writer.shared.queue.push(given(KeysMoved { epoch, moved: send })).is_ok());
        writer.batch(1);
        moved.recv().unwrap()
    };
    assert!(moved(&mut writer, 0), "nothing is known of what came before the connection");
    let epoch = writer.shared.epoch.load(Ordering::SeqCst);
    assert!(!moved(&mut writer, epoch));
    write(&mut writer).unwrap();
    assert!(!moved(&mut writer, epoch), "commits of this writer to other rows");
    let other = Connection::open(&writer.path).unwrap();
    assert_eq!(other.execute("INSERT INTO meta (name, value) VALUES ('a', 'b')", []), Ok(1));
    assert!(moved(&mut writer, epoch));
    let epoch = writer.shared.epoch.load(Ordering::SeqCst);
    assert!(!moved(&mut writer, epoch));
}

#[test]
fn a_file_that_is_gone_or_replaced_is_not_written() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut writer = broken_writer(&folder);
    std::fs::remove_file(&writer.path).unwrap();
    assert!(matches!(write(&mut writer), Err(StoreError::Unavailable(_))));
    Connection::open(&writer.path).unwrap().execute_batch("CREATE TABLE other (id)").unwrap();
    assert!(matches!(write(&mut writer), Err(StoreError::Unavailable(_))));
    writer.probe();
    assert!(writer.shared.write_trouble.load(Ordering::SeqCst));
}
