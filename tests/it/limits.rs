//! Limits of requests by key and of failed authentications by address, on a clock that a test moves.

use std::collections::VecDeque;

use api_types::Code;
use control_plane::jobs;
use proptest::test_runner::{Config, TestRunner};
use registry_core::Clock as _;
use serde_json::json;

use crate::support::{Answer, Key, Setup, TestApp, request_rows};

async fn get(app: &TestApp, key: &Key) -> Answer {
    app.get("/intents").key(&key.text).send().await
}

/// How many of `calls` are admitted.
async fn admitted(app: &TestApp, key: &Key, calls: u32) -> u32 {
    let mut admitted = 0;
    for _ in 0..calls {
        admitted += u32::from(get(app, key).await.status == 200);
    }
    admitted
}

#[actix_web::test]
async fn an_idle_key_has_120_requests_at_once_and_then_none_for_60_seconds() {
    let app = TestApp::new().await;
    let (key, other) = (app.key("a").await, app.key("b").await);
    for left in (0..120_u32).rev() {
        let answer = get(&app, &key).await;
        answer.ok(200);
        assert_eq!(answer.told("ratelimit-policy"), "\"key\";q=120;w=60");
        assert_eq!(answer.told("ratelimit"), format!("\"key\";r={left};t=60"));
        assert_eq!(answer.told("x-ratelimit-limit"), "120");
        assert_eq!(answer.told("x-ratelimit-remaining"), left.to_string());
        assert_eq!(answer.told("x-ratelimit-reset"), "60");
        assert_eq!(answer.header("retry-after"), None);
    }
    let refused = get(&app, &key).await;
    refused.refused(Code::RateLimited);
    assert_eq!((refused.told("retry-after"), refused.told("x-ratelimit-remaining")), ("60", "0"));
    assert_eq!(get(&app, &other).await.status, 200, "another key has its own limit");
    app.clock.advance_micros(59_999_999);
    let refused = get(&app, &key).await;
    refused.refused(Code::RateLimited);
    assert_eq!(refused.told("retry-after"), "1");
    app.clock.advance_micros(1);
    assert_eq!(admitted(&app, &key, 130).await, 120);
}

#[test]
fn no_window_of_60_seconds_holds_more_than_the_limit_and_nobody_is_refused_below_it() {
    const LIMIT: usize = 7;
    let system = actix_web::rt::System::new();
    let app = system.block_on(TestApp::new());
    let steps = proptest::collection::vec(0_u64..20_000_000, 1..80);
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let held = runner.run(&steps, |steps| {
        system.block_on(async {
            let key = app.key_with(json!({ "agent_id": "a", "rate_per_minute": LIMIT })).await;
            let mut last: VecDeque<u64> = VecDeque::new();
            for step in steps {
                app.clock.advance_micros(step);
                let now = app.clock.monotonic_micros();
                last.retain(|at| at + 60_000_000 > now);
                let answer = get(&app, &key).await;
                assert_eq!(answer.status == 200, last.len() < LIMIT, "{last:?} at {now}: {}", answer.text());
                if answer.status == 200 {
                    last.push_back(now);
                } else {
                    let free = last.front().expect("a full window") + 60_000_000 - now;
                    assert_eq!(answer.told("retry-after"), free.div_ceil(1_000_000).to_string());
                }
            }
        });
        Ok(())
    });
    held.expect("the limit is exact");
}

#[actix_web::test]
async fn a_key_may_have_its_own_limit_which_an_admin_can_change_at_once() {
    let mut setup = Setup::new();
    setup.options.rate_per_minute = 5;
    let app = setup.start().await;
    let usual = app.key("usual").await;
    assert_eq!(admitted(&app, &usual, 20).await, 5);
    let own = app.key_with(json!({ "agent_id": "own", "rate_per_minute": 3 })).await;
    assert_eq!(admitted(&app, &own, 20).await, 3);
    let path = format!("/admin/api_keys/{}", own.id);
    app.patch(&path, &json!({ "rate_per_minute": 10 })).admin().send().await.ok(200);
    assert_eq!(admitted(&app, &own, 20).await, 7);
    app.patch(&path, &json!({ "rate_per_minute": null })).admin().send().await.ok(200);
    assert_eq!(admitted(&app, &own, 20).await, 0);
    let none = app.key_with(json!({ "agent_id": "none", "rate_per_minute": 0 })).await;
    assert_eq!(admitted(&app, &none, 3).await, 0);
}

#[actix_web::test]
async fn a_wall_clock_that_jumps_changes_no_limit() {
    let app = TestApp::new().await;
    let key = app.key_with(json!({ "agent_id": "a", "rate_per_minute": 2 })).await;
    assert_eq!(admitted(&app, &key, 3).await, 2);
    let now = app.clock.now();
    for jump in [3600, -3600, 0] {
        app.clock.set_wall(now.plus_seconds(jump));
        assert_eq!(admitted(&app, &key, 3).await, 0);
    }
}

#[actix_web::test]
async fn refused_calls_of_a_good_key_count_too() {
    let app = TestApp::new().await;
    let key = app.key_with(json!({ "agent_id": "a", "scopes": "intents:read", "rate_per_minute": 4 })).await;
    let create = || app.post("/intents", &json!({ "code": "A" })).key(&key.text).send();
    for left in ["3", "2", "1", "0"] {
        let answer = create().await;
        answer.refused(Code::MissingScope);
        assert_eq!(answer.told("x-ratelimit-remaining"), left);
    }
    create().await.refused(Code::RateLimited);
}

#[actix_web::test]
async fn admins_and_strangers_have_no_limit_headers() {
    let app = TestApp::new().await;
    for answer in [app.get("/admin/api_keys").admin().send().await, app.get("/intents").send().await] {
        assert_eq!((answer.header("ratelimit"), answer.header("x-ratelimit-limit")), (None, None));
    }
}

/// Sums up what the log says of refusals: rows of one request each, aggregated rows, and requests in those.
async fn refusals(app: &TestApp) -> (usize, usize, i64) {
    jobs::flush_refusals(&app.services, app.clock.now(), true);
    let rows = app.new_rows().await;
    let single = request_rows(&rows).iter().filter(|row| row.status >= 400).count();
    let many: Vec<_> =
        rows.iter().filter(|row| row.event == "refusals" || row.event == "anonymous").collect();
    (single, many.len(), many.iter().map(|row| row.count).sum())
}

#[actix_web::test]
async fn ten_thousand_refused_requests_of_a_key_make_sixty_rows_and_a_count() {
    let app = TestApp::new().await;
    let key = app.key_with(json!({ "agent_id": "a", "rate_per_minute": 0 })).await;
    app.skip_rows().await;
    for _ in 0..10_000 {
        get(&app, &key).await.refused(Code::RateLimited);
    }
    assert_eq!(refusals(&app).await, (60, 1, 9_940));
    let page = app.get("/metrics").admin().send().await.text();
    assert!(page.contains("\nt4_audit_aggregated_total 9940\n"), "{page}");
    assert!(page.contains(r#"t4_limit_refusals_total{kind="key"} 10000"#), "{page}");
}

#[actix_web::test]
async fn ten_thousand_requests_without_a_key_make_ten_rows_and_a_count() {
    let app = TestApp::new().await;
    for request in 0..10_000 {
        // The network alone counts, whatever is asked for.
        app.get(if request % 2 == 0 { "/intents" } else { "/nowhere" }).send().await;
    }
    assert_eq!(refusals(&app).await, (10, 1, 9_990));
    // A minute later there are rows again.
    app.seconds(60);
    app.get("/intents").send().await;
    assert_eq!(refusals(&app).await, (1, 0, 0));
}

#[actix_web::test]
async fn refusals_of_a_use_case_are_aggregated_too() {
    let app = TestApp::new().await;
    let key = app.key_with(json!({ "agent_id": "a", "rate_per_minute": 1000 })).await;
    let create = || app.post("/intents", &json!({ "code": "A", "line": 0 })).key(&key.text).send();
    app.skip_rows().await;
    for _ in 0..100 {
        create().await.refused(Code::InvalidField);
    }
    // Successes always have their row.
    app.post("/intents", &json!({ "code": "A" })).key(&key.text).send().await.ok(201);
    assert_eq!(refusals(&app).await, (60, 1, 40));
    assert_eq!(app.count("SELECT count(*) FROM audit_log WHERE status_code = 201 AND agent_id = 'a'"), 1);
}

#[actix_web::test]
async fn a_network_that_failed_sixty_times_in_a_minute_waits() {
    let app = TestApp::new().await;
    let key = app.key("a").await;
    let fail = |from: &'static str| app.get("/intents").key("not-a-key-of-anybody").from(from).send();
    // Successes count nothing.
    for _ in 0..100 {
        get(&app, &key).await.ok(200);
    }
    for _ in 0..60 {
        fail("192.0.2.1").await.refused(Code::InvalidKey);
    }
    let answer = fail("192.0.2.1").await;
    answer.refused(Code::TooManyFailures);
    assert_eq!(answer.told("retry-after"), "60");
    app.get("/intents").send().await.refused(Code::TooManyFailures);
    fail("192.0.2.254").await.refused(Code::TooManyFailures);
    // Another network is free; so is a caller with the right key or token, even from there.
    fail("192.0.3.1").await.refused(Code::InvalidKey);
    assert_eq!(get(&app, &key).await.status, 200);
    let fresh = app.key("never seen before").await;
    assert_eq!(get(&app, &fresh).await.status, 200);
    app.get("/admin/api_keys").admin().send().await.ok(200);
    app.get("/admin/api_keys")
        .header("X-T4-Admin-Token", "guess")
        .send()
        .await
        .refused(Code::TooManyFailures);
    app.seconds(60);
    fail("192.0.2.1").await.refused(Code::InvalidKey);
}

#[actix_web::test]
async fn a_refused_scope_is_no_failed_authentication() {
    let app = TestApp::new().await;
    let key = app.key_with(json!({ "agent_id": "a", "scopes": "", "rate_per_minute": 500 })).await;
    for _ in 0..200 {
        get(&app, &key).await.refused(Code::MissingScope);
    }
    app.get("/intents").send().await.refused(Code::MissingCredentials);
}

#[actix_web::test]
async fn a_forwarded_address_counts_from_trusted_proxies_alone() {
    let mut setup = Setup::new();
    setup.settings.trusted_proxies = vec!["10.0.0.0/8".parse().expect("a range")];
    let app = setup.start().await;
    let fail = |peer: &'static str, forwarded: String| {
        app.get("/intents").from(peer).header("X-Forwarded-For", &forwarded).send()
    };
    // Behind the proxy each network has its own count; what the client itself wrote is to the left.
    for client in ["198.51.100.1", "198.51.101.1"] {
        for spoofed in 0..60 {
            let forwarded = format!("203.0.113.{spoofed}, {client}, 10.0.0.7");
            fail("10.0.0.1", forwarded).await.refused(Code::MissingCredentials);
        }
        fail("10.0.0.1", client.to_owned()).await.refused(Code::TooManyFailures);
    }
    fail("10.0.0.1", "198.51.102.1".to_owned()).await.refused(Code::MissingCredentials);
    // From anywhere else the header is the caller's own invention.
    for spoofed in 0..60 {
        fail("192.0.2.1", format!("203.0.113.{spoofed}")).await.refused(Code::MissingCredentials);
    }
    fail("192.0.2.1", "203.0.113.99".to_owned()).await.refused(Code::TooManyFailures);
    app.skip_rows().await;
    // Networks that have rows left this minute.
    app.get("/nowhere").from("10.0.0.1").header("X-Forwarded-For", "198.51.103.9").send().await;
    assert_eq!(app.one_row().await.ip, "198.51.103.9");
    app.get("/nowhere").from("192.0.3.77").header("X-Forwarded-For", "198.51.103.9").send().await;
    assert_eq!(app.one_row().await.ip, "192.0.3.77");
}

#[actix_web::test]
async fn public_pages_have_a_limit_by_network() {
    let app = TestApp::new().await;
    let page = |from: &'static str| app.get("/docs").from(from).send();
    for _ in 0..600 {
        assert_eq!(page("192.0.2.1").await.status, 200);
    }
    page("192.0.2.1").await.refused(Code::RateLimited);
    app.get("/openapi.json").send().await.refused(Code::RateLimited);
    page("192.0.2.254").await.refused(Code::RateLimited);
    assert_eq!(page("192.0.3.1").await.status, 200);
    for n in 0..600 {
        let from = format!("2001:db8:1:2::{n:x}");
        assert_eq!(app.get("/docs").from(&from).send().await.status, 200);
    }
    let answer = app.get("/docs").from("2001:db8:1:2:ffff::1").send().await;
    answer.refused(Code::RateLimited);
    app.get("/health").send().await.ok(200);
}
