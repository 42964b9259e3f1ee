//! Invalid answers: error statuses, other media types, and bodies that are too long or too short.

use llm_gate::provider::{Incoming, ProviderError};

use super::server::{
    COMPLETION, NOW, Server, Step, answer, chunked, collect, json_answer, open, openai, send, small, whole,
};

#[tokio::test]
async fn a_rate_limit_answer_states_the_retry_time() {
    for (header, seconds) in [
        ("retry-after: 7\r\n", Some(7)),
        ("retry-after: Sat, 21 Nov 2026 00:00:09 GMT\r\n", Some(9)),
        ("retry-after: later\r\n", None),
        ("", None),
    ] {
        assert_eq!(NOW, 1_795_219_200);
        let body = r#"{"error":{"message":"slow down"}}"#;
        let headers = format!("{header}request-id: req_9\r\n");
        let server = Server::always(answer("429 Too Many Requests", &headers, body)).await;
        let limited = whole(&*openai(&server.url)).await.unwrap();
        assert_eq!((limited.head.status, limited.head.retry_after), (429, seconds), "{header}");
        assert_eq!(limited.head.request_id.as_deref(), Some("req_9"));
        assert_eq!((&*limited.body, limited.usage, limited.text), (body.as_bytes(), None, None));
    }
}

#[tokio::test]
async fn an_error_document_may_report_usage() {
    let body = r#"{"error":{"message":"filtered"},"usage":{"prompt_tokens":8,"completion_tokens":0}}"#;
    let server = Server::always(answer("400 Bad Request", "", body)).await;
    let refused = whole(&*openai(&server.url)).await.unwrap();
    assert_eq!(refused.usage.unwrap().prompt_tokens, 8);
    assert_eq!(refused.text, None);
}

#[tokio::test]
async fn a_long_error_document_is_truncated() {
    let server = Server::always(answer("500 Oh", "", &"x".repeat(1 << 20))).await;
    let refused = whole(&*openai(&server.url)).await.unwrap();
    assert_eq!((refused.head.status, refused.body.len()), (500, 64 << 10));
}

#[tokio::test]
async fn an_error_whose_body_breaks_off_keeps_its_status() {
    let text = answer("503 Oh", "retry-after: 2\r\n", "overloaded");
    let text = text.strip_suffix("aded").unwrap().to_owned();
    let server = Server::start(move |_| vec![send(&text), Step::Close]).await;
    let refused = whole(&*openai(&server.url)).await.unwrap();
    assert_eq!((refused.head.status, refused.head.retry_after), (503, Some(2)));
    assert_eq!(refused.body, "overlo");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = Server::always(answer("307 Go", "location: /elsewhere\r\n", "")).await;
    let moved = whole(&*openai(&server.url)).await.unwrap();
    assert_eq!((moved.head.status, moved.text), (307, None));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_document_that_is_not_an_answer_is_passed_on_without_text() {
    let half = COMPLETION.split_at(COMPLETION.len() - 20).0;
    for (media, body) in [
        ("text/html", "<html><body>Welcome to the portal</body></html>"),
        ("application/json", half),
        ("application/json", ""),
        ("application/json", "[1,2]"),
        ("application/json", r#"{"error":{"message":"but 200"}}"#),
    ] {
        let text = answer("200 OK", &format!("content-type: {media}\r\n"), body);
        let server = Server::always(text).await;
        let odd = whole(&*openai(&server.url)).await.unwrap();
        assert_eq!((&*odd.body, odd.usage, odd.text), (body.as_bytes(), None, None));
        let Ok(Incoming::Whole(odd)) = openai(&server.url).send(small(true)).await else {
            panic!("a stream or an error for {body}");
        };
        assert_eq!((&*odd.body, odd.text), (body.as_bytes(), None));
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_refused() {
    let server = Server::always("HTTP/1.1 200 OK\r\ncontent-length: 33554433\r\n\r\n{").await;
    let error = whole(&*openai(&server.url)).await.unwrap_err();
    assert!(matches!(&error, ProviderError::BadAnswer(_)), "{error:?}");

    let padding = " ".repeat((32 << 20) - COMPLETION.len());
    let body = format!("{COMPLETION}{padding}");
    let server = Server::start(move |number| {
        vec![send(chunked("application/json", &[&body, if number == 0 { "" } else { " " }]))]
    })
    .await;
    let provider = openai(&server.url);
    assert_eq!(whole(&*provider).await.unwrap().text.as_deref(), Some("Hi there"));
    let error = whole(&*provider).await.unwrap_err();
    assert!(matches!(&error, ProviderError::BadAnswer(_)), "{error:?}");
}

#[tokio::test]
async fn an_event_that_is_too_long_ends_the_stream() {
    let long = format!("data: {}\n\n", "x".repeat(4 << 20));
    let server = Server::always(chunked("text/event-stream", &["data: {}\n\n", &long])).await;
    let (frames, error) = collect(open(&*openai(&server.url)).await.unwrap()).await;
    assert_eq!(frames.len(), 1);
    assert!(matches!(&error, Some(ProviderError::BadAnswer(_))), "{error:?}");
}

#[tokio::test]
async fn the_request_id_of_the_provider_is_kept() {
    let server = Server::always(json_answer(COMPLETION)).await;
    assert_eq!(whole(&*openai(&server.url)).await.unwrap().head.request_id.as_deref(), Some("req_7"));
}
