//! Prints how many creates with a record, stand-alone records and point reads a second the store does here.
//!
//! `cargo run --release -p storage-sqlite --example writer_rate [FOLDER]`. The folder should be on the disk that
//! is to be measured; it is filled and left.

#![expect(clippy::print_stdout, clippy::expect_used, reason = "a measurement for people")]

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use api_keys::Pepper;
use audit::{Draft, Leafed, Outcome, Principal};
use registry_core::{
    AgentId, Clock, Entropy, Intent, IntentId, KeyId, NewIntent, RequestId, SystemClock, SystemEntropy,
    Timestamp,
};
use storage::{Decided, Inserted, JobClass, PlatformAuthority, Store, StoreError};
use storage_sqlite::{SqliteOptions, SqliteStore};

const CALLERS: u64 = 64;
const EACH: u64 = 4000;

fn main() {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let pepper = Pepper::from_text("a pepper for the measurement only").expect("a pepper");
    let path = folder.join(format!("writer-rate-{}.db", clock.now().unix_seconds()));
    let options = SqliteOptions::new(path.clone(), Arc::clone(&clock), Arc::clone(&entropy), &pepper);
    let (store, _) = SqliteStore::open(options).expect("a new database");
    let store: Arc<dyn Store> = store;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");

    let start = clock.monotonic_micros();
    let ids = runtime.block_on(callers(&store, &clock, &entropy, create));
    report("intents created, each with its record", CALLERS * EACH, &*clock, start, &*store);

    let start = clock.monotonic_micros();
    runtime.block_on(callers(&store, &clock, &entropy, append));
    report("records appended, 50 at a time", CALLERS * EACH, &*clock, start, &*store);

    let start = clock.monotonic_micros();
    for id in ids.iter().take(200_000) {
        let found = store.read(|view| view.intent(id)).expect("a read");
        assert!(found.is_some(), "an acknowledged intent is there");
    }
    let reads = u64::try_from(ids.len().min(200_000)).unwrap_or(0);
    report("point reads, one thread", reads, &*clock, start, &*store);
    store.close(Duration::from_secs(10)).expect("a close");
    println!("{}", path.display());
}

type Caller = fn(Arc<dyn Store>, Arc<dyn Clock>, Arc<dyn Entropy>) -> Boxed;
type Boxed = std::pin::Pin<Box<dyn Future<Output = Vec<IntentId>> + Send>>;

async fn callers(
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
    caller: Caller,
) -> Vec<IntentId> {
    let start = || tokio::spawn(caller(Arc::clone(store), Arc::clone(clock), Arc::clone(entropy)));
    let tasks: Vec<_> = (0..CALLERS).map(|_| start()).collect();
    let mut ids = Vec::new();
    for task in tasks {
        ids.extend(task.await.expect("a caller"));
    }
    ids
}

fn create(store: Arc<dyn Store>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Boxed {
    Box::pin(async move {
        let mut ids = Vec::new();
        // A key for each caller, whose counts change with each of its creates.
        let key = key(&*entropy);
        for _ in 0..EACH {
            let now = clock.now();
            let intent = intent(now, &*entropy);
            ids.push(intent.id.clone());
            let draft = draft(now, &*entropy, &key);
            let creator = key.clone();
            let class = JobClass::agent(&key);
            let write = store.write(
                PlatformAuthority,
                class,
                draft.into(),
                clock.monotonic_micros(),
                move |tx, ()| {
                    tx.key_usage(&creator)?;
                    match tx.insert_intent(&intent, &[7; 32], Some(&creator))? {
                        Inserted::Yes => Ok(Decided::new(Ok::<_, Infallible>(()), Outcome::ok(201))),
                        Inserted::No { .. } => Err(StoreError::Unavailable("the id was taken".to_owned())),
                    }
                },
            );
            let Ok(()) = write.await.expect("a create");
        }
        ids
    })
}

fn append(store: Arc<dyn Store>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Boxed {
    Box::pin(async move {
        let key = key(&*entropy);
        for _ in 0..EACH / 50 {
            let record = || {
                let mut draft = draft(clock.now(), &*entropy, &key);
                draft.close(&Outcome::ok(200), None, 0).map(Leafed::new).expect("a record")
            };
            store.append((0..50).map(|_| record()).collect()).await.expect("an append");
        }
        Vec::new()
    })
}

fn intent(now: Timestamp, entropy: &dyn Entropy) -> Intent {
    let new = NewIntent {
        code: "F821".to_owned(),
        file: Some(format!("src/module_{}.py", entropy.next_u64() % 5000)),
        line: Some(12),
        reason: Some("the name is defined by a plugin".to_owned()),
        owner: Some(format!("team-{}", entropy.next_u64() % 50)),
        ticket: Some("T-1".to_owned()),
        ..NewIntent::default()
    };
    let agent = AgentId::new("agent-1").expect("an id");
    new.into_intent(|| IntentId::mint(now, entropy), agent, now).expect("an intent")
}

fn key(entropy: &dyn Entropy) -> KeyId {
    KeyId::from_stored(format!("t4_{:012}", entropy.next_u64() % 1_000_000_000_000))
}

fn draft(now: Timestamp, entropy: &dyn Entropy, key: &KeyId) -> Draft {
    let mut draft = Draft::request(now, RequestId::mint(entropy), "POST", "/intents", None);
    draft.set_principal(Principal::agent(key.clone(), AgentId::new("agent-1").expect("an id")));
    draft.set_route("/intents");
    draft.set_body(audit::Body::json(br#"{"code":"F821","file":"src/module.py","line":12}"#));
    draft
}

fn report(what: &str, count: u64, clock: &dyn Clock, start: u64, store: &dyn Store) {
    let micros = clock.monotonic_micros().saturating_sub(start).max(1);
    println!("{what}: {} /s; {:?}", count.saturating_mul(1_000_000) / micros, store.stats());
}
