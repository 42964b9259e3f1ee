//! How many requests are admitted, what a caller is told of it, and what a flood leaves in the log.

use crate::app::{Answer, Request, TestApp};
use crate::bad_input::assert_refused;
use intent_http::HttpSettings;
use intent_service::jobs::flush_refusals;
use registry_core::Clock as _;

const HEADERS: [&str; 5] =
    ["ratelimit-policy", "ratelimit", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];

/// How many of `n` requests are admitted.
async fn admitted(app: &TestApp, key: &str, n: usize) -> usize {
    let mut admitted = 0;
    for _ in 0..n {
        let answer = app.get(key, "/intents/none").await;
        assert!([404, 429].contains(&answer.status), "{}", answer.body);
        admitted += usize::from(answer.status == 404);
    }
    admitted
}

fn headers(answer: &Answer) -> [Option<&str>; 5] {
    HEADERS.map(|name| answer.header(name))
}

#[actix_web::test]
async fn exactly_120_requests_of_a_key_are_admitted_in_a_minute() {
    let app = TestApp::start().await;
    let (key, _) = app.key(r#"{"agent_id":"a"}"#).await;
    let (other, _) = app.key(r#"{"agent_id":"a"}"#).await;
    assert_eq!(admitted(&app, &key, 200).await, 120);
    assert_eq!(admitted(&app, &other, 1).await, 1, "a key's limit is its own");
    app.clock.advance_micros(59_999_999);
    assert_eq!(admitted(&app, &key, 5).await, 0);
    app.clock.advance_micros(1);
    assert_eq!(admitted(&app, &key, 200).await, 120);
}

#[actix_web::test]
async fn bursts_over_a_boundary_never_exceed_the_limit_in_any_window() {
    let app = TestApp::start().await;
    let (key, _) = app.key(r#"{"agent_id":"a","rate_per_minute":10}"#).await;
    let mut times = Vec::new();
    // Bursts of odd sizes at odd distances, many of them around full minutes.
    let steps = [
        (58, 9),
        (1, 3),
        (1, 8),
        (30, 4),
        (28, 7),
        (2, 9),
        (1, 2),
        (59, 12),
        (0, 5),
        (61, 12),
        (29, 6),
        (31, 8),
    ];
    let mut now = 0_u64;
    for (seconds, burst) in steps.into_iter().cycle().take(36) {
        app.advance(seconds);
        now += seconds;
        let before = times.iter().filter(|at| **at + 60 > now).count();
        let got = admitted(&app, &key, burst).await;
        assert_eq!(got, burst.min(10 - before), "at {now}: a place that is free is given");
        times.extend(std::iter::repeat_n(now, got));
    }
    for start in &times {
        assert!(times.iter().filter(|at| (*start..*start + 60).contains(at)).count() <= 10);
    }
}

#[actix_web::test]
async fn a_key_of_its_own_rate_has_that_and_zero_admits_nothing() {
    let app = TestApp::with(|options| options.rate_per_minute = 3, HttpSettings::default()).await;
    for (body, expected) in [("", 3), (r#","rate_per_minute":5"#, 5), (r#","rate_per_minute":0"#, 0)] {
        let (key, _) = app.key(&format!(r#"{{"agent_id":"a"{body}}}"#)).await;
        assert_eq!(admitted(&app, &key, 10).await, expected);
    }
}

#[actix_web::test]
async fn every_answer_to_a_known_key_tells_where_its_limit_stands() {
    let app = TestApp::start().await;
    let (key, _) = app.key(r#"{"agent_id":"a","rate_per_minute":3,"scopes":"intents:read"}"#).await;
    let told = |remaining: u32, reset: u32| {
        [
            Some("\"key\";q=3;w=60".to_owned()),
            Some(format!("\"key\";r={remaining};t={reset}")),
            Some("3".to_owned()),
            Some(remaining.to_string()),
            Some(reset.to_string()),
        ]
    };
    let owned = |answer: &Answer| headers(answer).map(|header| header.map(str::to_owned));
    let fine = app.get(&key, "/intents").await;
    assert_eq!((fine.status, owned(&fine)), (200, told(2, 60)));
    app.advance(10);
    let forbidden = app.post(&key, "/intents", r#"{"code":"F821"}"#).await;
    assert_eq!((forbidden.status, owned(&forbidden)), (403, told(1, 50)), "a refused call counts too");
    let missing = app.get(&key, "/intents/none").await;
    assert_eq!((missing.status, owned(&missing)), (404, told(0, 50)));
    app.clock.advance_micros(500_000);
    let over = app.get(&key, "/intents").await;
    assert_refused(&over, 429, "rate_limited", "the fourth");
    assert_eq!((owned(&over), over.header("retry-after")), (told(0, 50), Some("50")));
    app.clock.advance_micros(49_500_000);
    assert_eq!(app.get(&key, "/intents").await.status, 200);
    let strangers = [Request::new("GET", "/intents"), Request::new("GET", "/intents").key("nonsense")];
    for request in strangers {
        let answer = app.send(request).await;
        assert_eq!((answer.status, headers(&answer)), (401, [None; 5]));
    }
}

/// Rows and the sum of their counts of everything that was refused.
async fn refusals(app: &TestApp) -> (i64, i64) {
    flush_refusals(app.services(), app.clock.now(), true);
    let rows = app.count("SELECT COUNT(*) FROM audit_log WHERE outcome <> 'ok'").await;
    (rows, app.count("SELECT COALESCE(SUM(count), 0) FROM audit_log WHERE outcome <> 'ok'").await)
}

#[actix_web::test]
async fn a_flood_of_refusals_of_one_key_leaves_few_rows_that_count_them_all() {
    let app = TestApp::start().await;
    let (key, _) = app.key(r#"{"agent_id":"a","rate_per_minute":1}"#).await;
    assert_eq!(app.get(&key, "/intents").await.status, 200);
    for _ in 0..10_000 {
        assert_eq!(app.get(&key, "/intents").await.status, 429);
    }
    let (rows, counted) = refusals(&app).await;
    assert!((1..=70).contains(&rows), "{rows} rows");
    assert_eq!(counted, 10_000);
}

#[actix_web::test]
async fn a_flood_of_unknown_keys_from_one_address_leaves_few_rows_that_count_them_all() {
    let app = TestApp::start().await;
    for n in 0..5_000 {
        let key = format!("an-unknown-key-with-the-number-{n:05}");
        let answer = app.get(&key, "/intents").await;
        assert_eq!(answer.status, if n < 60 { 401 } else { 429 });
    }
    let (rows, counted) = refusals(&app).await;
    assert!((1..=70).contains(&rows), "{rows} rows");
    assert_eq!(counted, 5_000);
}

#[actix_web::test]
async fn after_60_failures_an_address_waits_but_a_good_key_from_it_does_not() {
    let app = TestApp::start().await;
    let good = app.agent("a").await;
    let get = |key: &str, peer: &str| Request::new("GET", "/intents").key(key).peer(peer);
    let (bad, here, there) = ("nonsense, that is no key", "192.0.2.1:5000", "192.0.2.2:5000");
    for n in 0..60 {
        assert_eq!(app.send(get(bad, here)).await.status, 401, "{n}");
    }
    let blocked = app.send(get(bad, here)).await;
    assert_refused(&blocked, 429, "too_many_failures", "the 61st");
    assert_eq!((blocked.header("retry-after"), headers(&blocked)), (Some("60"), [None; 5]));
    assert_eq!(app.send(get(bad, "192.0.2.1:6000")).await.status, 429, "an address has many ports");
    let none = app.send(Request::new("GET", "/intents").peer(here)).await;
    assert_refused(&none, 429, "too_many_failures", "no key at all");
    let wrong_admin = Request::new("GET", "/admin/api_keys").header("x-t4-admin-token", "wrong").peer(here);
    assert_refused(&app.send(wrong_admin).await, 429, "too_many_failures", "a wrong admin token");
    assert_eq!(app.send(get(&good, here)).await.status, 200);
    assert_eq!(app.send(Request::new("GET", "/admin/api_keys").admin().peer(here)).await.status, 200);
    assert_refused(&app.send(get(bad, there)).await, 401, "invalid_key", "another address");
    app.clock.advance_micros(59_999_999);
    assert_eq!(app.send(get(bad, here)).await.status, 429);
    app.clock.advance_micros(1);
    assert_refused(&app.send(get(bad, here)).await, 401, "invalid_key", "after a minute");
}

#[actix_web::test]
async fn a_forwarded_address_is_believed_from_a_trusted_proxy_alone() {
    let settings =
        HttpSettings { trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()], ..HttpSettings::default() };
    let app = TestApp::with(|_| (), settings).await;
    let key = app.agent("a").await;
    let cases = [
        ("10.0.0.1:1", Some("203.0.113.9"), "203.0.113.9"),
        ("10.0.0.1:1", Some("6.6.6.6, 203.0.113.9, 10.0.0.2"), "203.0.113.9"),
        ("10.0.0.1:1", Some("203.0.113.9, nonsense"), "10.0.0.1"),
        ("10.0.0.1:1", None, "10.0.0.1"),
        ("192.0.2.7:1", Some("203.0.113.9"), "192.0.2.7"),
        ("[2001:db8::7]:1", Some("203.0.113.9"), "2001:db8::7"),
        ("10.0.0.1:1", Some("2001:db8::9"), "2001:db8::9"),
    ];
    for (peer, forwarded, expected) in cases {
        let mut request = Request::new("GET", "/intents").key(&key).peer(peer);
        if let Some(forwarded) = forwarded {
            request = request.header("x-forwarded-for", forwarded);
        }
        assert_eq!(app.send(request).await.status, 200);
        let last =
            app.rows("SELECT ip FROM audit_log WHERE path = '/intents' ORDER BY seq DESC LIMIT 1").await;
        assert_eq!(last, [Some(expected.to_owned())], "{peer} {forwarded:?}");
    }
    // Failures count for the client behind the proxy, not for the proxy.
    let guess = |client: &str| {
        let request = Request::new("GET", "/intents").key("nonsense, that is no key").peer("10.0.0.1:1");
        app.send(request.header("x-forwarded-for", client))
    };
    for _ in 0..60 {
        assert_eq!(guess("203.0.113.50").await.status, 401);
    }
    assert_eq!((guess("203.0.113.50").await.status, guess("203.0.113.51").await.status), (429, 401));
}
