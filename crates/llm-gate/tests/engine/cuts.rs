//! Callers that lose their right, at each stage of a call.

use llm_gate::GateError;
use llm_policy::{CallOutcome, LedgerError, Measured, ReleaseReason, UsageSource};
use tokio::time::Instant;

use crate::support::{
    Bench, End, call, done, frames, live, lost, next, parsed, question, silent_after, status, streamed,
    told_usage, usage,
};

fn refused() -> GateError {
    GateError::Ledger(LedgerError::NoRight(Box::new(lost())))
}

#[tokio::test(start_paused = true)]
async fn a_right_lost_before_the_request_is_sent_releases_the_hold() {
    let bench = Bench::new();
    bench.ledger.stop_answering_holds();
    let gate = bench.gate.clone();
    let asked = tokio::spawn(async move { gate.call(call(question())).await.map(|_| ()) });
    bench.ledger.wait_for_holds(1).await;
    bench.ledger.lose_right(lost());
    bench.ledger.answer_holds.add_permits(1);
    assert_eq!(asked.await.unwrap(), Err(refused()));
    let entries = bench.finish().await;
    assert_eq!(entries[0].end, Some(End::Released(ReleaseReason::NotSent)));
    assert_eq!(bench.alpha.seen().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_its_next_attempt_is_aborted_at_once() {
    let bench = Bench::new();
    bench.alpha.then(status(429, Some(5), None));
    let gate = bench.gate.clone();
    let asked = tokio::spawn(async move { gate.call(call(question())).await.map(|_| ()) });
    while bench.reports.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let began = Instant::now();
    bench.ledger.lose_right(lost());
    assert_eq!(asked.await.unwrap(), Err(refused()));
    assert_eq!(began.elapsed().as_millis(), 0);
    let (_, report) = bench.finish_one().await;
    assert_eq!(report.outcome, CallOutcome::ProviderError, "the attempt that was made");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_its_provider_is_aborted_at_once_and_settled_at_its_worst_case() {
    for body in [question(), streamed()] {
        let bench = Bench::new();
        // The request is sent, and no answer arrives.
        bench.alpha.then(Box::pin(std::future::pending()));
        let gate = bench.gate.clone();
        let asked = tokio::spawn(async move { gate.call(call(body)).await.map(|_| ()) });
        while bench.alpha.seen().is_empty() {
            tokio::task::yield_now().await;
        }
        let began = Instant::now();
        bench.ledger.lose_right(lost());
        assert_eq!(asked.await.unwrap(), Err(refused()));
        let (entry, report) = bench.finish_one().await;
        assert_eq!(began.elapsed().as_millis(), 0);
        assert_eq!((entry.settlement().measured, report.outcome), (Measured::WorstCase, CallOutcome::Cut));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_aborted_at_once_and_settled_for_the_output_so_far() {
    for before in [false, true] {
        let bench = Bench::with(|builder| if before { builder.settle_before_answer() } else { builder });
        bench.alpha.then(silent_after(frames(5)));
        let mut answer = bench.ask_stream(streamed()).await.unwrap();
        for _ in 0..5 {
            next(&mut answer).await.unwrap();
        }
        let began = Instant::now();
        bench.ledger.lose_right(lost());
        let last = parsed(&next(&mut answer).await.unwrap());
        let error = &last["error"];
        assert_eq!((&error["code"], &error["type"]), (&"revoked_key".into(), &"authentication_error".into()));
        assert_eq!(error["message"], lost().message);
        assert_eq!(next(&mut answer).await, None, "it is the last event");
        assert_eq!(answer.receipt(), None);
        let (entry, report) = bench.finish_one().await;
        assert_eq!(began.elapsed().as_millis(), 0, "nothing more is waited for");
        let (counted, source) = entry.tokens();
        assert!(counted.completion_tokens >= 5, "{counted:?}");
        assert_eq!(counted.prompt_tokens, entry.ask.input_tokens);
        assert_eq!((source, report.outcome), (UsageSource::Estimated, CallOutcome::Cut));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_aborted_before_its_first_frame_is_settled_at_its_worst_case() {
    let bench = Bench::new();
    bench.alpha.then(silent_after(Vec::new()));
    let gate = bench.gate.clone();
    let asked = tokio::spawn(async move { gate.call(call(streamed())).await.map(|_| ()) });
    while bench.alpha.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    bench.ledger.lose_right(lost());
    assert_eq!(asked.await.unwrap(), Err(refused()));
    let (entry, report) = bench.finish_one().await;
    assert_eq!((entry.settlement().measured, report.outcome), (Measured::WorstCase, CallOutcome::Cut));
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_neither_delays_the_abort_nor_gets_the_frames_that_wait_for_it() {
    let bench = Bench::new();
    // More frames than the channel to the reader can hold.
    bench.alpha.then(silent_after(frames(90)));
    let mut answer = bench.ask_stream(streamed()).await.unwrap();
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    bench.ledger.lose_right(lost());
    let (_, report) = bench.finish_one().await;
    assert_eq!(report.outcome, CallOutcome::Cut);
    assert_eq!(parsed(&next(&mut answer).await.unwrap())["error"]["code"], "revoked_key");
    assert_eq!(next(&mut answer).await, None);
}

#[tokio::test(start_paused = true)]
async fn the_drain_of_a_stream_ends_at_once_when_the_disconnected_caller_loses_its_right() {
    let bench = Bench::new();
    bench.alpha.then(silent_after(frames(2)));
    let mut answer = bench.ask_stream(streamed()).await.unwrap();
    next(&mut answer).await.unwrap();
    let began = Instant::now();
    drop(answer);
    tokio::task::yield_now().await;
    bench.ledger.lose_right(lost());
    let (_, report) = bench.finish_one().await;
    assert_eq!(began.elapsed().as_millis(), 0);
    assert!([CallOutcome::ClientGone, CallOutcome::Cut].contains(&report.outcome), "{:?}", report.outcome);
}

#[tokio::test(start_paused = true)]
async fn the_providers_usage_is_used_when_it_arrived_before_the_abort() {
    let bench = Bench::new();
    let (feed, act) = live();
    bench.alpha.then(act);
    feed.send(frames(1).remove(0)).unwrap();
    let mut answer = bench.ask_stream(streamed()).await.unwrap();
    next(&mut answer).await.unwrap();
    feed.send(told_usage(usage(9, 1))).unwrap();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    bench.ledger.lose_right(lost());
    tokio::task::yield_now().await;
    drop(feed.send(done()));
    assert_eq!(parsed(&next(&mut answer).await.unwrap())["error"]["code"], "revoked_key");
    let (entry, report) = bench.finish_one().await;
    assert_eq!(entry.tokens(), (usage(9, 1), UsageSource::Provider));
    assert_eq!(report.outcome, CallOutcome::Cut);
}
