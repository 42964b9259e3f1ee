//! Failed attempts: their bill, and the error for the caller.

use llm_gate::GateError;
use llm_gate::provider::ProviderError;
use llm_policy::{CallOutcome, Measured, ReleaseReason, UsageSource};

use crate::support::{
    Bench, End, content, counted, fail, frames, parsed, question, silent_after, status, stream, streamed,
    told_usage, usage, whole,
};

fn timeout() -> ProviderError {
    ProviderError::Timeout { phase: "first_byte" }
}

fn broken() -> ProviderError {
    ProviderError::Broken("reset".to_owned())
}

fn call_id(bench: &Bench) -> llm_policy::CallId {
    bench.ledger.entries()[0].ask.call_id.clone()
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_may_have_run_is_billed_at_its_worst_case_and_not_retried() {
    for (error, outcome) in [
        (timeout(), CallOutcome::Timeout),
        (broken(), CallOutcome::Broken),
        (ProviderError::BadAnswer("html".to_owned()), CallOutcome::BadAnswer),
    ] {
        let bench = Bench::pair();
        bench.alpha.then(fail(error));
        let told = bench.ask_whole(question()).await.unwrap_err();
        let (provider, call_id) = ("alpha".to_owned(), call_id(&bench));
        if outcome == CallOutcome::Timeout {
            assert_eq!(told, GateError::TimedOut { provider, call_id });
        } else {
            assert!(
                matches!(&told, GateError::Failed { provider: p, call_id: c, .. } if *p == provider && *c == call_id),
                "{told:?}"
            );
        }
        let (entry, report) = bench.finish_one().await;
        assert_eq!(entry.settlement().measured, Measured::WorstCase);
        assert_eq!(entry.settlement().outcome, outcome);
        assert_eq!(entry.settlement().provider_status, None);
        assert_eq!(report.cost_pico_usd, entry.held.amount_pico_usd);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_answer_is_billed_at_its_worst_case() {
    let bench = Bench::pair();
    bench.alpha.then(status(200, None, None));
    let told = bench.ask_whole(question()).await.unwrap_err();
    assert!(matches!(told, GateError::Failed { .. }), "{told:?}");
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.settlement().measured, Measured::WorstCase);
    assert_eq!(entry.settlement().outcome, CallOutcome::BadAnswer);
    assert_eq!(entry.settlement().provider_status, Some(200));
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_provider_costs_the_usage_that_it_reports_or_nothing() {
    for (said, billed) in [(None, usage(0, 0)), (Some(usage(9, 0)), usage(9, 0))] {
        let bench = Bench::pair();
        bench.alpha.then(status(400, None, said));
        let told = bench.ask_whole(question()).await.unwrap_err();
        let body = "<html>no</html>".to_owned();
        assert_eq!(told, GateError::Rejected { provider: "alpha".to_owned(), status: 400, body });
        let (entry, _) = bench.finish_one().await;
        assert_eq!(entry.tokens(), (billed, UsageSource::Provider));
        assert_eq!(entry.settlement().outcome, CallOutcome::ProviderError);
        assert_eq!(entry.settlement().provider_status, Some(400));
    }
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_a_failure_and_not_a_rejected_request() {
    let bench = Bench::new();
    bench.alpha.then(status(401, None, None));
    let told = bench.ask_whole(question()).await.unwrap_err();
    assert!(matches!(&told, GateError::Failed { cause, .. } if cause.contains("401")), "{told:?}");
    bench.finish_one().await;
}

#[tokio::test(start_paused = true)]
async fn the_hold_of_a_request_that_was_surely_not_sent_is_released() {
    for (error, reason) in [
        (ProviderError::NotConnected("refused".to_owned()), ReleaseReason::NotConnected),
        (ProviderError::NotSent("no such header".to_owned()), ReleaseReason::NotSent),
    ] {
        let bench = Bench::pair();
        bench.alpha.then(fail(error));
        bench.beta.then(whole("hi", Some(usage(9, 2))));
        let (_, receipt) = bench.ask_whole(question()).await.unwrap();
        assert_eq!((receipt.provider.as_str(), receipt.attempt), ("beta", 2));
        let entries = bench.finish().await;
        assert_eq!(entries[0].end, Some(End::Released(reason)));
        assert_eq!(entries[1].tokens().0, usage(9, 2));
        assert_eq!(entries[0].ask.call_id, entries[1].ask.call_id);
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_stream_is_billed_for_its_output_and_ends_with_an_error_event() {
    for (error, outcome, code) in [
        (broken(), CallOutcome::Broken, "provider_failed"),
        (ProviderError::Timeout { phase: "idle" }, CallOutcome::Timeout, "provider_timeout"),
    ] {
        let bench = Bench::new();
        let mut items = frames(3);
        items.push(Err(error));
        bench.alpha.then(stream(items));
        let events = bench.events(counted(streamed())).await;
        assert_eq!(events.len(), 4);
        let error = parsed(&events[3]);
        assert_eq!(error["error"]["code"], code);
        assert!(error["error"]["message"].is_string() && error["error"]["type"].is_string());
        let (entry, _) = bench.finish_one().await;
        let (counted, source) = entry.tokens();
        assert_eq!((counted.prompt_tokens, source), (entry.ask.input_tokens, UsageSource::Estimated));
        assert!((3..=6).contains(&counted.completion_tokens), "{counted:?}");
        assert_eq!(entry.settlement().outcome, outcome);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_before_its_first_frame_fails_and_costs_the_worst_case() {
    let bench = Bench::pair();
    bench.alpha.then(stream(vec![Err(broken())]));
    let told = bench.ask_stream(streamed()).await.unwrap_err();
    assert!(matches!(told, GateError::Failed { .. }), "{told:?}");
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.settlement().measured, Measured::WorstCase);
    assert_eq!(entry.settlement().outcome, CallOutcome::Broken);
}

#[tokio::test(start_paused = true)]
async fn a_broken_stream_of_a_reasoning_model_is_billed_at_its_worst_case() {
    let bench = Bench::new();
    let mut items = frames(3);
    items.push(Err(broken()));
    bench.alpha.then(stream(items));
    let mut body = streamed();
    body["model"] = "thinker".into();
    bench.events(body).await;
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.settlement().measured, Measured::WorstCase);
}

#[tokio::test(start_paused = true)]
async fn a_broken_stream_costs_at_least_its_last_running_usage() {
    let bench = Bench::new();
    let items = vec![content("tok", Some(usage(7, 40))), Err(broken())];
    bench.alpha.then(stream(items));
    bench.events(streamed()).await;
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.tokens(), (usage(7, 40), UsageSource::Estimated));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_after_the_usage_ends_normally_for_the_caller() {
    let bench = Bench::new();
    let mut items = frames(3);
    items.extend([told_usage(usage(9, 3)), Err(broken())]);
    bench.alpha.then(stream(items));
    let events = bench.events(streamed()).await;
    assert_eq!(events.last().unwrap(), "[DONE]");
    assert_eq!(parsed(&events[3])["t4"]["source"], "provider");
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.tokens(), (usage(9, 3), UsageSource::Provider));
    assert_eq!(entry.settlement().outcome, CallOutcome::Broken);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_not_requested_is_a_bad_answer() {
    let bench = Bench::new();
    bench.alpha.then(silent_after(frames(3)));
    let told = bench.ask_whole(question()).await.unwrap_err();
    assert!(matches!(told, GateError::Failed { .. }), "{told:?}");
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.settlement().measured, Measured::WorstCase);
    assert_eq!(entry.settlement().outcome, CallOutcome::BadAnswer);
}
