//! Streamed answers: unchanged frames, and the usage and cost at the end.

use std::time::Duration;

use llm_gate::{GateBuilder, GateError};
use llm_policy::{CallOutcome, UsageSource};
use serde_json::json;

use crate::support::{
    Bench, config, content, counted, done, frames, live, next, parsed, provider_config, silent_after, stream,
    streamed, told_usage, usage, whole,
};

fn unasked() -> serde_json::Value {
    let mut body = streamed();
    body.as_object_mut().unwrap().remove("stream_options");
    body
}

#[tokio::test(start_paused = true)]
async fn frames_are_passed_on_unchanged_and_the_usage_event_has_the_receipt() {
    let bench = Bench::new();
    let mut items = frames(3);
    items.extend([told_usage(usage(9, 3)), done()]);
    bench.alpha.then(stream(items));
    let mut answer = bench.ask_stream(streamed()).await.unwrap();
    assert_eq!((answer.opened.provider.as_str(), answer.opened.max_tokens), ("alpha", Some(100)));
    for _ in 0..3 {
        let sent = content("tok ", None).unwrap().data;
        assert_eq!(next(&mut answer).await.unwrap().as_bytes(), sent);
    }
    let last = parsed(&next(&mut answer).await.unwrap());
    assert_eq!(last["usage"], json!({"prompt_tokens": 9, "completion_tokens": 3}));
    assert_eq!(
        last["t4"],
        json!({
            "call_id": answer.opened.call_id.as_str(), "cost_usd": 0.000_015, "cost_pico_usd": 15_000_000,
            "budget_remaining_usd": 0.999_985, "source": "provider", "overrun": false,
        })
    );
    assert_eq!(next(&mut answer).await.unwrap(), "[DONE]");
    assert_eq!(next(&mut answer).await, None);
    assert_eq!(answer.receipt().unwrap().cost_pico_usd, 15_000_000);
    assert_eq!(bench.alpha.seen()[0].body.get("stream"), Some(&json!(true)));
    assert!(bench.alpha.seen()[0].stream);
    let (entry, report) = bench.finish_one().await;
    assert_eq!(entry.tokens(), (usage(9, 3), UsageSource::Provider));
    assert_eq!(report.outcome, CallOutcome::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_frame_is_passed_on_before_the_next_one_arrives() {
    let bench = Bench::new();
    let (feed, act) = live();
    bench.alpha.then(act);
    feed.send(content("one ", None)).unwrap();
    let mut answer = bench.ask_stream(streamed()).await.unwrap();
    assert!(next(&mut answer).await.unwrap().contains("one "));
    feed.send(content("two ", None)).unwrap();
    assert!(next(&mut answer).await.unwrap().contains("two "));
    drop(feed);
    while next(&mut answer).await.is_some() {}
    bench.finish_one().await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_did_not_ask_for_usage_gets_no_usage_event() {
    let bench = Bench::new();
    let mut items = frames(2);
    items.extend([told_usage(usage(9, 2)), done()]);
    bench.alpha.then(stream(items));
    let events = bench.events(unasked()).await;
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| !event.contains("usage")));
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.tokens(), (usage(9, 2), UsageSource::Provider));
}

#[tokio::test(start_paused = true)]
async fn of_duplicate_usage_frames_the_last_counts_and_one_is_passed_on() {
    let bench = Bench::new();
    let mut items = frames(2);
    items.extend([told_usage(usage(9, 1)), told_usage(usage(9, 2)), done()]);
    bench.alpha.then(stream(items));
    let events = bench.events(streamed()).await;
    assert_eq!(events.iter().filter(|event| event.contains("\"usage\"")).count(), 1);
    assert_eq!(parsed(&events[2])["usage"]["completion_tokens"], 2);
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.tokens().0, usage(9, 2));
}

#[tokio::test(start_paused = true)]
async fn the_last_running_usage_counts_and_is_sent_in_a_separate_usage_event() {
    let bench = Bench::new();
    let items = vec![content("a ", Some(usage(9, 1))), content("b ", Some(usage(9, 2))), done()];
    bench.alpha.then(stream(items));
    let events = bench.events(streamed()).await;
    assert_eq!(events.len(), 4);
    let last = parsed(&events[2]);
    assert_eq!((&last["id"], &last["model"], &last["choices"]), (&json!("c1"), &json!("m-5"), &json!([])));
    assert_eq!(last["usage"]["total_tokens"], 11);
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.tokens(), (usage(9, 2), UsageSource::Provider));
}

#[tokio::test(start_paused = true)]
async fn an_implausible_usage_is_replaced_by_an_estimate() {
    let bench = Bench::new();
    let mut odd = told_usage(usage(9, 7_777)).unwrap();
    odd.usage = None;
    let mut items = frames(2);
    items.extend([Ok(odd), done()]);
    bench.alpha.then(stream(items));
    let events = bench.events(streamed()).await;
    assert_eq!(events.len(), 4);
    let last = parsed(&events[2]);
    assert_eq!(
        (&last["usage"]["completion_tokens"], &last["t4"]["source"]),
        (&json!(8), &json!("estimated"))
    );
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.tokens(), (usage(entry.ask.input_tokens, 8), UsageSource::Estimated));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_without_done_is_complete_and_gets_a_done_event() {
    let bench = Bench::new();
    bench.alpha.then(stream(frames(2)));
    let events = bench.events(unasked()).await;
    assert_eq!(events.len(), 3);
    assert_eq!(events[2], "[DONE]");
    let (entry, report) = bench.finish_one().await;
    assert_eq!((entry.tokens().1, report.outcome), (UsageSource::Estimated, CallOutcome::Ok));
}

#[tokio::test(start_paused = true)]
async fn an_empty_stream_is_an_answer_without_text() {
    for items in [vec![], vec![done()]] {
        let bench = Bench::new();
        bench.alpha.then(stream(items));
        assert_eq!(bench.events(unasked()).await, ["[DONE]"]);
        let (entry, _) = bench.finish_one().await;
        assert_eq!(entry.tokens(), (usage(entry.ask.input_tokens, 0), UsageSource::Estimated));
    }
}

#[tokio::test(start_paused = true)]
async fn an_explicit_usage_of_zero_in_a_stream_is_billed_as_zero() {
    let bench = Bench::new();
    let mut items = frames(2);
    items.extend([told_usage(usage(0, 0)), done()]);
    bench.alpha.then(stream(items));
    bench.events(streamed()).await;
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.tokens(), (usage(0, 0), UsageSource::Provider));
}

#[tokio::test(start_paused = true)]
async fn a_stream_above_its_output_limit_is_truncated_and_billed_in_full() {
    for said in [Some(usage(9, 20)), None] {
        let bench = Bench::new();
        let mut items = frames(20);
        items.extend(said.map(told_usage));
        items.push(done());
        bench.alpha.then(stream(items));
        let mut body = counted(streamed());
        body["max_tokens"] = 10.into();
        let events = bench.events(body).await;
        let with_text = events.iter().filter(|event| event.contains("tok ")).count();
        // The text "tok " of a frame is one or two tokens.
        assert!((5..=10).contains(&with_text), "{with_text}");
        let rest: Vec<_> = events[with_text..].iter().collect();
        assert_eq!(rest.len(), 3, "{rest:?}");
        let cut = parsed(rest[0]);
        assert_eq!(cut["choices"], json!([{"index": 0, "delta": {}, "finish_reason": "length"}]));
        assert_eq!((&cut["id"], &cut["model"]), (&json!("c1"), &json!("m-5")));
        assert_eq!(parsed(rest[1])["t4"]["overrun"], true);
        assert_eq!(rest[2], "[DONE]");
        let (entry, report) = bench.finish_one().await;
        assert!(entry.tokens().0.completion_tokens >= 20);
        assert!(report.overrun);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_tokenizer_a_stream_is_truncated_by_its_number_of_frames() {
    let bench = Bench::new();
    let mut items = frames(20);
    items.push(done());
    bench.alpha.then(stream(items));
    let mut body = unasked();
    body["max_tokens"] = 10.into();
    let events = bench.events(body).await;
    assert_eq!(events.iter().filter(|event| event.contains("tok ")).count(), 10);
    let (entry, report) = bench.finish_one().await;
    assert_eq!(entry.tokens(), (usage(entry.ask.input_tokens, 20), UsageSource::Estimated));
    assert!(report.overrun);
}

#[tokio::test(start_paused = true)]
async fn a_truncated_stream_that_never_ends_is_closed_after_the_drain_time() {
    let bench = Bench::new();
    bench.alpha.then(silent_after(frames(20)));
    let mut body = streamed();
    body["max_tokens"] = 10.into();
    let began = tokio::time::Instant::now();
    let events = bench.events(body).await;
    assert_eq!(events.last().unwrap(), "[DONE]");
    assert_eq!(began.elapsed().as_secs(), 30);
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.tokens().1, UsageSource::Estimated);
    assert!(entry.tokens().0.completion_tokens >= 20);
}

#[tokio::test(start_paused = true)]
async fn with_settle_before_answer_the_end_of_a_stream_waits_for_its_settlement() {
    let bench = Bench::with(GateBuilder::settle_before_answer);
    bench.ledger.stop_taking_settlements();
    let mut items = frames(2);
    items.extend([told_usage(usage(9, 2)), done()]);
    bench.alpha.then(stream(items));
    let mut answer = bench.ask_stream(streamed()).await.unwrap();
    for _ in 0..2 {
        next(&mut answer).await.unwrap();
    }
    let early = tokio::time::timeout(Duration::from_mins(1), next(&mut answer)).await;
    assert!(early.is_err(), "{early:?} before its settlement");
    bench.ledger.take_settlements.add_permits(1);
    assert_eq!(parsed(&next(&mut answer).await.unwrap())["t4"]["cost_pico_usd"], 13_000_000);
    assert_eq!(bench.ledger.settled_pico_usd(), 13_000_000);
    assert_eq!(next(&mut answer).await.unwrap(), "[DONE]");
    bench.finish_one().await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_accepts_nothing_for_too_long_counts_as_disconnected() {
    let mut provider = provider_config("alpha", &["m"]);
    provider.idle_timeout_ms = 2_000;
    let bench = Bench::build(config(vec![provider]), |builder| builder);
    let mut items = frames(200);
    items.extend([told_usage(usage(9, 200)), done()]);
    bench.alpha.then(stream(items));
    let mut body = streamed();
    body["max_tokens"] = 1000.into();
    let mut answer = bench.ask_stream(body).await.unwrap();
    let entries = bench.finish().await;
    assert_eq!(entries[0].tokens(), (usage(9, 200), UsageSource::Provider));
    assert_eq!(entries[0].settlement().outcome, CallOutcome::ClientGone);
    let mut events = Vec::new();
    while let Some(event) = next(&mut answer).await {
        events.push(event);
    }
    assert_eq!(events.len(), 65);
    assert_eq!(parsed(&events[64])["error"]["message"], "`alpha` failed in the middle of its answer");
    assert_eq!(answer.receipt(), None);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_that_resumes_in_time_gets_everything() {
    let bench = Bench::new();
    let mut items = frames(200);
    items.extend([told_usage(usage(9, 200)), done()]);
    bench.alpha.then(stream(items));
    let mut body = streamed();
    body["max_tokens"] = 1000.into();
    let mut answer = bench.ask_stream(body).await.unwrap();
    tokio::time::sleep(Duration::from_secs(59)).await;
    let mut count = 0;
    while next(&mut answer).await.is_some() {
        count += 1;
    }
    assert_eq!(count, 202);
    assert_eq!(bench.finish_one().await.1.outcome, CallOutcome::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_complete_answer_to_a_stream_request_is_passed_on() {
    let bench = Bench::new();
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    let (body, _) = bench.ask_whole(streamed()).await.unwrap();
    assert_eq!(body, crate::support::document("hi"));
    bench.finish_one().await;
}

#[tokio::test(start_paused = true)]
async fn a_payload_of_several_lines_is_still_one_event() {
    let bench = Bench::new();
    let mut frame = content("tok", None).unwrap();
    frame.data = bytes::Bytes::from_static(b"{\n\"choices\": []}");
    bench.alpha.then(stream(vec![Ok(frame), done()]));
    assert_eq!(bench.events(unasked()).await, ["{ \"choices\": []}", "[DONE]"]);
    bench.finish_one().await;
    assert_eq!(bench.ask(streamed()).await.unwrap_err(), GateError::Closing);
}
