//! Callers that disconnect, at each stage of a call.

use std::future::Future as _;
use std::sync::Arc;
use std::task::{Context, Waker};

use llm_policy::{CallOutcome, ReleaseReason, UsageSource};
use tokio::sync::Semaphore;

use crate::support::{
    Act, Bench, End, call, done, frames, live, next, question, silent_after, stream, streamed, told_usage,
    usage, whole,
};

/// Delays an act until there is a permit.
fn after(permit: &Arc<Semaphore>, act: Act) -> Act {
    let permit = Arc::clone(permit);
    Box::pin(async move {
        permit.acquire().await.unwrap().forget();
        act.await
    })
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_before_the_hold_leaves_no_hold_and_no_request() {
    let bench = Bench::new();
    let mut asked = Box::pin(bench.gate.call(call(question())));
    // The first poll spawns the task. The caller disconnects before the task runs.
    assert!(asked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(asked);
    assert_eq!(bench.finish().await.len(), 0);
    assert_eq!(bench.alpha.seen().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_between_hold_and_request_releases_the_hold_and_sends_nothing() {
    let bench = Bench::new();
    bench.ledger.stop_answering_holds();
    let gate = bench.gate.clone();
    let asked = tokio::spawn(async move { gate.call(call(question())).await });
    bench.ledger.wait_for_holds(1).await;
    asked.abort();
    asked.await.unwrap_err();
    bench.ledger.answer_holds.add_permits(1);
    let entries = bench.finish().await;
    assert_eq!(entries[0].end, Some(End::Released(ReleaseReason::NotSent)));
    assert_eq!(bench.alpha.seen().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_release_is_retried_until_the_ledger_is_available() {
    let bench = Bench::new();
    bench.ledger.stop_answering_holds();
    bench.ledger.fail_releases(5);
    let gate = bench.gate.clone();
    let asked = tokio::spawn(async move { gate.call(call(question())).await });
    bench.ledger.wait_for_holds(1).await;
    asked.abort();
    asked.await.unwrap_err();
    bench.ledger.answer_holds.add_permits(1);
    let entries = bench.finish().await;
    assert_eq!(entries[0].end, Some(End::Released(ReleaseReason::NotSent)));
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_while_the_provider_works_is_settled_with_the_providers_usage() {
    for before in [false, true] {
        let bench = Bench::with(|builder| if before { builder.settle_before_answer() } else { builder });
        let permit = Arc::new(Semaphore::new(0));
        bench.alpha.then(after(&permit, whole("hi", Some(usage(9, 2)))));
        let gate = bench.gate.clone();
        let asked = tokio::spawn(async move { gate.call(call(question())).await });
        bench.ledger.wait_for_holds(1).await;
        while bench.alpha.seen().is_empty() {
            tokio::task::yield_now().await;
        }
        asked.abort();
        asked.await.unwrap_err();
        permit.add_permits(1);
        let (entry, report) = bench.finish_one().await;
        assert_eq!(entry.tokens(), (usage(9, 2), UsageSource::Provider));
        assert_eq!(report.outcome, CallOutcome::ClientGone);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_not_retried_after_a_disconnect() {
    let bench = Bench::pair();
    let permit = Arc::new(Semaphore::new(0));
    bench.alpha.then(after(&permit, crate::support::status(500, None, None)));
    let gate = bench.gate.clone();
    let asked = tokio::spawn(async move { gate.call(call(question())).await });
    while bench.alpha.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    asked.abort();
    asked.await.unwrap_err();
    permit.add_permits(1);
    bench.finish_one().await;
    assert_eq!(bench.beta.seen().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_at_any_frame_is_settled_with_the_providers_usage() {
    for read in 0..=66 {
        let bench = Bench::new();
        let (feed, act) = live();
        bench.alpha.then(act);
        let mut rest = frames(64);
        rest.extend([told_usage(usage(9, 64)), done()]);
        let mut rest = rest.into_iter();
        feed.send(rest.next().unwrap()).unwrap();
        let mut answer = bench.ask_stream(streamed()).await.unwrap();
        for _ in 0..read {
            if let Some(frame) = rest.next() {
                feed.send(frame).unwrap();
            }
            next(&mut answer).await.unwrap();
        }
        drop(answer);
        // The provider continues without a reader.
        for frame in rest {
            tokio::task::yield_now().await;
            feed.send(frame).unwrap();
        }
        drop(feed);
        let (entry, report) = bench.finish_one().await;
        assert_eq!(entry.tokens(), (usage(9, 64), UsageSource::Provider), "after {read} events");
        if read < 63 {
            assert_eq!(report.outcome, CallOutcome::ClientGone, "after {read} events");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_from_a_provider_that_then_sends_nothing_costs_at_least_its_frames() {
    for sent in 1..=64 {
        let bench = Bench::new();
        bench.alpha.then(silent_after(frames(sent)));
        let mut answer = bench.ask_stream(streamed()).await.unwrap();
        for _ in 0..sent {
            next(&mut answer).await.unwrap();
        }
        let began = tokio::time::Instant::now();
        drop(answer);
        let (entry, report) = bench.finish_one().await;
        assert_eq!(began.elapsed().as_secs(), 30, "the gate waits for the rest for `drain_seconds`");
        let (counted, source) = entry.tokens();
        assert!(counted.completion_tokens >= u64::try_from(sent).unwrap(), "{counted:?} for {sent}");
        assert_eq!(counted.prompt_tokens, entry.ask.input_tokens);
        assert_eq!((source, report.outcome), (UsageSource::Estimated, CallOutcome::ClientGone));
    }
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_before_the_first_frame_is_settled_with_the_providers_usage() {
    let bench = Bench::new();
    let (feed, act) = live();
    bench.alpha.then(act);
    let gate = bench.gate.clone();
    let asked = tokio::spawn(async move { gate.call(call(streamed())).await });
    while bench.alpha.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    asked.abort();
    asked.await.unwrap_err();
    for frame in frames(3).into_iter().chain([told_usage(usage(9, 3)), done()]) {
        feed.send(frame).unwrap();
    }
    let (entry, report) = bench.finish_one().await;
    assert_eq!(entry.tokens(), (usage(9, 3), UsageSource::Provider));
    assert_eq!(report.outcome, CallOutcome::ClientGone);
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_just_before_the_end_is_recorded_as_a_disconnect() {
    let bench = Bench::new();
    let (feed, act) = live();
    bench.alpha.then(act);
    feed.send(frames(1).remove(0)).unwrap();
    let mut answer = bench.ask_stream(streamed()).await.unwrap();
    next(&mut answer).await.unwrap();
    // The task sees the disconnect and the end of the stream at the same time.
    drop(answer);
    feed.send(told_usage(usage(9, 1))).unwrap();
    feed.send(done()).unwrap();
    assert_eq!(bench.finish_one().await.1.outcome, CallOutcome::ClientGone);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_reads_to_the_end_is_not_recorded_as_disconnected() {
    let bench = Bench::new();
    let mut items = frames(2);
    items.extend([told_usage(usage(9, 2)), done()]);
    bench.alpha.then(stream(items));
    bench.events(streamed()).await;
    assert_eq!(bench.finish_one().await.1.outcome, CallOutcome::Ok);
}
