//! Reads while every connection for scans is taken: what is small or must always be answered needs none of them, and
//! the rest does not run on the thread that serves requests.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{JoinHandle, ThreadId};
use std::time::Duration;

use api_types::Code;
use registry_core::ManualClock;
use serde_json::json;
use storage::{Store, StoreError, View};

use crate::support::{Key, Setup, TestApp};

/// Views that hold every connection for scans until this value is dropped.
struct TakenReaders {
    ends: Vec<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl TakenReaders {
    fn all_of(app: &TestApp) -> Self {
        let mut taken = Self { ends: Vec::new(), threads: Vec::new() };
        let (begun, begins) = channel();
        for _ in 0..app.services.store.readers() {
            let (end, ends) = channel::<()>();
            let (store, begun) = (Arc::clone(&app.services.store), begun.clone());
            taken.ends.push(end);
            taken.threads.push(std::thread::spawn(move || {
                store
                    .view(&mut |_| {
                        begun.send(()).expect("the test waits");
                        let _: Result<_, _> = ends.recv();
                        Ok(())
                    })
                    .expect("a view");
            }));
            begins.recv().expect("the view begins");
        }
        taken
    }
}

impl Drop for TakenReaders {
    fn drop(&mut self) {
        self.ends.clear();
        for thread in self.threads.drain(..) {
            thread.join().expect("the view ends");
        }
    }
}

async fn put(app: &TestApp, key: &Key, count: usize, file: &str, raw: usize) {
    let intent = json!({ "code": "F821", "file": file, "raw": { "x": "y".repeat(raw) } });
    let body = json!({ "intents": vec![intent; count] });
    app.post("/intents/batch", &body).key(&key.text).send().await.ok(201);
}

#[actix_web::test]
async fn while_every_reader_is_taken_keys_small_reads_writes_and_probes_are_answered() {
    let app = TestApp::new().await;
    let writer = app.key("writer").await;
    put(&app, &writer, 20, "src/a.py", 10).await;
    app.post("/intents", &json!({ "id": "known", "code": "F821" })).key(&writer.text).send().await.ok(201);
    let cold = app.key("cold").await;
    let _taken = TakenReaders::all_of(&app);
    // Nothing is known of a key that is used for the first time.
    app.get("/intents/known").key(&cold.text).send().await.ok(200);
    let list = app.get("/intents/by_file?file=src/a.py").key(&cold.text).send().await.ok(200);
    assert_eq!(list.as_array().map(Vec::len), Some(20));
    app.get("/intents/by_owner/nobody").key(&cold.text).send().await.ok(200);
    app.get("/intents/stale?days=1").key(&cold.text).send().await.ok(200);
    app.get("/llm/quota").key(&cold.text).send().await.ok(200);
    app.post("/intents", &json!({ "code": "F821" })).key(&cold.text).send().await.ok(201);
    for probe in ["/health", "/healthz", "/readyz"] {
        app.get(probe).send().await.ok(200);
    }
    let metrics = app.get("/metrics").from("127.0.0.1").send().await;
    assert_eq!(metrics.status, 200, "{}", metrics.text());
}

#[actix_web::test]
async fn a_list_of_many_rows_or_bytes_waits_for_a_reader_and_is_told_when_none_comes() {
    let app = TestApp::new().await;
    let key = app.key("agent").await;
    put(&app, &key, 101, "many.py", 1).await;
    put(&app, &key, 2, "large.py", 60_000).await;
    put(&app, &key, 129, "crowd.py", 1).await;
    let lists = [
        "/intents/by_file?file=many.py",
        "/intents/by_file?file=large.py",
        "/intents?file=none.py",
        // The page is small, but so many rows are sorted for it.
        "/intents/by_file?file=crowd.py&limit=10",
    ];
    {
        let _taken = TakenReaders::all_of(&app);
        for list in lists {
            let refused = app.get(list).key(&key.text).send().await;
            assert!(refused.header("retry-after").is_some());
            refused.refused(Code::ServerBusy);
        }
        // A page that is small is read at once, wherever the list goes on.
        let page = app.get("/intents/by_file?file=many.py&limit=100").key(&key.text).send().await;
        assert!(page.header("link").is_some());
        assert_eq!(page.ok(200).as_array().map(Vec::len), Some(100));
    }
    for (list, rows) in lists.into_iter().zip([101, 2, 0, 10]) {
        let found = app.get(list).key(&key.text).send().await.ok(200);
        assert_eq!(found.as_array().map(Vec::len), Some(rows), "{list}");
    }
}

/// What is called on the thread of each view, with whether the view may wait for a connection.
type Viewed = Arc<dyn Fn(bool) + Send + Sync>;

/// A store with a hook in its views, whose reads may be slow.
struct SlowStore {
    inner: Arc<dyn Store>,
    blocks: bool,
    viewed: Viewed,
}

impl SlowStore {
    fn under(setup: &mut Setup, blocks: bool, viewed: impl Fn(bool) + Send + Sync + 'static) {
        let viewed: Viewed = Arc::new(viewed);
        setup.options.wrap_store = Some(Arc::new(move |inner| {
            Arc::new(SlowStore { inner, blocks, viewed: Arc::clone(&viewed) }) as Arc<dyn Store>
        }));
    }
}

impl Store for SlowStore {
    storage::delegate_store!(inner: submit, readers, watch, audit_usage, stats, close);

    fn view(&self, f: &mut dyn FnMut(&dyn View) -> Result<(), StoreError>) -> Result<(), StoreError> {
        (self.viewed)(true);
        self.inner.view(f)
    }

    fn view_point(
        &self,
        patience: Duration,
        f: &mut dyn FnMut(&dyn View) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        (self.viewed)(!patience.is_zero());
        self.inner.view_point(patience, f)
    }

    fn reads_block(&self) -> bool {
        self.blocks
    }
}

/// Makes every kind of read, and gives which threads views ran on, with whether they might have had to wait there.
async fn threads_of_views(blocks: bool) -> Vec<(ThreadId, bool)> {
    let threads = Arc::new(Mutex::new(Vec::new()));
    let mut setup = Setup::new();
    let noted = Arc::clone(&threads);
    SlowStore::under(&mut setup, blocks, move |may_wait| {
        noted.lock().unwrap().push((std::thread::current().id(), may_wait));
    });
    let app = setup.start().await;
    let key = app.key("agent").await;
    app.post("/intents", &json!({ "id": "known", "code": "F821" })).key(&key.text).send().await.ok(201);
    threads.lock().unwrap().clear();
    let cold = app.key("cold").await;
    app.get("/intents/known").key(&cold.text).send().await.ok(200);
    for read in [
        "/intents/known",
        "/intents",
        "/intents/by_file?file=a.py",
        "/intents/by_owner/nobody",
        "/intents/stale",
        "/metrics/summary",
        "/llm/quota",
        "/llm/usage",
        "/llm/usage/summary",
    ] {
        app.get(read).key(&key.text).send().await.ok(200);
    }
    for read in
        ["/admin/api_keys", "/admin/audit", "/admin/audit/verify", "/admin/llm/usage", "/admin/llm/holds"]
    {
        app.get(read).admin().send().await.ok(200);
    }
    assert_eq!(app.get("/metrics").from("127.0.0.1").send().await.status, 200);
    let threads = std::mem::take(&mut *threads.lock().unwrap());
    assert!(threads.len() > 10, "{}", threads.len());
    threads
}

#[actix_web::test]
async fn when_reads_block_no_view_runs_on_the_thread_that_serves() {
    let here = std::thread::current().id();
    assert!(threads_of_views(true).await.iter().all(|(thread, _)| *thread != here));
}

#[actix_web::test]
async fn no_view_that_may_wait_for_a_connection_runs_on_the_thread_that_serves() {
    let here = std::thread::current().id();
    let threads = threads_of_views(false).await;
    assert!(threads.iter().all(|(thread, may_wait)| *thread != here || !may_wait));
    // Small reads do run there: the hop would cost more than they do.
    assert!(threads.contains(&(here, false)));
}

#[actix_web::test]
async fn what_takes_a_reader_too_long_ends_between_two_views() {
    let clock = Arc::new(OnceLock::<Arc<ManualClock>>::new());
    let mut setup = Setup::new();
    let ticking = Arc::clone(&clock);
    SlowStore::under(&mut setup, true, move |_| {
        if let Some(clock) = ticking.get() {
            clock.advance_micros(6_000_000);
        }
    });
    let app = setup.start().await;
    let key = app.key("agent").await;
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10001) \
                INSERT INTO intents (id, code, status) SELECT printf('x%06d', i), 'F821', 'reserved' FROM n";
    app.outside().execute(fill, []).unwrap();
    app.get("/metrics/summary").key(&key.text).send().await.ok(200);
    assert!(clock.set(Arc::clone(&app.clock)).is_ok());
    app.get("/metrics/summary").key(&key.text).send().await.refused(Code::DeadlineExceeded);
    // A look through rows that do not fit ends with where it goes on.
    let page = app.get("/intents?file=none.py").key(&key.text).send().await;
    assert!(page.header("link").is_some(), "{}", page.text());
    assert_eq!(page.ok(200).as_array().map(Vec::len), Some(0));
}
