//! Every write route against every way to lose a right in between.

use api_types::Code;

use super::Interrupted;
use crate::support::routes::{ROUTES, RouteCase};

/// How a key loses its right between its check and its transaction.
#[derive(Debug, Clone, Copy)]
enum Loss {
    RevokedByAnotherProcess,
    RevokedHere,
    RevokedWhileTheWatcherIsPaused,
    Expired,
    SecretRotatedOut,
    PastTheGraceOfItsOldSecret,
    ScopeRemoved,
    Deleted,
    OfAnotherAgent,
}

const LOSSES: [(Loss, Code); 9] = [
    (Loss::RevokedByAnotherProcess, Code::RevokedKey),
    (Loss::RevokedHere, Code::RevokedKey),
    (Loss::RevokedWhileTheWatcherIsPaused, Code::RevokedKey),
    (Loss::Expired, Code::ExpiredKey),
    (Loss::SecretRotatedOut, Code::InvalidKey),
    (Loss::PastTheGraceOfItsOldSecret, Code::InvalidKey),
    (Loss::ScopeRemoved, Code::MissingScope),
    (Loss::Deleted, Code::InvalidKey),
    (Loss::OfAnotherAgent, Code::InvalidKey),
];

impl Loss {
    async fn prepare(self, it: &Interrupted) {
        match self {
            Self::RevokedByAnotherProcess => it.sql("UPDATE api_keys SET revoked = 1 WHERE key = ?1"),
            Self::RevokedHere => it.revoke_here(),
            Self::RevokedWhileTheWatcherIsPaused => {
                it.between.freeze(&*it.world.app.services.store);
                it.sql("UPDATE api_keys SET revoked = 1 WHERE key = ?1");
            }
            Self::Expired => it.later(366 * 86_400),
            Self::SecretRotatedOut => {
                it.sql(
                    "UPDATE api_keys SET mac = replace(mac, substr(mac, 1, 8), '00000000') WHERE key = ?1",
                );
            }
            Self::PastTheGraceOfItsOldSecret => {
                it.rotate(60).await;
                it.later(60);
            }
            Self::ScopeRemoved => it.sql("UPDATE api_keys SET scopes = 'plans:read' WHERE key = ?1"),
            Self::Deleted => it.sql("DELETE FROM api_keys WHERE key = ?1"),
            Self::OfAnotherAgent => it.sql("UPDATE api_keys SET agent_id = 'mallory' WHERE key = ?1"),
        }
    }
}

/// The writes of agents.
fn writes() -> impl Iterator<Item = &'static RouteCase> {
    ROUTES.iter().filter(|route| route.scope().is_some() && route.method != "GET")
}

/// Whether it ends what is held already.
fn settles(route: &RouteCase) -> bool {
    ["/llm/holds/{id}/settle", "/llm/holds/{id}/release"].contains(&route.template)
}

#[actix_web::test]
async fn no_write_acts_under_a_right_that_was_lost_after_its_key_was_checked() {
    for route in writes().filter(|route| !settles(route)) {
        for (loss, code) in LOSSES {
            let it = Interrupted::new().await;
            loss.prepare(&it).await;
            let before = it.state();
            let answer = route.call(&it.world).key(&it.world.alice.text).send().await;
            let what = format!("{} {} {loss:?}: {}", route.method, route.template, answer.text());
            it.refused(&what, &answer, code, &before).await;
        }
    }
}

#[actix_web::test]
async fn what_is_held_is_settled_and_released_whatever_became_of_the_key_meanwhile() {
    for route in writes().filter(|route| settles(route)) {
        for (loss, _) in LOSSES {
            let it = Interrupted::new().await;
            loss.prepare(&it).await;
            let answer = route.call(&it.world).key(&it.world.alice.text).send().await;
            assert_eq!(answer.status, route.success, "{} {loss:?}: {}", route.template, answer.text());
            assert!(!it.between.waits());
            let held = "SELECT COALESCE(SUM(held_pico), 0) FROM llm_accounts";
            assert_eq!(it.world.app.count(held), 0, "{} {loss:?}", route.template);
        }
    }
}

#[actix_web::test]
async fn a_paused_watcher_leaves_reads_to_the_bound_of_one_second_and_stops_every_write() {
    let it = Interrupted::new().await;
    let (app, alice) = (&it.world.app, &it.world.alice);
    app.get("/intents/alice-1").key(&alice.text).send().await.ok(200);
    it.between.freeze(&*app.services.store);
    let revoked = app.outside().execute("UPDATE api_keys SET revoked = 1 WHERE key = ?1", [&alice.id]);
    assert_eq!(revoked, Ok(1));
    app.get("/intents/alice-1").key(&alice.text).send().await.ok(200);
    let body = serde_json::json!({ "code": "F821" });
    app.post("/intents", &body).key(&alice.text).send().await.refused(Code::RevokedKey);
    app.clock.advance_micros(1_000_001);
    app.get("/intents/alice-1").key(&alice.text).send().await.refused(Code::RevokedKey);
}

#[actix_web::test]
async fn a_right_that_is_still_there_acts_although_the_row_was_written() {
    for route in writes() {
        let it = Interrupted::new().await;
        it.sql("UPDATE api_keys SET daily_limit_pico = daily_limit_pico + 1 WHERE key = ?1");
        let answer = route.call(&it.world).key(&it.world.alice.text).send().await;
        let expected = if route.success == 503 { "provider_failed" } else { "ok" };
        assert_eq!(answer.code(), expected, "{}: {}", route.template, answer.text());
        assert!(!it.between.waits());
    }
}
