//! Property tests of the parser against a simple model of the standard's rules. The model reads all bytes at once: it
//! splits them into lines, then interprets the lines. The parser must agree with it for any bytes, split in any way.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// Returns the lines without their ends, and the rest after the last line end.
fn lines(bytes: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'\r' | b'\n' => {
                if byte == b'\r' {
                    rest.next_if_eq(&b'\n');
                }
                lines.push(std::mem::take(&mut line));
            }
            byte => line.push(byte),
        }
    }
    (lines, line)
}

/// Returns the data of each complete event, the data of the incomplete event, and the incomplete line.
fn parsed(bytes: &[u8]) -> (Vec<Vec<u8>>, Option<Vec<u8>>, Vec<u8>) {
    let (lines, rest) = lines(bytes);
    let (mut events, mut data) = (Vec::new(), None::<Vec<u8>>);
    for line in lines {
        if line.is_empty() {
            events.extend(data.take());
            continue;
        }
        let at = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        if line[..at] == *b"data" {
            let value = line.get(at + 1..).unwrap_or_default();
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match &mut data {
                None => data = Some(value.to_vec()),
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
            }
        }
    }
    (events, data, rest)
}

fn of_the_standard(bytes: &[u8]) -> (Vec<Bytes>, EventStreamEnd) {
    let (events, data, rest) = parsed(bytes);
    let completed = parsed(&[bytes, b"\n\n"].concat()).0;
    let end = match completed.get(events.len()) {
        Some(last) if last == DONE => EventStreamEnd::Done,
        _ if data.is_some() || !rest.is_empty() => EventStreamEnd::Broken,
        _ => EventStreamEnd::Clean,
    };
    (events.into_iter().map(Bytes::from).collect(), end)
}

fn streams() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => select(vec![
            &b"data: "[..], b"data:", b"data", b"data :", b": c", b"event: x", b"\n", b"\r", b"\r\n", b"\n\n",
            b"\r\n\r\n", b"\r\r", b"\xef\xbb\xbf", b"\xef", b"\xbf", b"[DONE]", b"x", b" ", b":", b"\0", b"\xff",
        ]).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

/// Splits bytes at the given positions.
fn cut<'a>(bytes: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

fn cuts() -> impl Strategy<Value = Vec<Index>> {
    proptest::collection::vec(any::<Index>(), 0..8)
}

/// Generates payloads of both protocols: valid, invalid, and some that are not JSON.
fn payloads() -> impl Strategy<Value = Vec<&'static str>> {
    let openai = [
        r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#,
        r#"{"choices":[{"delta":{"content":"hé \ud83e\udd80\n"}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{\"a\":1}"}}]}}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":-3,"completion_tokens":99999999999999999999}}"#,
        r#"{"x_groq":{"usage":{"prompt_tokens":1,"completion_tokens":2}}}"#,
        r#"{"error":{"message":"overloaded"}}"#,
        "[DONE]",
    ];
    let anthropic = [
        r#"{"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":4,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"ho"}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f"}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}"#,
        r#"{"type":"message_delta","delta":{},"usage":{"output_tokens":4.5}}"#,
        r#"{"type":"message_stop"}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"error","error":{"message":"overloaded"}}"#,
    ];
    let odd = ["", "{", "[]", "null", "7", "{}", "{\"choices\":null}", "{\"type\":7}", "\u{0}"];
    let one =
        prop_oneof![4 => select(openai.to_vec()), 4 => select(anthropic.to_vec()), 1 => select(odd.to_vec())];
    proptest::collection::vec(one, 0..12)
}

/// Returns a stream with these payloads. Each is on one line, or split over two where JSON allows a line end.
fn written(payloads: &[&str], ends: &[usize]) -> Vec<u8> {
    let mut text = String::new();
    for (payload, form) in payloads.iter().zip(ends.iter().cycle()) {
        let end = ["\n", "\r\n", "\r"][form % 3];
        let parted = payload.replacen(":[", &format!(":{end}data: ["), form / 3 % 2);
        text.extend(["data: ", &parted, end, end]);
    }
    text.into_bytes()
}

/// Checks the properties that hold for the frames of any stream.
fn sound(frames: &[Result<Frame, ProviderError>]) -> Result<(), TestCaseError> {
    let last = frames.len().saturating_sub(1);
    for (place, frame) in frames.iter().enumerate() {
        let Ok(frame) = frame else {
            prop_assert_eq!(place, last, "nothing follows an error");
            continue;
        };
        prop_assert!(!frame.done || place == last, "nothing follows the end");
        // A frame is passed on as one event, so it must be one line.
        prop_assert!(!frame.data.contains(&b'\n') && !frame.data.contains(&b'\r'));
        if frame.done {
            prop_assert_eq!(&frame.data[..], DONE);
        } else {
            let read = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&frame.data);
            prop_assert!(read.is_ok(), "{:?}", frame.data);
        }
        if let Some(usage) = frame.usage {
            prop_assert!(usage.cached_tokens + usage.cache_write_tokens <= usage.prompt_tokens);
            prop_assert!(usage.reasoning_tokens <= usage.completion_tokens);
            prop_assert!(usage.prompt_tokens <= crate::openai::MAX_TOKENS);
            prop_assert!(usage.completion_tokens <= crate::openai::MAX_TOKENS);
        }
    }
    Ok(())
}

fn same_in_pieces<D: Decode>(
    decode: impl Fn() -> D,
    bytes: &[u8],
    cuts: &[Index],
) -> Result<Vec<Result<Frame, ProviderError>>, TestCaseError> {
    let whole = frames(decode(), &[bytes]);
    sound(&whole)?;
    prop_assert_eq!(&frames(decode(), &cut(bytes, cuts)), &whole);
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    prop_assert_eq!(&frames(decode(), &single), &whole);
    Ok(whole)
}

proptest! {
    #[test]
    fn events_match_the_model_for_any_bytes_split_in_any_way(bytes in streams(), cuts in cuts()) {
        let expected = of_the_standard(&bytes);
        prop_assert_eq!(&events(&cut(&bytes, &cuts)).unwrap(), &expected);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&events(&single).unwrap(), &expected);
    }

    #[test]
    fn any_data_survives_a_round_trip_as_an_event(
        data in proptest::collection::vec("[^\r\n]{0,8}", 1..4), space in any::<bool>()
    ) {
        // The parser drops one space after the colon, so a line that begins with a space needs another one.
        let space = space || data.iter().any(|line| line.starts_with(' '));
        let line = |line: &String| format!("data:{}{line}\n", if space { " " } else { "" });
        let text: String = data.iter().map(line).collect();
        let (events, end) = events(&[format!("{text}\n").as_bytes()]).unwrap();
        prop_assert_eq!(events, [Bytes::from(data.join("\n"))]);
        prop_assert_eq!(end, EventStreamEnd::Clean);
    }

    #[test]
    fn frames_do_not_depend_on_how_the_bytes_are_split(
        payloads in payloads(), ends in proptest::collection::vec(0_usize..6, 1..5), cuts in cuts(), cut_off in any::<Index>()
    ) {
        let bytes = written(&payloads, &ends);
        // The stream is also tested without its end, because a connection can break at any byte.
        for bytes in [&bytes[..], &bytes[..cut_off.index(bytes.len() + 1)]] {
            same_in_pieces(|| Chunks, bytes, &cuts)?;
            same_in_pieces(|| AnthropicEvents::new(7), bytes, &cuts)?;
        }
    }

    #[test]
    fn any_bytes_yield_frames_or_an_error(bytes in streams(), cuts in cuts()) {
        same_in_pieces(|| Chunks, &bytes, &cuts)?;
        same_in_pieces(|| AnthropicEvents::new(7), &bytes, &cuts)?;
    }

    #[test]
    fn all_text_of_an_anthropic_stream_is_translated_exactly_once(
        texts in proptest::collection::vec("\\PC{0,6}|[\"\\\\\u{0}-\u{1f}\u{2028}]{0,3}", 0..6),
        counts in (0_u64..2_000_000_000, proptest::option::of(0_u64..2_000_000_000)),
        form in 0_usize..3,
    ) {
        let (input, output) = counts;
        let mut events = vec![serde_json::json!({ "type": "message_start", "message": { "usage": { "input_tokens": input } } })];
        events.extend(texts.iter().map(|text| {
            serde_json::json!({ "type": "content_block_delta", "index": 0, "delta": { "text": text } })
        }));
        events.push(serde_json::json!({ "type": "message_delta", "usage": { "output_tokens": output } }));
        events.push(serde_json::json!({ "type": "message_stop" }));
        let payloads: Vec<String> = events.iter().map(serde_json::Value::to_string).collect();
        let payloads: Vec<&str> = payloads.iter().map(String::as_str).collect();
        let frames = same_in_pieces(|| AnthropicEvents::new(7), &written(&payloads, &[form]), &[])?;
        let frames: Vec<Frame> = frames.into_iter().collect::<Result<_, _>>().unwrap();
        // The counted text equals the shown text.
        let said = |frame: &Frame| {
            let data = serde_json::from_slice::<serde_json::Value>(&frame.data).unwrap_or_default();
            data["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned()
        };
        prop_assert_eq!(frames.iter().map(said).collect::<String>(), texts.concat());
        prop_assert_eq!(frames.iter().map(|frame| frame.text.as_str()).collect::<String>(), texts.concat());
        let most = crate::openai::MAX_TOKENS;
        let believed = output.filter(|output| input <= most && *output <= most).map(|output| (input, output));
        let usage = frames.iter().find_map(|frame| frame.usage);
        prop_assert_eq!(usage.map(|usage| (usage.prompt_tokens, usage.completion_tokens)), believed);
        prop_assert!(frames.last().is_some_and(|frame| frame.done));
    }
}
