//! Requests to a provider with OpenAI's API.

use llm_gate::provider::Incoming;
use llm_policy::{Operation, ProviderKind};
use serde_json::json;

use super::server::{COMPLETION, Server, config, json_answer, openai, provider, request_of, small, whole};

#[tokio::test]
async fn a_request_carries_the_key_and_the_hold() {
    let server = Server::always(json_answer(COMPLETION)).await;
    let answer = whole(&*openai(&server.url)).await.unwrap();
    let seen = server.seen().remove(0);
    assert!(seen.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", seen.head);
    assert_eq!(seen.header("authorization"), Some("Bearer sk-geheim"));
    assert_eq!(seen.header("x-client-request-id"), Some("call_1.1"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(answer.body, COMPLETION);
    let messages = json!([{ "role": "user", "content": "Hello" }]);
    assert_eq!(seen.body, json!({ "model": "m", "max_tokens": 16, "messages": messages }));
}

#[tokio::test]
async fn the_output_limit_is_sent_under_the_configured_name() {
    let server = Server::always(json_answer(COMPLETION)).await;
    let mut config = config(ProviderKind::Openai, &server.url);
    config.max_tokens_field = "max_completion_tokens".to_owned();
    whole(&*provider(&config)).await.unwrap();
    let seen = server.seen().remove(0);
    assert_eq!((&seen.body["max_completion_tokens"], seen.body.get("max_tokens")), (&json!(16), None));
}

#[tokio::test]
async fn a_stream_request_always_asks_for_usage() {
    let server = Server::always(json_answer(COMPLETION)).await;
    let provider = openai(&server.url);
    for (options, sent) in [
        (json!(null), json!({ "include_usage": true })),
        (json!({ "include_usage": false }), json!({ "include_usage": true })),
        (
            json!({ "include_obfuscation": false }),
            json!({ "include_obfuscation": false, "include_usage": true }),
        ),
        (json!("odd"), json!({ "include_usage": true })),
    ] {
        let mut request = small(true);
        request.body.insert("stream_options".to_owned(), options);
        provider.send(request).await.map(drop).unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!((&seen.body["stream"], &seen.body["stream_options"]), (&json!(true), &sent));
    }
    provider.send(small(true)).await.map(drop).unwrap();
    assert_eq!(server.seen().pop().unwrap().body["stream_options"], json!({ "include_usage": true }));
}

#[tokio::test]
async fn a_request_for_a_complete_answer_has_no_stream_fields() {
    let server = Server::always(json_answer(COMPLETION)).await;
    let body = json!({ "model": "m", "stream": true, "stream_options": { "include_usage": true } });
    openai(&server.url).send(request_of(body, false)).await.map(drop).unwrap();
    assert_eq!(server.seen().remove(0).body, json!({ "model": "m" }));
}

#[tokio::test]
async fn unknown_fields_are_passed_on() {
    let server = Server::always(json_answer(COMPLETION)).await;
    let body = json!({ "model": "m", "min_p": 0.25, "new": { "deep": [1, null, "é"] }, "seed": 0 });
    openai(&server.url).send(request_of(body.clone(), false)).await.map(drop).unwrap();
    assert_eq!(server.seen().remove(0).body, body);
}

#[tokio::test]
async fn embeddings_have_their_own_route_and_no_output() {
    let body =
        r#"{"object":"list","data":[{"embedding":[0.5]}],"usage":{"prompt_tokens":8,"total_tokens":8}}"#;
    let server = Server::always(json_answer(body)).await;
    let mut request = request_of(json!({ "model": "m", "input": "Hello" }), false);
    request.operation = Operation::Embeddings;
    let Ok(Incoming::Whole(whole)) = openai(&server.url).send(request).await else { panic!("no answer") };
    assert_eq!(whole.text.as_deref(), Some(""));
    let usage = whole.usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (8, 0));
    assert!(server.seen().remove(0).head.starts_with("POST /v1/embeddings "));
}

#[tokio::test]
async fn without_a_key_no_credential_is_sent() {
    let server = Server::always(json_answer(COMPLETION)).await;
    for (kind, header) in [(ProviderKind::Openai, "authorization"), (ProviderKind::Anthropic, "x-api-key")] {
        let clock = std::sync::Arc::new(registry_core::SystemClock::new());
        let open = llm_gate::provider_of(&config(kind, &server.url), None, clock).unwrap();
        whole(&*open).await.unwrap();
        assert_eq!(server.seen().pop().unwrap().header(header), None);
    }
}
