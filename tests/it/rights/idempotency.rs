//! A kept answer is not shown to a key that has lost its right.

use api_types::Code;
use serde_json::json;

use super::Interrupted;

#[actix_web::test]
async fn a_kept_answer_is_refused_to_a_key_that_was_revoked_meanwhile() {
    let it = Interrupted::new().await;
    let (app, alice) = (&it.world.app, &it.world.alice);
    let create = || app.post("/intents", &json!({ "code": "F821" })).key(&alice.text).once("k-1");
    create().send().await.ok(201);
    app.skip_rows().await;
    it.sql("UPDATE api_keys SET revoked = 1 WHERE key = ?1");
    let before = it.state();
    let answer = create().send().await;
    it.refused("the repeat", &answer, Code::RevokedKey, &before).await;
}

#[actix_web::test]
async fn a_refusal_for_a_lost_right_is_not_kept_as_the_answer() {
    let it = Interrupted::new().await;
    let (app, alice) = (&it.world.app, &it.world.alice);
    let create = || app.post("/intents", &json!({ "code": "F821" })).key(&alice.text).once("k-1");
    it.sql("UPDATE api_keys SET revoked = 1 WHERE key = ?1");
    create().send().await.refused(Code::RevokedKey);
    app.until_noticed(|| {
        let restored = app.outside().execute("UPDATE api_keys SET revoked = 0 WHERE key = ?1", [&alice.id]);
        assert_eq!(restored, Ok(1));
    });
    create().send().await.ok(201);
}
