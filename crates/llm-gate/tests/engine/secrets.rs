//! Known secrets are removed from everything that the gate reports, stores or passes on, except the answer itself.

use llm_gate::GateError;
use llm_gate::provider::ProviderError;
use registry_core::KnownSecrets;
use serde_json::json;

use crate::support::{Bench, answer, content, done, fail, frames, notice, question, stream, streamed};

const KEY: &str = "PROVIDERSECRET-9f8e7d6c5b4a39281706f5e4";

fn bench() -> Bench {
    Bench::with(|builder| builder.secrets(KnownSecrets::new([KEY], [])))
}

/// Checks that a text does not contain any eight consecutive bytes of the key.
#[track_caller]
fn holds_no_part(text: &str) {
    for part in KEY.as_bytes().windows(8) {
        let part = str::from_utf8(part).unwrap();
        assert!(!text.contains(part), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn error_texts_of_a_provider_contain_no_secret_wherever_they_are_truncated() {
    for filler in [0, 1000, 1050, 1065, 4050, 4060, 4085, 70_000] {
        let bench = bench();
        let words = format!("{} {KEY} and {KEY}", "x".repeat(filler));
        bench.alpha.then(answer(422, "req-1", &json!({ "error": { "message": words } }).to_string(), None));
        bench.alpha.then(fail(ProviderError::BadAnswer(words)));
        let GateError::Rejected { body, .. } = bench.ask_whole(question()).await.unwrap_err() else {
            panic!()
        };
        holds_no_part(&body);
        assert!(body.contains("[redacted]") == (filler < 4070), "{body}");
        let GateError::Failed { cause, .. } = bench.ask_whole(question()).await.unwrap_err() else {
            panic!()
        };
        holds_no_part(&cause);
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_in_the_providers_request_id_is_redacted() {
    let bench = bench();
    let body = json!({ "choices": [{ "message": { "content": KEY } }] }).to_string();
    bench.alpha.then(answer(200, &format!("req-{KEY}"), &body, Some(KEY)));
    let (whole, receipt) = bench.ask_whole(question()).await.unwrap();
    assert_eq!(whole, body.as_bytes(), "an answer is passed on unchanged");
    assert_eq!(receipt.provider_request_id.as_deref(), Some("req-[redacted]"));
    let (entry, _) = bench.finish_one().await;
    assert_eq!(entry.settlement().provider_request_id.as_deref(), Some("req-[redacted]"));
}

#[tokio::test(start_paused = true)]
async fn a_secret_split_over_two_frames_of_an_error_is_removed_from_both() {
    let bench = bench();
    let (first, second) = KEY.split_at(20);
    let mut items = frames(2);
    items.push(notice(&json!({ "message": format!("bad key {first}"), "code": 7 })));
    items.push(notice(&json!({ "message": format!("{second}, said the server") })));
    items.push(notice(&json!({ KEY: [KEY], "kept": "as it is" })));
    items.push(done());
    bench.alpha.then(stream(items));
    let events = bench.events(streamed()).await;
    holds_no_part(&events.concat());
    assert_eq!(events[2], r#"{"code":7,"message":"bad key [redacted]"}"#);
    assert_eq!(events[3], r#"{"message":"[redacted], said the server"}"#);
    assert_eq!(events[4], r#"{"[redacted]":["[redacted]"],"kept":"as it is"}"#);
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_secret_that_began_in_the_answer_is_removed_from_the_error() {
    let bench = bench();
    // The second part alone is too short to be recognised as a part of a secret.
    let (first, second) = KEY.split_at(KEY.len() - 10);
    let (sender, act) = crate::support::live();
    bench.alpha.then(act);
    let call = bench.gate.chat_stream(llm_gate::ChatRequest {
        model: Some("m".to_owned()),
        max_tokens: Some(100),
        ..llm_gate::ChatRequest::prompt("hello")
    });
    sender.send(content(first, None)).unwrap();
    sender.send(Err(ProviderError::BadAnswer(format!("{second} is refused")))).unwrap();
    drop(sender);
    let mut answer = call.await.unwrap();
    assert_eq!(answer.next().await.unwrap().unwrap(), first, "an answer is passed on unchanged");
    let error = answer.next().await.unwrap().unwrap_err().to_string();
    assert!(error.ends_with("[redacted] is refused"), "{error}");
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_credential_of_a_provider_is_always_removed() {
    let bench = Bench::new();
    let key = bench.alpha.key();
    bench.alpha.then(answer(400, "r", &format!("{key} is no key"), None));
    let GateError::Rejected { body, .. } = bench.ask_whole(question()).await.unwrap_err() else { panic!() };
    assert_eq!(body, "[redacted] is no key");
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_notice_without_a_secret_is_passed_on_unchanged() {
    let bench = bench();
    let said = json!({ "prompt_filter_results": [{ "a": 1.50 }], "b": "PROVIDE" });
    bench.alpha.then(stream(vec![notice(&said), content("x", None), done()]));
    let events = bench.events(streamed()).await;
    assert_eq!(events[0], said.to_string());
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_secrets_of_a_caller_are_removed_as_well() {
    let bench = bench();
    let key = format!("t4_000000000001_{}", "k".repeat(49));
    let gate = bench.gate.with_secrets(&KnownSecrets::default().with_presented([key.as_str()]));
    bench.alpha.then(answer(400, "r", &format!("you are {key}, we are {KEY}"), None));
    let told = gate.call(crate::support::call(question())).await.unwrap_err();
    let GateError::Rejected { body, .. } = told else { panic!("{told:?}") };
    assert_eq!(body, "you are t4_000000000001_[redacted], we are [redacted]");
    bench.finish().await;
}
