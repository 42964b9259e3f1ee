//! A ledger that is unavailable, or refuses a request.

use llm_gate::GateError;
use llm_gate::provider::ProviderError;
use llm_policy::{CallId, LedgerError, LedgerTrouble, UsageSource};
use tokio::time::Instant;

use crate::support::{Bench, call, fail, lost, question, status, usage, whole};

fn unavailable() -> GateError {
    GateError::Ledger(LedgerError::Unavailable { trouble: LedgerTrouble::Locked, cause: "locked".to_owned() })
}

#[tokio::test(start_paused = true)]
async fn without_a_hold_no_call_is_made() {
    let bench = Bench::pair();
    bench.ledger.fail_holds(1);
    assert_eq!(bench.ask_whole(question()).await.unwrap_err(), unavailable());
    assert_eq!(bench.finish().await.len(), 0);
    assert_eq!((bench.alpha.seen().len(), bench.beta.seen().len()), (0, 0));
    assert_eq!(bench.ledger.unknown_releases(), 1, "the hold may have been written, so it is released");
}

#[tokio::test(start_paused = true)]
async fn an_unconfirmed_hold_with_an_id_of_the_caller_is_not_released() {
    let bench = Bench::new();
    bench.ledger.fail_holds(1);
    let mut call = call(question());
    call.call_id = CallId::sane("mine");
    assert_eq!(bench.gate.call(call).await.unwrap_err(), unavailable());
    bench.finish().await;
    assert_eq!(bench.ledger.unknown_releases(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_settlement_is_retried_unchanged_until_it_succeeds() {
    let bench = Bench::new();
    bench.ledger.fail_settles(12);
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    bench.ask_whole(question()).await.unwrap();
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.tokens(), (usage(9, 2), UsageSource::Provider));
    let tries = bench.ledger.failed_settles();
    assert_eq!(tries.len(), 12);
    assert!(tries.iter().all(|end| end == entry.settlement()));
}

#[tokio::test(start_paused = true)]
async fn after_the_time_of_a_lease_the_settlement_is_left_to_the_ledger() {
    let bench = Bench::new();
    bench.ledger.fail_settles(usize::MAX);
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    bench.ask_whole(question()).await.unwrap();
    let began = Instant::now();
    assert_eq!(bench.gate.drain(std::time::Duration::from_hours(1)).await, 0);
    assert!((50..=60).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!(bench.ledger.entries()[0].end, None);
    assert_eq!(bench.reports.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_that_cannot_be_settled_yet_ends_the_call_and_is_settled_later() {
    let bench = Bench::pair();
    bench.ledger.fail_settles(3);
    bench.alpha.then(status(500, None, None));
    let began = Instant::now();
    let told = bench.ask_whole(question()).await.unwrap_err();
    assert!(matches!(told, GateError::Failed { .. }), "{told:?}");
    assert_eq!(began.elapsed().as_millis(), 0, "the caller does not wait for the ledger");
    bench.finish_one().await;
}

#[tokio::test(start_paused = true)]
async fn an_unsent_attempt_that_cannot_be_released_yet_ends_the_call_and_is_released_later() {
    let bench = Bench::pair();
    bench.ledger.fail_releases(3);
    bench.alpha.then(fail(ProviderError::NotConnected("refused".to_owned())));
    let told = bench.ask_whole(question()).await.unwrap_err();
    assert!(matches!(told, GateError::Failed { .. }), "{told:?}");
    assert_eq!(bench.finish().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_ledger_is_returned_and_no_other_provider_is_tried() {
    for error in [
        LedgerError::NoRight(Box::new(lost())),
        LedgerError::CallExists,
        LedgerError::AboveCap { stated: 2, cap: 1 },
    ] {
        let bench = Bench::pair();
        bench.ledger.refuse(error.clone());
        assert_eq!(bench.ask_whole(question()).await.unwrap_err(), GateError::Ledger(error));
        assert_eq!(bench.finish().await.len(), 0);
        assert_eq!(bench.ledger.unknown_releases(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_concurrent_call_with_the_same_id_is_refused() {
    let bench = Bench::new();
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    bench.ledger.stop_answering_holds();
    let same = || {
        let mut call = call(question());
        call.call_id = CallId::sane("mine");
        call
    };
    let gate = bench.gate.clone();
    let first = tokio::spawn(async move { gate.call(same()).await });
    bench.ledger.wait_for_holds(1).await;
    let told = bench.gate.call(same()).await.unwrap_err();
    assert_eq!(told, GateError::Ledger(LedgerError::CallExists));
    bench.ledger.answer_holds.add_permits(1);
    first.await.unwrap().unwrap();
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.ask.call_id.as_str(), "mine");
}

#[tokio::test(start_paused = true)]
async fn a_gate_without_a_ledger_makes_no_call() {
    let bench = Bench::new();
    let config = crate::support::config(vec![crate::support::provider_config("alpha", &["m"])]);
    let gate = llm_gate::Gate::builder()
        .config(config)
        .prices(crate::support::prices())
        .provider(bench.alpha.clone())
        .build()
        .unwrap();
    let told = gate.call(call(question())).await.unwrap_err();
    assert!(matches!(told, GateError::Ledger(LedgerError::Unavailable { .. })), "{told:?}");
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    gate.with_ledger(bench.ledger.clone()).call(call(question())).await.unwrap();
}
