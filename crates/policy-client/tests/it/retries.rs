//! What is tried again, and what is not.

use std::time::Duration;

use crate::support::{Canned, Reply, error, intent, json, reply};
use api_types::{Code, CreateIntent, PatchIntent};
use policy_client::{Client, Error, RetryPolicy};
use serde_json::json as value;

fn created() -> Reply {
    json(201, &value!({"status": "ok", "intent": intent("T4-1")}))
}

fn new() -> CreateIntent {
    CreateIntent { code: "F821".into(), ..CreateIntent::default() }
}

#[tokio::test]
async fn a_change_keeps_its_idempotency_key_over_its_tries() {
    let troubles = [Reply::Cut, error(Code::StoreUnavailable, &[])];
    let server = Canned::serve(move |n, _| troubles.get(n).cloned().unwrap_or_else(created));
    let client = server.client();
    assert_eq!(client.register(new()).await.unwrap().id, "T4-1");
    client.register(new()).await.unwrap();
    let seen = server.seen();
    let keys: Vec<_> = seen.iter().map(|s| s.header("idempotency-key").unwrap()).collect();
    assert_eq!(keys.len(), 4);
    assert_eq!(keys[0].len(), 32);
    assert!(keys[0].bytes().all(|b| b.is_ascii_hexdigit()));
    assert_eq!((keys[0], keys[0]), (keys[1], keys[2]));
    assert_ne!(keys[0], keys[3], "another call is another change");
    assert_eq!(seen[0].body, seen[2].body);
}

#[tokio::test]
async fn every_trouble_that_may_pass_is_tried_three_times_and_no_more() {
    for status in [429, 502, 503, 504] {
        let server = Canned::serve(move |_, _| reply(status, &[], "<html>"));
        let error = server.client().summary().await.unwrap_err();
        assert!(error.is_undecided(), "{error}");
        assert_eq!(server.seen().len(), 3, "{status}");
    }
}

#[tokio::test]
async fn a_refusal_is_not_tried_again() {
    let never = [Code::NoProvider, Code::InsufficientQuota];
    for code in Code::ALL.iter().filter(|c| never.contains(c) || !matches!(c.status(), 429 | 503)) {
        let server = Canned::serve(|_, _| error(*code, &["Retry-After: 0"]));
        let refused = server.client().register(new()).await.unwrap_err();
        match refused {
            Error::Api { status, code: Some(got), ref request_id, ref details, .. } => {
                assert_eq!((status, got), (code.status(), *code));
                assert_eq!(request_id.as_deref(), Some("req-1"));
                assert_eq!(details.as_deref(), Some(&value!({"a": 1})));
            }
            other => panic!("{other}"),
        }
        let open = code.status() >= 500 || *code == Code::RequestTimeout;
        assert_eq!(refused.is_undecided(), open, "{code:?}");
        assert_eq!(server.seen().len(), 1, "{code:?}");
    }
}

#[tokio::test]
async fn a_refusal_whose_body_is_cut_off_is_still_a_refusal() {
    let cut = b"HTTP/1.1 409 X\r\nContent-Length: 500\r\n\r\n{".to_vec();
    let server = Canned::serve(move |_, _| Reply::Raw(cut.clone()));
    let refused = server.client().register(new()).await.unwrap_err();
    assert!(matches!(refused, Error::Api { status: 409, .. }), "{refused}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_short_retry_after_is_waited_out() {
    let server = Canned::serve(|n, _| match n {
        0 => error(Code::RateLimited, &["Retry-After: 1"]),
        _ => json(200, &value!({"status": "ok", "intent": intent("x")})),
    });
    let patch = PatchIntent { ticket: Some(None), ..PatchIntent::default() };
    let begun = tokio::time::Instant::now();
    server.client().update("x", patch).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.seen()[1].json(), value!({"ticket": null}));
}

#[tokio::test]
async fn a_long_retry_after_ends_the_call_and_is_told() {
    let server = Canned::serve(|_, _| error(Code::TooManyFailures, &["Retry-After: 60"]));
    match server.client().get("x").await.unwrap_err() {
        Error::RateLimited { code, retry_after, .. } => {
            assert_eq!(code, Some(Code::TooManyFailures));
            assert_eq!(retry_after, Some(Duration::from_mins(1)));
        }
        other => panic!("{other}"),
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_silent_server_times_out_on_every_try() {
    let server = Canned::serve(|_, _| Reply::Silence);
    let client = server.builder().timeout(Duration::from_millis(60)).build().unwrap();
    let error = client.health().await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn the_deadline_holds_over_all_tries() {
    let server = Canned::serve(|_, _| Reply::Silence);
    let retry = RetryPolicy { tries: 100, deadline: Duration::from_millis(300), ..RetryPolicy::default() };
    let client = server.builder().retry(retry).timeout(Duration::from_millis(100)).build().unwrap();
    let begun = tokio::time::Instant::now();
    let error = client.health().await.unwrap_err();
    assert!(error.is_undecided());
    assert!(begun.elapsed() < Duration::from_millis(800), "{:?}", begun.elapsed());
    assert!((1..=4).contains(&server.seen().len()));
}

#[tokio::test]
async fn a_single_try_does_not_outlast_the_deadline() {
    let server = Canned::serve(|_, _| Reply::Silence);
    let retry = RetryPolicy { deadline: Duration::from_millis(100), ..RetryPolicy::default() };
    let client = server.builder().retry(retry).timeout(Duration::from_secs(5)).build().unwrap();
    let begun = tokio::time::Instant::now();
    assert!(matches!(client.health().await, Err(Error::TimedOut { .. })));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_closed_port_is_unreachable_and_says_what_to_check() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::builder()
        .base_url(format!("http://{free}"))
        .api_key("k")
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    let error = client.health().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }) && error.is_undecided());
    assert!(error.to_string().contains("T4_INTENT_API"));
}

#[tokio::test]
async fn a_client_told_never_to_repeat_asks_once() {
    let server = Canned::serve(|_, _| Reply::Cut);
    let client = server.builder().retry(RetryPolicy::never()).build().unwrap();
    assert!(matches!(client.register(new()).await, Err(Error::Unreachable { .. })));
    assert_eq!(server.seen().len(), 1);
}
