//! What a failed attempt is billed at, and what the caller is told.

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
async fn what_may_have_run_is_billed_at_its_worst_case_and_not_repeated() {
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
async fn an_answer_that_cannot_be_read_is_billed_at_its_worst_case() {
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
async fn an_error_of_the_provider_costs_what_it_says_and_else_nothing() {
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
async fn refused_credentials_are_the_servers_fault_and_not_the_requests() {
    let bench = Bench::new();
    bench.alpha.then(status(401, None, None));
    let told = bench.ask_whole(question()).await.unwrap_err();
    assert!(matches!(&told, GateError::Failed { cause, .. } if cause.contains("401")), "{told:?}");
    bench.finish_one().await;
}

#[tokio::test(start_paused = true)]
async fn what_surely_never_left_is_given_back() {
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
async fn a_stream_that_breaks_in_the_middle_is_counted_and_the_caller_is_told() {
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
async fn a_stream_that_breaks_before_its_first_frame_is_a_plain_failure_at_the_worst_case() {
    let bench = Bench::pair();
    bench.alpha.then(stream(vec![Err(broken())]));
    let told = bench.ask_stream(streamed()).await.unwrap_err();
    assert!(matches!(told, GateError::Failed { .. }), "{told:?}");
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.settlement().measured, Measured::WorstCase);
    assert_eq!(entry.settlement().outcome, CallOutcome::Broken);
}

#[tokio::test(start_paused = true)]
async fn a_broken_stream_of_a_model_that_thinks_is_billed_at_its_worst_case() {
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
async fn a_running_usage_is_the_least_that_a_broken_stream_costs() {
    let bench = Bench::new();
    let items = vec![content("tok", Some(usage(7, 40))), Err(broken())];
    bench.alpha.then(stream(items));
    bench.events(streamed()).await;
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.tokens(), (usage(7, 40), UsageSource::Estimated));
}

#[tokio::test(start_paused = true)]
async fn a_break_after_the_usage_takes_nothing_away() {
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
async fn a_stream_that_nobody_asked_for_is_a_bad_answer() {
    let bench = Bench::new();
    bench.alpha.then(silent_after(frames(3)));
    let told = bench.ask_whole(question()).await.unwrap_err();
    assert!(matches!(told, GateError::Failed { .. }), "{told:?}");
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.settlement().measured, Measured::WorstCase);
    assert_eq!(entry.settlement().outcome, CallOutcome::BadAnswer);
}
