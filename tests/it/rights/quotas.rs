//! What a key may keep, spend and change is what its row says in the transaction.

use api_types::Code;
use serde_json::json;

use super::Interrupted;

#[actix_web::test]
async fn a_quota_that_was_lowered_after_the_key_was_checked_holds() {
    let create = json!({ "code": "F821" });
    let hold = json!({
        "call_id": "c", "provider": "openai", "model": "gpt-4o-mini", "input_tokens": 10, "max_tokens": 10,
    });
    let cases = [
        ("UPDATE api_keys SET max_intents = 1 WHERE key = ?1", "/intents", &create, Code::QuotaExceeded),
        ("UPDATE api_keys SET max_stored_bytes = 9 WHERE key = ?1", "/intents", &create, Code::QuotaExceeded),
        (
            "UPDATE api_keys SET max_idempotency_rows = 0 WHERE key = ?1",
            "/intents",
            &create,
            Code::QuotaExceeded,
        ),
        (
            "UPDATE api_keys SET max_audit_bytes_per_day = 1 WHERE key = ?1",
            "/intents",
            &create,
            Code::DailyQuotaExceeded,
        ),
        (
            "UPDATE api_keys SET daily_limit_pico = 1 WHERE key = ?1",
            "/llm/holds",
            &hold,
            Code::InsufficientQuota,
        ),
    ];
    for (change, path, body, code) in cases {
        let it = Interrupted::new().await;
        it.sql(change);
        let before = it.state();
        let answer = it.world.app.post(path, body).key(&it.world.alice.text).once("k").send().await;
        it.refused(&format!("{change}: {}", answer.text()), &answer, code, &before).await;
    }
}

#[actix_web::test]
async fn the_right_to_change_the_intents_of_others_is_read_in_the_transaction() {
    for change in [
        "UPDATE api_keys SET scopes = 'intents:write', owner = 'team-x' WHERE key = ?1",
        "UPDATE api_keys SET scopes = 'intents:read intents:write' WHERE key = ?1",
    ] {
        let it = Interrupted::new().await;
        let app = &it.world.app;
        let any = json!({ "agent_id": "any", "scopes": "intents:write intents:any" });
        let any = app.key_with(any).await;
        let (conn, id) = (app.outside(), any.id.clone());
        it.between.act(move |_| {
            assert_eq!(conn.execute(change, [id]), Ok(1));
        });
        let patch = json!({ "reason": "mine now" });
        app.patch("/intents/alice-1", &patch).key(&any.text).send().await.refused(Code::NotYours);
    }
}
