//! Calls under way end with the right of their key, and what is held is settled by its lease.

use std::sync::Arc;
use std::time::Duration;

use api_types::Code;
use control_plane::{LocalLedger, authenticate_agent, jobs};
use llm_policy::{Ledger as _, LostRight};
use serde_json::json;

use super::Interrupted;

/// No answer takes this long unless it is lost.
const LOST: Duration = Duration::from_secs(30);

impl Interrupted {
    /// The ledger of a call of alice's.
    async fn call(&self) -> Arc<LocalLedger> {
        let (services, key) = (&self.world.app.services, &self.world.alice.text);
        let (peer, now) = ("192.0.2.9".parse().expect("an address"), services.clock.now());
        let scope = api_keys::Scope::LlmCall;
        let admitted = authenticate_agent(services, Some(key), peer, scope, now).await.expect("a good key");
        LocalLedger::for_agent(services, admitted.caller)
    }

    async fn cut(&self) -> u64 {
        let services = &self.world.app.services;
        jobs::cut_calls(services, services.clock.now()).await.expect("the keys are read")
    }

    fn change(&self, sql: &str) {
        let alice = &self.world.alice.id;
        assert_eq!(self.world.app.outside().execute(sql, [alice]), Ok(1), "{sql}");
    }

    /// The same, until the server has noticed it.
    fn noticed_change(&self, sql: &str) {
        self.world.app.until_noticed(|| self.change(sql));
    }
}

async fn why(call: &LocalLedger) -> LostRight {
    tokio::time::timeout(LOST, call.right_lost()).await.expect("the call is cut")
}

#[actix_web::test]
async fn a_call_under_way_is_cut_when_its_key_has_lost_its_right() {
    for (change, code) in [
        ("UPDATE api_keys SET revoked = 1 WHERE key = ?1", Code::RevokedKey),
        ("UPDATE api_keys SET scopes = 'intents:read' WHERE key = ?1", Code::MissingScope),
        ("UPDATE api_keys SET expires_at = '2026-01-15T10:00:00Z' WHERE key = ?1", Code::ExpiredKey),
        ("DELETE FROM api_keys WHERE key = ?1", Code::InvalidKey),
    ] {
        let it = Interrupted::new().await;
        let (one, other) = (it.call().await, it.call().await);
        assert_eq!(it.cut().await, 0, "the key is good");
        it.noticed_change(change);
        assert_eq!(it.cut().await, 2, "{change}");
        assert_eq!(why(&one).await.code, code.as_str());
        assert_eq!(why(&other).await.code, code.as_str());
        assert_eq!(it.cut().await, 0, "each call is cut once");
    }
}

#[actix_web::test]
async fn a_call_is_cut_when_its_key_or_its_old_secret_expires_without_any_write() {
    let it = Interrupted::new().await;
    let call = it.call().await;
    it.rotate(60).await;
    it.world.app.seconds(59);
    assert_eq!(it.cut().await, 0);
    it.world.app.seconds(1);
    assert_eq!(it.cut().await, 1);
    assert_eq!(why(&call).await.code, "invalid_key");

    let it = Interrupted::new().await;
    let call = it.call().await;
    it.world.app.days(364);
    assert_eq!(it.cut().await, 0);
    it.world.app.days(1);
    assert_eq!(it.cut().await, 1);
    assert_eq!(why(&call).await.code, "expired_key");
}

#[actix_web::test]
async fn a_key_that_expires_is_cut_though_its_row_is_not_read_again() {
    let it = Interrupted::new().await;
    let call = it.call().await;
    let expires = it.world.app.services.clock.now().plus_micros(500_000);
    it.noticed_change(&format!("UPDATE api_keys SET expires_at = '{expires}' WHERE key = ?1"));
    assert_eq!(it.cut().await, 0, "the new row is read");
    // Nothing moves, and the last look at the database is fresh: no row is read.
    it.between.freeze(&*it.world.app.services.store);
    it.cut().await;
    it.world.app.clock.advance_micros(600_000);
    assert_eq!(it.cut().await, 1);
    assert_eq!(why(&call).await.code, "expired_key");
}

#[actix_web::test]
async fn a_paused_watcher_delays_the_cut_by_one_second_at_most() {
    let it = Interrupted::new().await;
    let call = it.call().await;
    it.between.freeze(&*it.world.app.services.store);
    it.change("UPDATE api_keys SET revoked = 1 WHERE key = ?1");
    it.world.app.clock.advance_micros(1_000_001);
    assert_eq!(it.cut().await, 1);
    assert_eq!(why(&call).await.code, "revoked_key");
}

#[actix_web::test]
async fn the_keys_of_running_calls_are_read_only_when_something_moved() {
    let it = Interrupted::new().await;
    let services = &it.world.app.services;
    let _call = it.call().await;
    it.cut().await;
    it.between.freeze(&*services.store);
    it.cut().await;
    // The epoch stands still, so the change is not looked for.
    it.change("UPDATE api_keys SET revoked = 1 WHERE key = ?1");
    assert_eq!(it.cut().await, 0);
}

#[actix_web::test]
async fn the_open_hold_of_a_revoked_key_is_settled_by_its_lease_at_its_worst_case() {
    let it = Interrupted::new().await;
    let (app, alice) = (&it.world.app, &it.world.alice);
    let worst = app.count("SELECT amount_pico FROM llm_holds");
    app.delete(&format!("/admin/api_keys/{}", alice.id)).admin().send().await.ok(200);
    let usage = json!({ "usage": { "prompt_tokens": 1, "completion_tokens": 1 } });
    let settle = app.post("/llm/holds/alice-call.1/settle", &usage).key(&alice.text);
    settle.send().await.refused(Code::RevokedKey);
    app.seconds(600);
    let settled = jobs::settle_orphans(&app.services, app.services.clock.now()).await;
    assert_eq!(settled.expect("the holds are read"), 1);
    assert_eq!(app.count("SELECT SUM(held_pico) FROM llm_accounts"), 0);
    assert_eq!(app.count("SELECT SUM(settled_pico) FROM llm_accounts WHERE scope = 'key'"), worst);
    assert_eq!(
        app.count("SELECT COUNT(*) FROM llm_usage WHERE source = 'worst_case' AND outcome = 'orphan'"),
        1
    );
}
