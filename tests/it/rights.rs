//! A right holds at the moment of the act: a key that loses it between the check of its head and the transaction of its
//! write does not act. The routes come from the table of `support/routes.rs`, which `authz_matrix` holds complete, so a
//! new write is covered by itself.

mod idempotency;
mod quotas;
mod routes;
mod running_calls;
mod sources;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use api_types::Code;
use registry_core::KeyId;
use serde_json::json;
use storage::Store;

use crate::support::routes::World;
use crate::support::{Answer, Between, Setup, Unreachable, gate};

/// A world whose writes a test can interrupt, and that would call a provider.
struct Interrupted {
    world: World,
    between: Between,
    provider: Arc<Unreachable>,
}

impl Interrupted {
    async fn new() -> Self {
        let mut setup = Setup::new();
        let (between, provider) = (Between::under(&mut setup), Arc::<Unreachable>::default());
        setup.gate = Some(gate(&provider));
        Self { world: World::on(setup.start().await).await, between, provider }
    }

    /// Lets another process write to alice's key just before her next write.
    fn sql(&self, change: &'static str) {
        let (conn, id) = (self.world.app.outside(), self.world.alice.id.clone());
        self.between.act(move |_| {
            let changed = conn.execute(change, [id]).expect("the change");
            assert_eq!(changed, 1, "{change}");
        });
    }

    /// Lets an admin of this server revoke alice's key just before her next write. Both may be in one transaction.
    fn revoke_here(&self) {
        let (id, now) = (self.alice(), self.world.app.services.clock.now());
        self.between.act(move |store: &dyn Store| {
            // Queued here, without waiting for its end.
            drop(store.upkeep(move |tx| {
                let key = tx.key(&id)?.expect("her key");
                assert!(tx.update_key(&key.revoked(now))?);
                Ok(())
            }));
        });
    }

    /// Moves the clock just before the next write of a key.
    fn later(&self, seconds: u64) {
        let clock = Arc::clone(&self.world.app.clock);
        self.between.act(move |_| clock.advance_micros(seconds * 1_000_000));
    }

    fn alice(&self) -> KeyId {
        KeyId::from_stored(self.world.alice.id.clone())
    }

    /// Everything that a refused write must leave as it is.
    fn state(&self) -> String {
        let tables = ["intents", "idempotency", "llm_holds", "llm_accounts", "llm_usage", "llm_alerts"];
        tables.map(|table| self.world.app.dump(table)).concat()
    }

    /// Checks that a write was refused with this code, that it changed nothing, and that its one row says so.
    async fn refused(&self, what: &str, answer: &Answer, code: Code, before: &str) {
        assert!(!self.between.waits(), "{what}: nothing was written");
        assert_eq!((answer.status, answer.code().as_str()), (code.status(), code.as_str()), "{what}");
        assert!(self.state() == before, "{what} changed something");
        assert_eq!(self.provider.asked.load(Ordering::SeqCst), 0, "{what}: a provider was asked");
        let rows = self.world.app.new_rows().await;
        let [row] = &rows[..] else { panic!("{what}: {rows:#?}") };
        let told = (row.api_key.as_str(), row.agent.as_str(), row.status, row.outcome.as_str());
        let alice = &self.world.alice;
        let expected = (alice.id.as_str(), "alice", i64::from(code.status()), code.as_str());
        assert_eq!(told, expected, "{what}");
        assert_eq!(row.request_id, answer.request_id(), "{what}");
    }

    /// The text of alice's key before a rotation with this overlap.
    async fn rotate(&self, overlap_seconds: u32) {
        let path = format!("/admin/api_keys/{}/rotate", self.world.alice.id);
        let body = json!({ "overlap_seconds": overlap_seconds });
        self.world.app.post(&path, &body).admin().send().await.ok(200);
        self.world.app.skip_rows().await;
    }
}
