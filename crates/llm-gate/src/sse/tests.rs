//! Tests that events and frames do not depend on how the network splits their bytes.

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::anthropic::AnthropicEvents;
use crate::openai::Chunks;

mod model;

fn events(chunks: &[&[u8]]) -> Result<(Vec<Bytes>, EventStreamEnd), ProviderError> {
    let mut splitter = Splitter::default();
    let mut events = Vec::new();
    for chunk in chunks {
        splitter.push(chunk);
        while let Some(event) = splitter.next()? {
            events.push(event);
        }
    }
    Ok((events, splitter.finish()))
}

#[test]
fn events_are_split_by_the_rules_of_the_standard() {
    for (bytes, expected, end) in [
        ("data: a\n\ndata: b\n\n", vec!["a", "b"], EventStreamEnd::Clean),
        ("data: a\r\n\r\ndata: b\r\n\r\n", vec!["a", "b"], EventStreamEnd::Clean),
        ("data: a\r\rdata: b\r\r", vec!["a", "b"], EventStreamEnd::Clean),
        ("data: a\r\n\ndata: b\n\r\n", vec!["a", "b"], EventStreamEnd::Clean),
        ("\u{feff}data: a\n\n", vec!["a"], EventStreamEnd::Clean),
        ("data: a\n\n\u{feff}data: b\n\n", vec!["a"], EventStreamEnd::Clean),
        ("data:a\ndata:  b\ndata\ndata: c\n\n", vec!["a\n b\n\nc"], EventStreamEnd::Clean),
        (": ping\n\nevent: x\nid: 7\ndata: a\nretry: 5\n\n", vec!["a"], EventStreamEnd::Clean),
        ("database: a\ndat: b\n data: c\n\n", vec![], EventStreamEnd::Clean),
        ("data:\n\n", vec![""], EventStreamEnd::Clean),
        ("data: ü🦀\n\n", vec!["ü🦀"], EventStreamEnd::Clean),
        ("\n\r\n\r\n", vec![], EventStreamEnd::Clean),
        ("", vec![], EventStreamEnd::Clean),
        ("data: a\n\n: bye\n", vec!["a"], EventStreamEnd::Clean),
        ("data: a\n", vec![], EventStreamEnd::Broken),
        ("data: a", vec![], EventStreamEnd::Broken),
        ("data: a\n\nda", vec!["a"], EventStreamEnd::Broken),
        ("data: a\n\n\r", vec!["a"], EventStreamEnd::Clean),
        ("data: a\n\ndata: [DONE]", vec!["a"], EventStreamEnd::Done),
        ("data: a\n\ndata: [DONE]\r\n", vec!["a"], EventStreamEnd::Done),
        ("data: a\n\ndata: [DON", vec!["a"], EventStreamEnd::Broken),
        ("data: a\ndata: [DONE]", vec![], EventStreamEnd::Broken),
    ] {
        let (events, ended) = events(&[bytes.as_bytes()]).unwrap();
        assert_eq!(events, expected, "{bytes:?}");
        assert_eq!(ended, end, "{bytes:?}");
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("data: "),
        Just("data:"),
        Just("data"),
        Just(": c"),
        Just("\n"),
        Just("\r"),
        Just("\r\n"),
        Just("\n\n"),
        Just("\r\n\r\n"),
        Just("é🦀"),
        Just("\u{feff}"),
        Just("[DONE]"),
        Just("x"),
        Just(" "),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn events_do_not_depend_on_how_the_bytes_are_split(
        text in pieces(), cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8)
    ) {
        let whole = events(&[text.as_bytes()]).unwrap();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        at.extend([0, text.len()]);
        at.sort_unstable();
        let chunks: Vec<&[u8]> = at.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
        prop_assert_eq!(&events(&chunks).unwrap(), &whole);
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        prop_assert_eq!(&events(&bytes).unwrap(), &whole);
    }

    #[test]
    fn any_bytes_are_parsed_without_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(events(&[&bytes]).is_ok());
    }
}

#[test]
fn an_event_that_is_too_long_is_refused_however_it_is_split() {
    // An event is `data: `, the text, and two line feeds.
    for (bytes, fits) in [(MAX_EVENT - 8, true), (MAX_EVENT - 7, false)] {
        let text = format!("data: {}\n\ndata: next\n\n", "x".repeat(bytes));
        for chunk in [text.len(), 1 << 20, 4097] {
            let chunks: Vec<&[u8]> = text.as_bytes().chunks(chunk).collect();
            assert_eq!(events(&chunks).is_ok(), fits, "{bytes} in chunks of {chunk}");
        }
    }
    let comment = format!(":{}\n", "x".repeat(MAX_EVENT));
    assert!(matches!(events(&[comment.as_bytes()]), Err(ProviderError::BadAnswer(_))));
    let endless = format!("data: {}", "x".repeat(MAX_EVENT));
    assert!(matches!(events(&[endless.as_bytes()]), Err(ProviderError::BadAnswer(_))));
    let comments = ": ping\n".repeat(MAX_EVENT / 4);
    assert!(events(&[comments.as_bytes()]).is_ok());
    let lines = "data: x\n".repeat(MAX_EVENT / 4);
    assert!(matches!(events(&[lines.as_bytes()]), Err(ProviderError::BadAnswer(_))));
}

fn frames<D: Decode>(decode: D, chunks: &[&[u8]]) -> Vec<Result<Frame, ProviderError>> {
    let mut reader = FrameReader::new(decode);
    let mut frames = Vec::new();
    for chunk in chunks {
        reader.push(chunk);
        while let Some(frame) = reader.next() {
            frames.push(frame);
        }
    }
    frames.extend(reader.finish());
    while let Some(frame) = reader.next() {
        frames.push(frame);
    }
    frames
}

fn at_every_boundary<D: Decode>(provider: &str, decode: impl Fn() -> D) {
    let folder = format!("{}/golden/{provider}/stream", env!("CARGO_MANIFEST_DIR"));
    let mut files = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "sse") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let whole = frames(decode(), &[&bytes]);
        assert!(!whole.is_empty(), "{}", path.display());
        for at in 0..=bytes.len() {
            let (before, after) = bytes.split_at(at);
            assert_eq!(frames(decode(), &[before, after]), whole, "{} cut at {at}", path.display());
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(frames(decode(), &single), whole, "{} in bytes", path.display());
        files += 1;
    }
    assert!(files > 4, "only {files} fixtures of {provider}");
}

#[test]
fn the_fixtures_yield_the_same_frames_when_split_at_any_byte() {
    at_every_boundary("openai", || Chunks);
    at_every_boundary("anthropic", || AnthropicEvents::new(0));
}

#[test]
fn no_frame_follows_the_end() {
    let text = "data: {\"choices\":[]}\n\ndata: [DONE]\n\ndata: {\"choices\":[]}\n\nda";
    let frames = frames(Chunks, &[text.as_bytes()]);
    assert_eq!(frames.len(), 2);
    assert!(frames[1].as_ref().unwrap().done);
}

#[test]
fn no_frame_follows_an_error() {
    let text = "data: {\"error\":{\"message\":\"no\"}}\n\ndata: {\"choices\":[]}\n\nda";
    assert_eq!(frames(Chunks, &[text.as_bytes()]), [Err(ProviderError::BadAnswer("no".to_owned()))]);
}
