//! Every way between two statuses: the legal ones happen, the others are refused and change nothing.

use api_types::Code;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::routes::World;

/// The table of the contract.
const LEGAL: [(&str, &[&str]); 6] = [
    ("reserved", &["planned", "committed", "implemented", "accepted", "expired"]),
    ("planned", &["committed", "implemented", "accepted", "expired", "reserved"]),
    ("committed", &["implemented", "planned", "expired"]),
    ("implemented", &["planned"]),
    ("accepted", &["planned"]),
    ("expired", &["planned"]),
];

#[actix_web::test]
async fn exactly_the_transitions_of_the_contract_are_legal() {
    let app = TestApp::new().await;
    let key = app.key_with(json!({ "agent_id": "a", "rate_per_minute": 1000 })).await;
    for (from, legal) in LEGAL {
        for (to, _) in LEGAL {
            let id = format!("{from}-{to}");
            let body = json!({ "id": id, "code": "A", "status": from, "owner": "o", "ticket": "t" });
            app.post("/intents", &body).key(&key.text).send().await.ok(201);
            let path = format!("/intents/{id}");
            let before = app.get(&path).key(&key.text).send().await.ok(200);
            app.seconds(1);
            let answer =
                app.patch(&path, &json!({ "status": to, "reason": "new" })).key(&key.text).send().await;
            let after = app.get(&path).key(&key.text).send().await.ok(200);
            if from == to || legal.contains(&to) {
                assert_eq!(answer.ok(200)["intent"], after);
                assert_eq!((after["status"].as_str(), &after["reason"]), (Some(to), &"new".into()), "{id}");
                let resolved = ["implemented", "accepted"].contains(&to);
                assert_eq!(after["resolved_at"].is_string(), resolved, "{id}");
            } else {
                let error = answer.refused(Code::IllegalTransition);
                let mut allowed: Vec<_> = error["details"]["allowed"].as_array().expect("words").clone();
                allowed.sort_by_key(Value::to_string);
                let mut expected: Vec<Value> = legal.iter().map(|word| json!(word)).collect();
                expected.sort_by_key(Value::to_string);
                assert_eq!((&error["details"]["from"], allowed), (&json!(from), expected));
                assert_eq!(after, before, "{id}");
            }
        }
    }
}

#[actix_web::test]
async fn resolved_at_is_set_once_and_cleared_on_reopening() {
    let world = World::new().await;
    let world = &world;
    let patch = |body: Value| async move {
        let answer = world.app.patch("/intents/alice-1", &body).key(&world.alice.text).send().await;
        answer.ok(200)["intent"].take()
    };
    let done = patch(json!({ "status": "implemented" })).await;
    assert_eq!(done["resolved_at"], "2026-01-15T10:00:00.000000Z");
    world.app.seconds(60);
    let later = patch(json!({ "status": "implemented", "reason": "more" })).await;
    assert_eq!(
        (&later["resolved_at"], &later["modified_at"]),
        (&done["resolved_at"], &"2026-01-15T10:01:00.000000Z".into())
    );
    let open = patch(json!({ "status": "planned", "ticket": "X-1" })).await;
    assert_eq!(open["resolved_at"], Value::Null);
    let accepted = patch(json!({ "status": "documented" })).await;
    assert_eq!(
        (&accepted["status"], &accepted["resolved_at"]),
        (&"accepted".into(), &"2026-01-15T10:01:00.000000Z".into())
    );
}

#[actix_web::test]
async fn planned_and_committed_need_owner_and_ticket_however_they_come() {
    let world = World::new().await;
    let patch = |body: Value| world.app.patch("/intents/alice-1", &body).key(&world.alice.text).send();
    for status in ["planned", "committed"] {
        // It has an owner and no ticket.
        patch(json!({ "status": status })).await.refused(Code::OwnerAndTicketRequired);
        patch(json!({ "status": status, "ticket": null })).await.refused(Code::OwnerAndTicketRequired);
        let both = json!({ "status": status, "ticket": "t", "owner": null });
        patch(both).await.refused(Code::OwnerAndTicketRequired);
    }
    patch(json!({ "status": "planned", "ticket": "t" })).await.ok(200);
    patch(json!({ "ticket": null })).await.refused(Code::OwnerAndTicketRequired);
    patch(json!({ "status": "wip" })).await.refused(Code::InvalidField);
}
