//! The typed API for chats and embeddings.

use bytes::Bytes;
use llm_gate::provider::{Head, Incoming, ProviderError, Whole};
use llm_gate::{ChatMessage, ChatRequest, EmbedRequest, GateError};
use llm_policy::{CallId, ProviderKind, UsageSource};
use serde_json::json;

use crate::support::{
    Act, Bench, config, content, done, frames, provider_config, stream, told_usage, usage, whole,
};

fn answered(body: &serde_json::Value) -> Act {
    let body = Bytes::from(body.to_string());
    let head = Head { status: 200, request_id: None, retry_after: None };
    let whole = Whole { head, body, usage: Some(usage(4, 0)), text: Some(String::new()) };
    Box::pin(std::future::ready(Ok(Incoming::Whole(whole))))
}

#[tokio::test(start_paused = true)]
async fn a_chat_has_temperature_and_seed_0_unless_it_states_others() {
    let bench = Bench::new();
    bench.alpha.then(whole("hi", Some(usage(9, 2)))).then(whole("hi", Some(usage(9, 2))));
    let answer = bench.gate.chat(ChatRequest::prompt("hello")).await.unwrap();
    assert_eq!((answer.text.as_str(), answer.finish_reason.as_deref()), ("hi", Some("stop")));
    assert_eq!((answer.receipt.usage, answer.receipt.model.as_str()), (usage(9, 2), "m"));
    let request = ChatRequest {
        model: Some("counted".to_owned()),
        messages: vec![ChatMessage::system("be brief"), ChatMessage::user("hello")],
        temperature: Some(0.5),
        seed: Some(7),
        max_tokens: Some(50),
        call_id: CallId::sane("mine"),
        keep: None,
    };
    let answer = bench.gate.chat(request).await.unwrap();
    assert_eq!(answer.receipt.call_id.as_str(), "mine");
    let sent: Vec<_> =
        bench.alpha.seen().into_iter().map(|sent| serde_json::Value::Object(sent.body)).collect();
    assert_eq!(
        sent[0],
        json!({
            "model": "m", "messages": [{"role": "user", "content": "hello"}],
            "temperature": 0, "seed": 0, "max_completion_tokens": 4096,
        })
    );
    assert_eq!(
        sent[1],
        json!({
            "model": "counted", "temperature": 0.5, "seed": 7, "max_completion_tokens": 50,
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}],
        })
    );
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_reasoning_model_gets_neither_temperature_nor_seed() {
    let bench = Bench::new();
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    let request = ChatRequest { model: Some("thinker".to_owned()), ..ChatRequest::prompt("hello") };
    bench.gate.chat(request).await.unwrap();
    let sent = bench.alpha.seen().remove(0).body;
    assert!(!sent.contains_key("temperature") && !sent.contains_key("seed"), "{sent:?}");
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_provider_without_a_seed_gets_none() {
    let mut provider = provider_config("alpha", &["m"]);
    provider.kind = ProviderKind::Anthropic;
    let bench = Bench::build(config(vec![provider]), |builder| builder);
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    bench.gate.chat(ChatRequest::prompt("hello")).await.unwrap();
    let sent = bench.alpha.seen().remove(0).body;
    assert_eq!((sent.get("temperature"), sent.get("seed")), (Some(&json!(0)), None));
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_chat_stream_yields_pieces_of_text_and_the_receipt_at_its_end() {
    let bench = Bench::new();
    let items =
        vec![content("", None), content("one ", None), content("two", None), told_usage(usage(9, 2)), done()];
    bench.alpha.then(stream(items));
    let mut answer = bench.gate.chat_stream(ChatRequest::prompt("hello")).await.unwrap();
    assert_eq!((answer.opened.model.as_str(), answer.opened.filled), ("m", true));
    assert_eq!(answer.next().await, Some(Ok("one ".to_owned())));
    assert_eq!(answer.receipt(), None);
    assert_eq!(answer.next().await, Some(Ok("two".to_owned())));
    assert_eq!(answer.next().await, None);
    let receipt = answer.receipt().unwrap();
    assert_eq!((receipt.usage, receipt.source), (usage(9, 2), UsageSource::Provider));
    assert_eq!(answer.next().await, None);
    bench.finish_one().await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_chat_stream_yields_one_error() {
    let bench = Bench::new();
    let mut items = frames(1);
    items.push(Err(ProviderError::Broken("reset".to_owned())));
    bench.alpha.then(stream(items));
    let mut answer = bench.gate.chat_stream(ChatRequest::prompt("hello")).await.unwrap();
    assert_eq!(answer.next().await, Some(Ok("tok ".to_owned())));
    assert!(matches!(answer.next().await, Some(Err(GateError::Failed { .. }))));
    assert_eq!(answer.next().await, None);
    assert_eq!(answer.receipt(), None);
    bench.finish_one().await;
}

#[tokio::test(start_paused = true)]
async fn a_truncated_chat_stream_has_no_more_text_than_requested() {
    let bench = Bench::new();
    let mut items = frames(20);
    items.extend([told_usage(usage(9, 20)), done()]);
    bench.alpha.then(stream(items));
    let request = ChatRequest { max_tokens: Some(5), ..ChatRequest::prompt("hello") };
    let mut answer = bench.gate.chat_stream(request).await.unwrap();
    let mut pieces = 0;
    while let Some(piece) = answer.next().await {
        piece.unwrap();
        pieces += 1;
    }
    assert!((1..=5).contains(&pieces), "{pieces}");
    assert!(answer.receipt().unwrap().overrun);
    bench.finish_one().await;
}

#[tokio::test(start_paused = true)]
async fn a_complete_answer_to_a_chat_stream_is_one_piece() {
    let bench = Bench::new();
    bench.alpha.then(whole("all of it", Some(usage(9, 2))));
    let mut answer = bench.gate.chat_stream(ChatRequest::prompt("hello")).await.unwrap();
    assert_eq!(answer.next().await, Some(Ok("all of it".to_owned())));
    assert_eq!(answer.next().await, None);
    assert_eq!(answer.receipt().unwrap().usage, usage(9, 2));
    bench.finish_one().await;
}

#[tokio::test(start_paused = true)]
async fn vectors_are_returned_in_the_order_of_the_texts() {
    let bench = Bench::new();
    bench.alpha.then(answered(&json!({"data": [
        {"index": 1, "embedding": [2.0, 2.5]}, {"index": 0, "embedding": [1.0, 1.5]},
    ]})));
    let request = EmbedRequest {
        model: "vectors".to_owned(),
        input: vec!["a".to_owned(), "b".to_owned()],
        ..EmbedRequest::default()
    };
    let answer = bench.gate.embed(request).await.unwrap();
    assert_eq!(answer.vectors, [vec![1.0, 1.5], vec![2.0, 2.5]]);
    assert_eq!((answer.receipt.max_tokens, answer.receipt.filled), (None, false));
    let sent = bench.alpha.seen().remove(0).body;
    assert_eq!(serde_json::Value::Object(sent), json!({"model": "vectors", "input": ["a", "b"]}));
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.tokens().0, usage(4, 0));
}

#[tokio::test(start_paused = true)]
async fn a_missing_vector_is_a_failure_that_is_still_billed() {
    let bench = Bench::new();
    bench.alpha.then(answered(&json!({"data": [{"index": 0, "embedding": [1.0]}]})));
    let request = EmbedRequest {
        model: "vectors".to_owned(),
        input: vec!["a".to_owned(), "b".to_owned()],
        ..EmbedRequest::default()
    };
    let told = bench.gate.embed(request).await.unwrap_err();
    assert!(matches!(told, GateError::Failed { .. }), "{told:?}");
    bench.finish_one().await;
}
