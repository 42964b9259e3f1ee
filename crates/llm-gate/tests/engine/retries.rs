//! Retries: each has a separate hold under the id of the call.

use std::time::Duration;

use llm_gate::GateError;
use llm_gate::provider::ProviderError;
use llm_policy::CallOutcome;
use serde_json::json;
use tokio::time::Instant;

use crate::support::{Bench, fail, question, status, usage, whole};

#[tokio::test(start_paused = true)]
async fn an_overloaded_provider_is_tried_three_times_with_a_hold_and_a_usage_row_each() {
    for code in [429, 500, 502, 503, 529] {
        let bench = Bench::new();
        bench.alpha.then(status(code, None, None));
        bench.alpha.then(status(code, None, Some(usage(9, 0))));
        bench.alpha.then(status(code, None, None));
        let told = bench.ask_whole(question()).await.unwrap_err();
        if code == 429 {
            assert_eq!(told, GateError::Limited { provider: "alpha".to_owned(), retry_after: None });
        } else {
            assert!(matches!(told, GateError::Failed { .. }), "{told:?}");
        }
        let entries = bench.finish().await;
        let ids: Vec<_> =
            entries.iter().map(|entry| (entry.ask.call_id.clone(), entry.ask.attempt)).collect();
        let id = &ids[0].0;
        assert_eq!(ids, [(id.clone(), 1), (id.clone(), 2), (id.clone(), 3)]);
        let billed: Vec<_> = entries.iter().map(|entry| entry.tokens().0.prompt_tokens).collect();
        assert_eq!(billed, [0, 9, 0]);
        for entry in &entries {
            assert_eq!(entry.settlement().outcome, CallOutcome::ProviderError);
            assert_eq!(entry.settlement().provider_status, Some(code));
        }
        let bodies: Vec<_> = bench.alpha.seen().into_iter().map(|sent| sent.body).collect();
        assert_eq!(bodies[0]["messages"], json!([{"role": "user", "content": "hello"}]));
        assert!(bodies.iter().all(|body| *body == bodies[0]), "every attempt sends the same");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_at_fault_or_may_have_run_is_not_retried() {
    for code in [400, 404, 408, 413, 422, 501, 504, 524] {
        let bench = Bench::pair();
        bench.alpha.then(status(code, None, None));
        bench.ask_whole(question()).await.unwrap_err();
        bench.finish_one().await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_the_next_provider_is_tried() {
    let bench = Bench::pair();
    bench.alpha.then(status(500, None, None));
    bench.beta.then(whole("hi", Some(usage(9, 2))));
    let (_, receipt) = bench.ask_whole(question()).await.unwrap();
    assert_eq!((receipt.provider.as_str(), receipt.attempt), ("beta", 2));
    assert_eq!(bench.finish().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_route_sets_the_order_of_providers() {
    let bench = Bench::routed(&["beta", "alpha"]);
    bench.beta.then(fail(ProviderError::NotConnected("refused".to_owned())));
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    let (_, receipt) = bench.ask_whole(question()).await.unwrap();
    assert_eq!(receipt.provider, "alpha");
    assert_eq!(bench.gate.candidate("m"), Some(("beta".to_owned(), "beta".to_owned())));
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_short_retry_after_is_waited_for_on_the_same_provider() {
    let bench = Bench::pair();
    bench.alpha.then(status(429, Some(2), None));
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    let began = Instant::now();
    let (_, receipt) = bench.ask_whole(question()).await.unwrap();
    assert_eq!(receipt.provider, "alpha");
    assert_eq!(began.elapsed().as_secs(), 2);
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_long_retry_after_is_not_waited_for_and_is_returned() {
    let bench = Bench::new();
    bench.alpha.then(status(429, Some(60), None));
    let began = Instant::now();
    let told = bench.ask_whole(question()).await.unwrap_err();
    assert_eq!(told, GateError::Limited { provider: "alpha".to_owned(), retry_after: Some(60) });
    assert_eq!(began.elapsed(), Duration::ZERO);
    bench.finish_one().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_without_any_connection_costs_nothing() {
    let bench = Bench::pair();
    bench.alpha.then(fail(ProviderError::NotConnected("refused".to_owned())));
    bench.beta.then(fail(ProviderError::NotConnected("refused".to_owned())));
    bench.alpha.then(fail(ProviderError::NotConnected("refused".to_owned())));
    let told = bench.ask_whole(question()).await.unwrap_err();
    assert!(matches!(&told, GateError::Failed { provider, .. } if provider == "alpha"), "{told:?}");
    bench.finish().await;
    assert_eq!(bench.ledger.settled_pico_usd(), 0);
    assert_eq!(bench.reports.lock().unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_built_is_not_retried_at_the_same_provider() {
    let bench = Bench::new();
    bench.alpha.then(fail(ProviderError::NotSent("no such header".to_owned())));
    bench.ask_whole(question()).await.unwrap_err();
    assert_eq!(bench.finish().await.len(), 1);
}
