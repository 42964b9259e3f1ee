//! Property tests of usage and text against a simple model that parses the whole document.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Generates values of a count: plausible, invalid and absent ones.
fn counts() -> impl Strategy<Value = Option<String>> {
    let odd = [
        "-1",
        "-0",
        "1.0",
        "1e2",
        "1000000000",
        "1000000001",
        "18446744073709551615",
        "18446744073709551616",
        "1e400",
        "\"3\"",
        "true",
        "[3]",
        "{}",
        "null",
    ];
    prop_oneof![
        6 => (0_u64..3000).prop_map(|number| Some(number.to_string())),
        3 => select(odd.to_vec()).prop_map(|text| Some(text.to_owned())),
        1 => Just(None),
    ]
}

fn members(pairs: &[(&str, &Option<String>)]) -> String {
    let written = pairs.iter().filter_map(|(name, value)| Some(format!("{name:?}:{}", value.as_ref()?)));
    format!("{{{}}}", written.collect::<Vec<_>>().join(","))
}

/// Generates the details of input or output: an object with one count, or another value.
fn details(name: &'static str) -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        4 => counts().prop_map(move |count| Some(members(&[(name, &count)]))),
        1 => Just(None),
        1 => select(vec!["null", "7", "[3]", "[]", "\"x\""]).prop_map(|text| Some(text.to_owned())),
    ]
}

fn usages() -> impl Strategy<Value = String> {
    let all = (counts(), counts(), counts(), details("cached_tokens"), details("reasoning_tokens"));
    prop_oneof![
        12 => all.prop_map(|(prompt, completion, total, cached, reasoning)| members(&[
            ("prompt_tokens", &prompt),
            ("completion_tokens", &completion),
            ("total_tokens", &total),
            ("prompt_tokens_details", &cached),
            ("completion_tokens_details", &reasoning),
            ("x_new", &Some("[1, -2]".to_owned())),
        ])),
        1 => vec(0_u64..9, 0..6).prop_map(|list| format!("{list:?}")),
    ]
}

/// Returns a member that may be absent. `Err` when it is present and not a count.
fn count(of: &Value, name: &str) -> Result<Option<u128>, ()> {
    match of.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(|number| Some(u128::from(number))).ok_or(()),
    }
}

fn detail(of: &Value, name: &str, member: &str) -> Result<Option<u128>, ()> {
    match of.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) if value.is_object() => count(value, member),
        Some(_) => Err(()),
    }
}

/// Returns prompt, cached, completion and reasoning tokens, computed without overflow.
fn expected(text: &str, operation: Operation) -> Result<Option<[u128; 4]>, ()> {
    let usage: Value = serde_json::from_str(text).map_err(|_| ())?;
    if !usage.is_object() {
        return Err(());
    }
    let (prompt, shown) = (count(&usage, "prompt_tokens")?, count(&usage, "completion_tokens")?);
    let total = count(&usage, "total_tokens")?;
    let cached = detail(&usage, "prompt_tokens_details", "cached_tokens")?.unwrap_or(0);
    let thought = detail(&usage, "completion_tokens_details", "reasoning_tokens")?;
    let Some(prompt) = prompt else { return Ok(None) };
    let (completion, reasoning) = match (operation, shown) {
        (Operation::Embeddings, _) => (0, 0),
        (Operation::Chat, None) => return Ok(None),
        (Operation::Chat, Some(shown)) => {
            let hidden = total.unwrap_or(0).saturating_sub(prompt + shown);
            (shown + hidden, thought.unwrap_or(hidden))
        }
    };
    let all = [prompt, cached, completion, reasoning];
    let most = u128::from(MAX_TOKENS);
    Ok(all
        .iter()
        .all(|number| *number <= most)
        .then(|| [prompt, cached.min(prompt), completion, reasoning.min(completion)]))
}

fn as_read(usage: Option<Usage>) -> Option<[u128; 4]> {
    usage.map(|usage| {
        assert_eq!(usage.cache_write_tokens, 0);
        [usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens, usage.reasoning_tokens]
            .map(u128::from)
    })
}

/// Generates JSON with known members in unexpected places and of unexpected types.
fn documents() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "\\PC{0,5}".prop_map(|text| Value::String(text).to_string()),
        select(vec!["null", "7", "-1.5e300", "true", "\"\\ud800\"", "\"a\\u0000\\n\"", "{}", "[]"])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let name = select(vec![
            "choices",
            "delta",
            "message",
            "content",
            "text",
            "refusal",
            "reasoning",
            "tool_calls",
            "function",
            "name",
            "arguments",
            "usage",
            "data",
            "error",
            "x_groq",
            "x",
        ]);
        prop_oneof![
            2 => vec((name, inner.clone()), 0..4).prop_map(|pairs| {
                let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
                format!("{{{}}}", pairs.join(","))
            }),
            1 => vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(" ,"))),
        ]
    })
}

proptest! {
    #[test]
    fn usage_matches_the_model(text in usages()) {
        for operation in [Operation::Chat, Operation::Embeddings] {
            let raw: Result<&RawValue, _> = serde_json::from_str(&text);
            // serde_json refuses a number that is too large for a float.
            let Ok(raw) = raw else { continue };
            let plain = expected(&text, operation).unwrap_or(None);
            prop_assert_eq!(as_read(read_usage(raw, operation)), plain, "{}", text);
            // A complete answer and the last frame of a stream yield the same usage.
            let answer = format!(r#"{{"choices":[],"data":[],"usage":{text}}}"#);
            let whole = read_answer(operation, answer.as_bytes()).and_then(|read| read.usage);
            prop_assert_eq!(as_read(whole), plain, "{}", text);
            if operation == Operation::Chat {
                let frame = read_chunk(answer.into()).unwrap();
                prop_assert_eq!(as_read(frame.usage), plain);
                prop_assert_eq!(frame.usage_only, true);
            }
        }
    }

    #[test]
    fn the_text_of_an_answer_is_that_of_all_choices_in_order(
        texts in vec(("\\PC{0,6}|[\"\\\\\u{0}-\u{1f}]{0,4}", "[a-z{}\": ]{0,6}"), 0..5)
    ) {
        let message = |(content, arguments): &(String, String)| serde_json::json!({
            "content": content, "tool_calls": [{ "function": { "name": "f", "arguments": arguments } }],
        });
        let all: String =
            texts.iter().flat_map(|(content, arguments)| [content.as_str(), "f", arguments.as_str()]).collect();
        let choices: Vec<_> = texts.iter().map(|text| serde_json::json!({ "message": message(text) })).collect();
        let body = serde_json::json!({ "choices": choices }).to_string();
        let read = read_answer(Operation::Chat, body.as_bytes()).unwrap();
        prop_assert_eq!(read.text.as_deref(), Some(&*all));
        let choices: Vec<_> = texts.iter().map(|text| serde_json::json!({ "delta": message(text) })).collect();
        let chunk = serde_json::json!({ "choices": choices }).to_string();
        prop_assert_eq!(read_chunk(chunk.into()).unwrap().text, all);
    }

    #[test]
    fn any_document_is_parsed_or_refused_without_a_panic(text in documents(), cut in any::<proptest::sample::Index>()) {
        for operation in [Operation::Chat, Operation::Embeddings] {
            let read = read_answer(operation, text.as_bytes());
            prop_assert!(read.is_none() || text.starts_with('{'), "{}", text);
            // The counted text is never longer than the document that contains it.
            let counted = read.and_then(|read| read.text).unwrap_or_default();
            prop_assert!(counted.len() <= text.len(), "{} {}", counted, text);
        }
        match read_chunk(Bytes::from(text.clone())) {
            Ok(frame) => {
                prop_assert_eq!(&frame.data, text.as_bytes());
                prop_assert!(!frame.done);
                prop_assert!(!frame.usage_only || !frame.notice);
            }
            Err(error) => prop_assert!(matches!(error, ProviderError::BadAnswer(_))),
        }
        // A truncated document is never an answer.
        let mut cut = cut.index(text.len());
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        if text.starts_with('{') {
            prop_assert_eq!(read_answer(Operation::Chat, &text.as_bytes()[..cut]), None);
        }
    }
}
