//! Complete answers: the request, the answer and the bill.

use std::sync::Arc;

use llm_gate::{CallHoldings, GateAnswer, GateBuilder, GateError};
use llm_policy::{CallOutcome, Measured, UsageSource};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::{Bench, call, counted, document, question, usage, whole};

#[tokio::test(start_paused = true)]
async fn a_call_is_held_sent_answered_and_settled_with_the_providers_usage() {
    let bench = Bench::new();
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    let (body, receipt) = bench.ask_whole(question()).await.unwrap();
    assert_eq!(body, document("hi"), "the document is passed on unchanged");
    assert_eq!((receipt.attempt, receipt.provider.as_str(), receipt.model.as_str()), (1, "alpha", "m"));
    assert_eq!((receipt.max_tokens, receipt.filled), (Some(100), false));
    assert_eq!((receipt.usage, receipt.source), (usage(9, 2), UsageSource::Provider));
    assert_eq!(receipt.cost_pico_usd, 9 * 1_000_000 + 2 * 2_000_000);
    assert_eq!(receipt.provider_request_id.as_deref(), Some("req-1"));
    let (entry, report) = bench.finish_one().await;
    assert_eq!(entry.tokens(), (usage(9, 2), UsageSource::Provider));
    assert_eq!(entry.settlement().outcome, CallOutcome::Ok);
    assert_eq!(entry.settlement().provider_status, Some(200));
    assert_eq!(entry.settled.unwrap().cost_pico_usd, receipt.cost_pico_usd);
    assert_eq!(receipt.remaining_pico_usd, 1_000_000_000_000 - receipt.cost_pico_usd);
    assert_eq!(
        (report.outcome, report.usage, report.cost_pico_usd),
        (CallOutcome::Ok, usage(9, 2), 13_000_000)
    );
    assert_eq!(report.provider_status, Some(200));
}

#[tokio::test(start_paused = true)]
async fn the_held_output_limit_is_sent_under_one_name_and_other_fields_unchanged() {
    let bench = Bench::new();
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    let mut body = question();
    body["future_field"] = json!({"deep": [1, 2]});
    bench.ask_whole(body).await.unwrap();
    let sent = bench.alpha.seen().remove(0);
    assert_eq!(sent.body.get("max_completion_tokens"), Some(&json!(100)));
    assert_eq!(sent.body.get("max_tokens"), None);
    assert_eq!(sent.body.get("model"), Some(&json!("m")));
    assert_eq!(sent.body.get("future_field"), Some(&json!({"deep": [1, 2]})));
    assert!(!sent.stream);
    let (entry, _) = bench.finish_one().await;
    assert_eq!(sent.hold_id, entry.held.hold_id);
}

#[tokio::test(start_paused = true)]
async fn a_missing_max_tokens_is_filled_in_and_reported() {
    let bench = Bench::new();
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    // The budget allows the upper bound of the input and 20 tokens of output.
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]});
    let shape = llm_policy::read_chat(body.as_object().unwrap()).unwrap();
    let prices = crate::support::prices();
    let input = shape.input_tokens(body.as_object().unwrap(), prices.find("alpha", "m").unwrap()).unwrap();
    bench.ledger.set_limit(i64::try_from(input).unwrap() * 1_000_000 + 20 * 2_000_000);
    let (_, receipt) = bench.ask_whole(body).await.unwrap();
    assert_eq!((receipt.max_tokens, receipt.filled), (Some(20), true));
    assert_eq!(bench.alpha.seen()[0].body.get("max_completion_tokens"), Some(&json!(20)));
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_explicit_usage_of_zero_is_billed_as_zero() {
    let bench = Bench::new();
    bench.alpha.then(whole("some text", Some(usage(0, 0))));
    let (_, receipt) = bench.ask_whole(question()).await.unwrap();
    assert_eq!(
        (receipt.usage, receipt.source, receipt.cost_pico_usd),
        (usage(0, 0), UsageSource::Provider, 0)
    );
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.tokens(), (usage(0, 0), UsageSource::Provider));
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_usage_is_counted_and_flagged() {
    let bench = Bench::new();
    bench.alpha.then(whole("one two three", None));
    let (_, receipt) = bench.ask_whole(counted(question())).await.unwrap();
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.tokens(), (usage(entry.ask.input_tokens, 3), UsageSource::Estimated));
    assert_eq!(entry.settlement().outcome, CallOutcome::Ok);
    assert_eq!(receipt.source, UsageSource::Estimated);
}

#[tokio::test(start_paused = true)]
async fn without_a_tokenizer_bytes_are_counted() {
    let bench = Bench::new();
    bench.alpha.then(whole("one two three", None));
    bench.ask_whole(question()).await.unwrap();
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.tokens(), (usage(entry.ask.input_tokens, 13), UsageSource::Estimated));
}

#[tokio::test(start_paused = true)]
async fn a_reasoning_model_without_usage_is_billed_at_its_worst_case() {
    let bench = Bench::new();
    bench.alpha.then(whole("one two three", None));
    let mut body = question();
    body["model"] = "thinker".into();
    let (_, receipt) = bench.ask_whole(body).await.unwrap();
    let (entry, report) = bench.finish_one().await;
    assert_eq!(entry.settlement().measured, Measured::WorstCase);
    assert_eq!(receipt.cost_pico_usd, entry.held.amount_pico_usd);
    assert_eq!((report.source, report.usage.completion_tokens), (UsageSource::WorstCase, 100));
}

#[tokio::test(start_paused = true)]
async fn output_above_the_limit_is_truncated_flagged_and_billed_in_full() {
    let bench = Bench::new();
    bench.alpha.then(whole(&"word ".repeat(50), Some(usage(9, 50))));
    let mut body = question();
    body["max_tokens"] = 10.into();
    let (body, receipt) = bench.ask_whole(body).await.unwrap();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    let text = answer["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(llm_policy::count_text(text, Some(llm_policy::Encoding::O200k)), 10);
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
    assert!(receipt.overrun);
    let (entry, report) = bench.finish_one().await;
    assert_eq!(entry.tokens().0, usage(9, 50));
    assert!(entry.settled.unwrap().overrun && report.overrun);
}

#[tokio::test(start_paused = true)]
async fn output_at_the_limit_is_not_truncated() {
    let bench = Bench::new();
    let text = "word ".repeat(10);
    bench.alpha.then(whole(&text, Some(usage(9, 10))));
    let mut body = question();
    body["max_tokens"] = 10.into();
    let (body, receipt) = bench.ask_whole(body).await.unwrap();
    assert_eq!(body, document(&text));
    assert!(!receipt.overrun);
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_answer_does_not_wait_for_its_settlement() {
    let bench = Bench::new();
    bench.ledger.stop_taking_settlements();
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    bench.ask_whole(question()).await.unwrap();
    assert_eq!(bench.ledger.settled_pico_usd(), 0);
    bench.ledger.take_settlements.add_permits(1);
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn with_settle_before_answer_the_answer_waits_for_its_settlement() {
    let bench = Bench::with(GateBuilder::settle_before_answer);
    bench.ledger.stop_taking_settlements();
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    let mut asked = std::pin::pin!(bench.ask_whole(question()));
    let early = tokio::time::timeout(std::time::Duration::from_mins(1), asked.as_mut()).await;
    assert!(early.is_err(), "an answer before its settlement");
    bench.ledger.take_settlements.add_permits(1);
    let (_, receipt) = asked.await.unwrap();
    assert_eq!(bench.ledger.settled_pico_usd(), receipt.cost_pico_usd);
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_resource_of_a_call_is_dropped_when_the_call_is_settled_and_not_before() {
    let bench = Bench::new();
    bench.ledger.stop_taking_settlements();
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    let slots = Arc::new(Semaphore::new(1));
    let mut call = call(question());
    call.keep = Some(CallHoldings::new(Arc::clone(&slots).try_acquire_owned().unwrap()));
    assert!(matches!(bench.gate.call(call).await, Ok(GateAnswer::Whole { .. })));
    assert_eq!(slots.available_permits(), 0);
    bench.ledger.take_settlements.add_permits(1);
    bench.finish().await;
    assert_eq!(slots.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_open_calls_and_refuses_further_ones() {
    let bench = Bench::new();
    bench.ledger.stop_taking_settlements();
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    bench.ask_whole(question()).await.unwrap();
    assert_eq!(bench.gate.drain(std::time::Duration::from_secs(1)).await, 1);
    assert_eq!(bench.ask(question()).await.unwrap_err(), GateError::Closing);
    let waiting = tokio::spawn({
        let gate = bench.gate.clone();
        async move { gate.drain(std::time::Duration::from_hours(1)).await }
    });
    bench.ledger.take_settlements.add_permits(1);
    assert_eq!(waiting.await.unwrap(), 0);
    bench.finish_one().await;
}

#[tokio::test]
async fn a_long_prompt_is_counted_too() {
    let bench = Bench::new();
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    let mut body = counted(question());
    body["messages"][0]["content"] = "word ".repeat(10_000).into();
    bench.ask_whole(body).await.unwrap();
    let (entry, _) = bench.finish_one().await;
    assert!((10_000..10_200).contains(&entry.ask.input_tokens), "{}", entry.ask.input_tokens);
}
