//! Tests of all fixtures in `golden/`: parsed answers of providers, and requests to Anthropic.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use llm_gate::provider::{Frame, Incoming, ProviderError};
use llm_policy::ProviderKind;
use serde_json::{Value, json};

use super::server::{
    COMPLETION, Server, answer, chunked, collect, config, json_answer, open, provider, request_of, whole,
};

const KINDS: [ProviderKind; 2] = [ProviderKind::Openai, ProviderKind::Anthropic];

/// Returns the files of a folder with this name ending, each with its path without the ending.
fn fixtures(kind: ProviderKind, folder: &str, end: &str, least: usize) -> Vec<(PathBuf, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(kind.as_str()).join(folder);
    let mut found = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if let Some(stem) = path.to_str().unwrap().strip_suffix(end)
            && !stem.contains('.')
        {
            found.push((PathBuf::from(stem), path.clone()));
        }
    }
    assert!(found.len() >= least, "only {} fixtures", found.len());
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn value(path: &Path) -> Value {
    serde_json::from_str(&text(path)).unwrap()
}

fn told(frames: &[Frame], error: Option<&ProviderError>) -> String {
    let mut out = String::new();
    for frame in frames {
        writeln!(out, "data {}", str::from_utf8(&frame.data).unwrap()).unwrap();
        if !frame.text.is_empty() {
            writeln!(out, "text {}", json!(frame.text)).unwrap();
        }
        if let Some(usage) = frame.usage {
            writeln!(out, "usage {}", serde_json::to_string(&usage).unwrap()).unwrap();
        }
        if frame.usage_only {
            out.push_str("usage alone\n");
        }
        if frame.done {
            out.push_str("done\n");
        }
        out.push('\n');
    }
    match error {
        None => out.push_str("end\n"),
        Some(error) => writeln!(out, "{error}").unwrap(),
    }
    out
}

#[tokio::test]
async fn streams_yield_the_frames_of_their_fixtures() {
    for kind in KINDS {
        for (stem, path) in fixtures(kind, "stream", ".sse", 9) {
            let server = Server::always(chunked("text/event-stream", &[&text(&path)])).await;
            let frames = open(&*provider(&config(kind, &server.url))).await.unwrap();
            let (frames, error) = collect(frames).await;
            let told = told(&frames, error.as_ref());
            let expected = text(&stem.with_extension("frames"));
            assert_eq!(told, expected, "{} yields\n{told}", path.display());
        }
    }
}

#[tokio::test]
async fn complete_answers_are_parsed_as_their_fixtures_state() {
    for kind in KINDS {
        for (stem, path) in fixtures(kind, "whole", ".json", 8) {
            let sent = text(&path);
            let server = Server::always(json_answer(&sent)).await;
            let whole = whole(&*provider(&config(kind, &server.url))).await.unwrap();
            let expected = value(&stem.with_extension("read.json"));
            let read = json!({ "text": whole.text, "usage": whole.usage });
            assert_eq!(read["text"], expected["text"], "{}", path.display());
            assert_eq!(read["usage"], expected["usage"], "{}", path.display());
            match expected.get("body") {
                None => assert_eq!(whole.body, sent, "{}", path.display()),
                Some(body) => {
                    let told: Value = serde_json::from_slice(&whole.body).unwrap();
                    assert_eq!(told, *body, "{}", path.display());
                }
            }
        }
    }
}

#[tokio::test]
async fn requests_to_anthropic_match_their_fixtures() {
    let server = Server::always(answer("200 OK", "", COMPLETION)).await;
    let anthropic = provider(&config(ProviderKind::Anthropic, &server.url));
    for (stem, path) in fixtures(ProviderKind::Anthropic, "request", ".openai.json", 9) {
        let mut expected = value(&stem.with_extension("anthropic.json"));
        for stream in [false, true] {
            match anthropic.send(request_of(value(&path), stream)).await.unwrap() {
                Incoming::Whole(_) => {}
                Incoming::Stream(..) => assert!(stream, "{}", path.display()),
            }
            if stream {
                expected["stream"] = true.into();
            }
            assert_eq!(server.seen().pop().unwrap().body, expected, "{}", path.display());
        }
    }
}
