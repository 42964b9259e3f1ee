//! The circuit breaker as the callers of a gate observe it.

use llm_gate::provider::ProviderError;
use llm_gate::{BreakerState, GateError};

use crate::support::{
    Bench, call, content, fail, frames, live, question, status, stream, streamed, usage, whole,
};

async fn open_breaker(bench: &Bench) {
    for _ in 0..5 {
        bench.alpha.then(fail(ProviderError::Broken("reset".to_owned())));
        bench.ask_whole(question()).await.unwrap_err();
    }
    assert_eq!(bench.gate.status()[0].breaker, BreakerState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_failed_five_times_gets_no_calls_for_ten_seconds_and_then_one_probe() {
    let bench = Bench::new();
    open_breaker(&bench).await;
    let told = bench.ask_whole(question()).await.unwrap_err();
    assert_eq!(told, GateError::Unavailable { retry_after: 10 });
    bench.clock.advance_micros(9_000_000);
    let told = bench.ask_whole(question()).await.unwrap_err();
    assert_eq!(told, GateError::Unavailable { retry_after: 1 });
    assert_eq!(bench.ledger.entries().len(), 5, "no hold without an attempt");
    bench.clock.advance_micros(1_000_000);
    assert_eq!(bench.gate.status()[0].breaker, BreakerState::HalfOpen);
    let (feed, act) = live();
    bench.alpha.then(act);
    let gate = bench.gate.clone();
    let probe = tokio::spawn(async move { gate.call(call(streamed())).await });
    while bench.alpha.seen().len() < 6 {
        tokio::task::yield_now().await;
    }
    let told = bench.ask_whole(question()).await.unwrap_err();
    assert!(matches!(told, GateError::Unavailable { .. }), "{told:?}");
    feed.send(content("tok", Some(usage(9, 1)))).unwrap();
    let answer = probe.await.unwrap().unwrap();
    assert_eq!(bench.gate.status()[0].breaker, BreakerState::Closed);
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    bench.ask_whole(question()).await.unwrap();
    drop((feed, answer));
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_probe_opens_the_breaker_again() {
    let bench = Bench::new();
    open_breaker(&bench).await;
    bench.clock.advance_micros(10_000_000);
    bench.alpha.then(fail(ProviderError::Broken("reset".to_owned())));
    bench.ask_whole(question()).await.unwrap_err();
    let told = bench.ask_whole(question()).await.unwrap_err();
    assert_eq!(told, GateError::Unavailable { retry_after: 10 });
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_the_budget_refuses_allows_the_next_probe() {
    let bench = Bench::new();
    open_breaker(&bench).await;
    bench.clock.advance_micros(10_000_000);
    bench.ledger.set_limit(0);
    assert!(matches!(bench.ask_whole(question()).await.unwrap_err(), GateError::Ledger(_)));
    bench.ledger.set_limit(1_000_000_000_000);
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    bench.ask_whole(question()).await.unwrap();
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn while_a_breaker_is_open_the_other_provider_answers() {
    let bench = Bench::pair();
    open_breaker(&bench).await;
    bench.beta.then(whole("hi", Some(usage(9, 2))));
    let (_, receipt) = bench.ask_whole(question()).await.unwrap();
    assert_eq!((receipt.provider.as_str(), receipt.attempt), ("beta", 1));
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_failure_counts_but_a_rejected_request_does_not() {
    let bench = Bench::new();
    bench.alpha.then(fail(ProviderError::Broken("reset".to_owned())));
    bench.alpha.then(status(501, None, None));
    let mut items = frames(1);
    items.push(Err(ProviderError::Broken("reset".to_owned())));
    bench.alpha.then(stream(items));
    bench.alpha.then(fail(ProviderError::Timeout { phase: "total" }));
    bench.ask_whole(question()).await.unwrap_err();
    bench.ask_whole(question()).await.unwrap_err();
    bench.events(streamed()).await;
    bench.ask_stream(streamed()).await.unwrap_err();
    assert_eq!(bench.gate.status()[0].breaker, BreakerState::Closed);
    bench.alpha.then(fail(ProviderError::NotConnected("refused".to_owned())));
    bench.ask_whole(question()).await.unwrap_err();
    assert_eq!(bench.gate.status()[0].breaker, BreakerState::Open);
    bench.finish().await;

    let bench = Bench::new();
    for _ in 0..10 {
        bench.alpha.then(status(400, None, None));
        bench.ask_whole(question()).await.unwrap_err();
    }
    assert_eq!(bench.gate.status()[0].breaker, BreakerState::Closed);
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn failures_that_a_caller_can_cause_do_not_open_the_breaker() {
    let bench = Bench::new();
    for _ in 0..10 {
        // A timeout of an answer without a stream, then a request that makes the provider fail with status 500.
        bench.alpha.then(fail(ProviderError::Timeout { phase: "first_byte" }));
        bench.ask_whole(question()).await.unwrap_err();
        for _ in 0..3 {
            bench.alpha.then(status(500, None, None));
        }
        bench.ask_whole(question()).await.unwrap_err();
    }
    assert_eq!(bench.gate.status()[0].breaker, BreakerState::Closed);
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn all_failed_attempts_of_one_call_count_as_one_failure() {
    let bench = Bench::new();
    for _ in 0..4 {
        for _ in 0..3 {
            bench.alpha.then(status(503, None, None));
        }
        bench.ask_whole(question()).await.unwrap_err();
    }
    assert_eq!(bench.gate.status()[0].breaker, BreakerState::Closed);
    bench.alpha.then(status(503, None, None));
    bench.ask_whole(question()).await.unwrap_err();
    assert_eq!(bench.gate.status()[0].breaker, BreakerState::Open);
    bench.finish().await;
}
