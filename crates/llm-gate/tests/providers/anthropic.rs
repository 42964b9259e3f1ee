//! Requests to Anthropic, and fields that can't be translated.

use llm_gate::provider::{Incoming, ProviderError};
use llm_policy::{Operation, ProviderKind};
use serde_json::{Value, json};

use super::server::{COMPLETION, Server, answer, config, json_answer, provider, request_of, small, whole};

/// Returns a small request with one field changed.
fn with(name: &str, value: Value) -> llm_gate::provider::Outgoing {
    let mut request = small(false);
    request.body.insert(name.to_owned(), value);
    request
}

#[tokio::test]
async fn fields_without_a_counterpart_are_refused_by_name_and_nothing_is_sent() {
    let server = Server::always(json_answer(COMPLETION)).await;
    let anthropic = provider(&config(ProviderKind::Anthropic, &server.url));
    let user = |content: Value| json!([{ "role": "user", "content": content }]);
    let schema = json!({ "type": "json_schema", "json_schema": { "name": "x", "schema": {} } });
    let call = |function: Value| json!([{ "role": "assistant", "tool_calls": [{ "id": "a", "function": function }] }]);
    for (field, value, named) in [
        ("n", json!(2), "`n`"),
        ("logprobs", json!(true), "`logprobs`"),
        ("top_logprobs", json!(3), "`top_logprobs`"),
        ("response_format", schema, "`response_format`"),
        ("response_format", json!({ "type": "json_object" }), "`response_format`"),
        ("logit_bias", json!({ "50256": -100 }), "`logit_bias`"),
        ("presence_penalty", json!(0.5), "`presence_penalty`"),
        ("frequency_penalty", json!(-1), "`frequency_penalty`"),
        ("reasoning_effort", json!("low"), "`reasoning_effort`"),
        ("functions", json!([]), "`functions`"),
        ("metadata", json!({ "a": "b" }), "`metadata`"),
        ("store", json!(true), "`store`"),
        ("min_p", json!(0.1), "`min_p`"),
        ("temperature", json!(1.2), "`temperature`"),
        ("temperature", json!("hot"), "`temperature`"),
        ("stop", json!([1]), "`stop`"),
        ("parallel_tool_calls", json!("no"), "`parallel_tool_calls`"),
        ("max_completion_tokens", json!(null), "`max_completion_tokens`"),
        ("tool_choice", json!("sometimes"), "`tool_choice`"),
        ("tool_choice", json!({ "type": "allowed_tools" }), "`tool_choice.type`"),
        ("tools", json!([{ "type": "custom", "custom": { "name": "x" } }]), "`tools[0].type`"),
        ("tools", json!([{ "type": "function" }]), "`tools[0].function`"),
        ("tools", json!([{ "type": "function", "function": {} }]), "`tools[0].function.name`"),
        (
            "tools",
            json!([{ "type": "function", "function": { "name": "x", "strict": true } }]),
            "`tools[0].function.strict`",
        ),
        ("messages", json!("hello"), "`messages`"),
        ("messages", json!([1]), "`messages[0]`"),
        ("messages", json!([{ "content": "x" }]), "`messages[0].role`"),
        ("messages", json!([{ "role": "function", "content": "x" }]), "`messages[0].role`"),
        ("messages", json!([{ "role": "user", "content": "x", "name": "Bo" }]), "`messages[0].name`"),
        ("messages", json!([{ "role": "tool", "content": "x" }]), "`messages[0].tool_call_id`"),
        ("messages", json!([{ "role": "assistant", "function_call": {} }]), "`messages[0].function_call`"),
        ("messages", user(json!(7)), "`messages[0].content`"),
        ("messages", user(json!([{ "type": "input_audio" }])), "`messages[0].content[0].type`"),
        ("messages", user(json!([{ "type": "file" }])), "`messages[0].content[0].type`"),
        ("messages", user(json!([{ "type": "text" }])), "`messages[0].content[0].text`"),
        (
            "messages",
            user(json!([{ "type": "image_url", "image_url": { "url": "file:///etc/passwd" } }])),
            "`messages[0].content[0].image_url.url`",
        ),
        (
            "messages",
            user(json!([{ "type": "image_url", "image_url": { "url": "data:image/png,x" } }])),
            "`messages[0].content[0].image_url.url`",
        ),
        (
            "messages",
            json!([{ "role": "system", "content": [{ "type": "image_url", "image_url": { "url": "https://a" } }] }]),
            "`messages[0].content[0].type`",
        ),
        (
            "messages",
            call(json!({ "name": "x", "arguments": "[1]" })),
            "`messages[0].tool_calls[0].function.arguments`",
        ),
        (
            "messages",
            call(json!({ "name": "x", "arguments": "{" })),
            "`messages[0].tool_calls[0].function.arguments`",
        ),
        ("messages", call(json!({ "arguments": "{}" })), "`messages[0].tool_calls[0].function.name`"),
    ] {
        let Err(error) = anthropic.send(with(field, value.clone())).await else {
            panic!("{field}: {value} was sent");
        };
        assert!(matches!(error, ProviderError::NotSent(_)), "{error:?}");
        assert!(error.to_string().contains(named), "{field}: {value}: {error}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn embeddings_are_refused_and_nothing_is_sent() {
    let server = Server::always(json_answer(COMPLETION)).await;
    let mut request = request_of(json!({ "model": "m", "input": "x" }), false);
    request.operation = Operation::Embeddings;
    let Err(error) = provider(&config(ProviderKind::Anthropic, &server.url)).send(request).await else {
        panic!("an answer to embeddings");
    };
    assert!(matches!(error, ProviderError::NotSent(_)), "{error:?}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_request_carries_the_key_the_version_and_the_hold() {
    let server = Server::always(json_answer(COMPLETION)).await;
    whole(&*provider(&config(ProviderKind::Anthropic, &server.url))).await.unwrap();
    let seen = server.seen().remove(0);
    assert!(seen.head.starts_with("POST /v1/messages HTTP/1.1\r\n"), "{}", seen.head);
    assert_eq!(seen.header("x-api-key"), Some("sk-geheim"));
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(seen.header("x-client-request-id"), Some("call_1.1"));
}

#[tokio::test]
async fn an_error_document_is_passed_on_unchanged() {
    let body = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let server = Server::always(answer("529 Overloaded", "retry-after: 3\r\n", body)).await;
    let refused = whole(&*provider(&config(ProviderKind::Anthropic, &server.url))).await.unwrap();
    assert_eq!((refused.head.status, refused.head.retry_after), (529, Some(3)));
    assert_eq!((&*refused.body, refused.usage, refused.text), (body.as_bytes(), None, None));
}

#[tokio::test]
async fn a_document_that_is_not_a_message_has_no_text() {
    for body in ["<html>", "{}", COMPLETION, r#"{"id":"msg","content":"#] {
        let server = Server::always(json_answer(body)).await;
        let anthropic = provider(&config(ProviderKind::Anthropic, &server.url));
        for stream in [false, true] {
            let Ok(Incoming::Whole(odd)) = anthropic.send(small(stream)).await else { panic!("{body}") };
            assert_eq!((&*odd.body, odd.usage, odd.text), (body.as_bytes(), None, None));
        }
    }
}
