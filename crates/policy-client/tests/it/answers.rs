//! Answers that the registry never gives.

use crate::support::{Canned, Reply, json, reply};
use policy_client::Error;
use serde_json::json as value;

const KEY: &str = "t4_000000000001_00000000000000000000000000000000000000000010dLTI1";

#[tokio::test]
async fn an_answer_that_is_not_json_names_the_address_as_suspect() {
    for body in ["<html>", "", "{\"intent\":", "[1,2]"] {
        let server = Canned::serve(move |_, _| reply(200, &["X-Request-Id: r9"], body));
        match server.client().by_file("a").await.unwrap_err() {
            error @ Error::InvalidAnswer { .. } => {
                assert!(error.to_string().contains("T4_INTENT_API") && error.is_undecided());
                assert!(format!("{error:?}").contains("r9"));
            }
            other => panic!("{other}"),
        }
        assert_eq!(server.seen().len(), 1, "the same address would answer the same");
    }
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_not_repeated_in_the_error() {
    let server = Canned::serve(|_, _| json(201, &value!({"key": "t4_geheim", "key_id": ["t4_geheim"]})));
    let admin = server.builder().build_admin().unwrap();
    let error = admin.create_key(api_types::CreateKey::default()).await.err().unwrap();
    assert!(!format!("{error} {error:?}").contains("t4_geheim"));
}

#[tokio::test]
async fn an_answer_that_repeats_the_key_does_not_bring_it_into_the_error() {
    let told = format!("the key {KEY} is wrong");
    let secret = KEY.split_at(16).1;
    for status in [400, 401, 429, 503] {
        let error = value!({"error": {"code": "missing_scope", "message": told, "request_id": KEY,
                                      "details": {KEY: [KEY]}}, "detail": told});
        let server =
            Canned::serve(move |_, _| reply(status, &[&format!("X-Request-Id: {KEY}")], error.to_string()));
        let error = server.builder().api_key(KEY).build().unwrap().by_file("a").await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains(secret) && shown.contains("the key t4_000000000001_[redacted] is wrong"),
            "{shown}"
        );
    }
    let server = Canned::serve(|_, _| reply(302, &[&format!("X-Request-Id: {KEY}")], ""));
    let error = server.builder().api_key(KEY).build().unwrap().by_file("a").await.unwrap_err();
    assert!(!format!("{error:?}").contains(secret), "{error:?}");
}

#[tokio::test]
async fn a_huge_answer_is_not_read() {
    let declared = b"HTTP/1.1 200 X\r\nContent-Length: 99999999999\r\n\r\n[".to_vec();
    let chunk = format!(
        "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n4000\r\n{}\r\n0\r\n\r\n",
        "x".repeat(0x4000)
    );
    for bytes in [declared, chunk.into_bytes()] {
        let server = Canned::serve(move |_, _| Reply::Raw(bytes.clone()));
        let client = server.builder().max_answer_bytes(0x3fff).build().unwrap();
        let error = client.stale(1).await.unwrap_err();
        assert!(matches!(error, Error::InvalidAnswer { .. }), "{error}");
        assert!(error.to_string().contains("larger"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_cut_short_is_asked_for_again() {
    let cut = b"HTTP/1.1 200 X\r\nContent-Length: 50\r\n\r\n[".to_vec();
    let server = Canned::serve(move |n, _| match n {
        0 => Reply::Raw(cut.clone()),
        _ => reply(200, &[], "[]"),
    });
    assert!(server.client().stale(1).await.unwrap().is_empty());
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Canned::serve(|_, _| reply(200, &[], "[]"));
    let line = format!("Location: {}/intents/stale", other.url);
    let server = Canned::serve(move |_, _| reply(307, &[&line], ""));
    let error = server.client().stale(1).await.unwrap_err();
    assert!(matches!(error, Error::InvalidAnswer { status: 307, .. }), "{error}");
    assert!(other.seen().is_empty());
}
