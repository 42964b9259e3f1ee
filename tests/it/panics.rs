//! A handler that panics is a 500 of the one shape, with its row, and the server goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::{HttpResponse, web};
use api_types::Code;
use registry_core::{Entropy, SeededEntropy};
use serde_json::json;

use crate::support::Setup;
use crate::support::routes::World;

async fn panics() -> HttpResponse {
    panic!("a fault of the test's own");
}

/// Panics when it is told to.
struct Treacherous {
    entropy: SeededEntropy,
    armed: AtomicBool,
}

impl Entropy for Treacherous {
    fn fill(&self, out: &mut [u8]) {
        assert!(!self.armed.load(Ordering::SeqCst), "a fault of the test's own");
        self.entropy.fill(out);
    }
}

#[actix_web::test]
async fn a_panic_in_a_handler_is_500_in_the_one_shape() {
    let mut setup = Setup::new();
    setup.extra = |config| {
        config.route("/test/panic", web::to(panics));
    };
    let app = setup.start().await;
    for id in ["one", "two"] {
        let answer = app.get("/test/panic").header("X-Request-Id", id).send().await;
        answer.refused(Code::Internal);
        assert_eq!(answer.request_id(), id);
        // What went wrong is for the log, not for strangers.
        assert!(!answer.text().contains("test's own"));
        let row = app.one_row().await;
        assert_eq!((row.request_id.as_str(), row.status, row.outcome.as_str()), (id, 500, "internal"));
    }
    app.get("/health").send().await.ok(200);
}

#[actix_web::test]
async fn a_panic_behind_a_real_route_loses_nothing_and_its_row_says_who_and_where() {
    let entropy = Arc::new(Treacherous { entropy: SeededEntropy::new(3), armed: AtomicBool::new(false) });
    let mut setup = Setup::new();
    setup.entropy = entropy.clone();
    let world = World::on(setup.start().await).await;
    let create = || {
        let call = world.app.post("/intents", &json!({ "code": "F821" })).key(&world.alice.text);
        call.header("X-Request-Id", "fault")
    };
    entropy.armed.store(true, Ordering::SeqCst);
    create().send().await.refused(Code::Internal);
    entropy.armed.store(false, Ordering::SeqCst);
    assert_eq!(world.app.intents(), 1);
    let row = world.app.one_row().await;
    assert_eq!((row.agent.as_str(), row.outcome.as_str(), row.status), ("alice", "internal", 500));
    assert_eq!((row.route.as_str(), row.path.as_str()), ("/intents", "/intents"));
    create().send().await.ok(201);
    let page = world.app.get("/metrics").admin().send().await.text();
    assert!(
        page.contains(r#"t4_http_requests_total{method="POST",route="/intents",status="500"} 1"#),
        "{page}"
    );
}
