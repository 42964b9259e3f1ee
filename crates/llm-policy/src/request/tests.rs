mod input;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{RequestError, read_chat, read_embeddings};
use crate::{Encoding, Operation, OutputWish, PriceEntry, Rates, RequestShape};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

/// Returns a chat with one short message and these additional fields.
fn chat(more: Value) -> Map<String, Value> {
    let mut body = object(json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}));
    body.extend(object(more));
    body
}

fn entry(provider: &str, encoding: Option<Encoding>) -> PriceEntry {
    PriceEntry {
        provider: provider.to_owned(),
        model: "gpt-4o".to_owned(),
        operation: Operation::Chat,
        rates: Rates::FREE,
        free: true,
        source: "test".to_owned(),
        date: "2026-11-21".to_owned(),
        encoding,
        image_tokens: None,
        max_output: None,
        reasoning: false,
    }
}

fn openai() -> PriceEntry {
    entry("openai", Some(Encoding::O200k))
}

fn unknown() -> PriceEntry {
    entry("groq", None)
}

fn tokens(body: &Map<String, Value>, entry: &PriceEntry) -> u64 {
    read_chat(body).unwrap().input_tokens(body, entry).unwrap()
}

fn embedded(input: &Value, entry: &PriceEntry) -> u64 {
    let body = object(json!({"model": "m", "input": input}));
    read_embeddings(&body).unwrap().input_tokens(&body, entry).unwrap()
}

fn invalid(result: Result<RequestShape, RequestError>) -> String {
    match result {
        Err(RequestError::Invalid { param, .. }) => param,
        other => panic!("{other:?}"),
    }
}

fn not_priced(result: Result<RequestShape, RequestError>) -> String {
    match result {
        Err(RequestError::NotPriced { param, .. }) => param,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_plain_chat_has_one_answer_without_a_stated_length() {
    let shape = read_chat(&chat(json!({}))).unwrap();
    let expected = RequestShape {
        operation: Operation::Chat,
        model: "gpt-4o".to_owned(),
        stream: false,
        wants_usage: false,
        choices: 1,
        output: OutputWish::Fill,
    };
    assert_eq!(shape, expected);
}

#[test]
fn the_price_relevant_fields_of_a_chat_are_read() {
    let shape = read_chat(&chat(json!({
        "n": 128, "max_tokens": 50, "max_completion_tokens": 50,
        "stream": true, "stream_options": {"include_usage": true},
    })))
    .unwrap();
    assert_eq!((shape.choices, shape.output), (128, OutputWish::Stated(50)));
    assert!(shape.stream && shape.wants_usage);
    for name in ["max_tokens", "max_completion_tokens"] {
        assert_eq!(read_chat(&chat(json!({name: 7}))).unwrap().output, OutputWish::Stated(7));
    }
    let without_stream = read_chat(&chat(json!({"stream_options": {"include_usage": true}}))).unwrap();
    assert!(!without_stream.wants_usage);
}

#[test]
fn null_counts_as_absent() {
    let body = chat(json!({
        "n": null, "max_tokens": null, "max_completion_tokens": 9, "stream": null, "stream_options": null,
        "service_tier": null, "modalities": null, "audio": null, "web_search_options": null, "prediction": null,
        "best_of": null, "tools": null, "functions": null, "response_format": null, "models": null,
    }));
    assert_eq!(read_chat(&body).unwrap().output, OutputWish::Stated(9));
    assert_eq!(tokens(&body, &openai()), tokens(&chat(json!({})), &openai()));
}

#[test]
fn errors_name_the_invalid_field() {
    for (more, param) in [
        (json!({"model": ""}), "model"),
        (json!({"model": 5}), "model"),
        (json!({"model": null}), "model"),
        (json!({"messages": []}), "messages"),
        (json!({"messages": null}), "messages"),
        (json!({"messages": {"role": "user"}}), "messages"),
        (json!({"messages": "hello"}), "messages"),
        (json!({"messages": [{"role": "user", "content": "x"}, "hello"]}), "messages[1]"),
        (json!({"messages": [{"role": "user", "content": 5}]}), "messages[0].content"),
        (json!({"messages": [{"role": "user", "content": {"type": "text"}}]}), "messages[0].content"),
        (json!({"messages": [{"role": "user", "content": ["x"]}]}), "messages[0].content[0]"),
        (json!({"messages": [{"role": "user", "content": [{"text": "x"}]}]}), "messages[0].content[0].type"),
        (json!({"n": 0}), "n"),
        (json!({"n": 129}), "n"),
        (json!({"n": -1}), "n"),
        (json!({"n": 1.5}), "n"),
        (json!({"n": "1"}), "n"),
        (json!({"n": 4_294_967_297_u64}), "n"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (json!({"max_tokens": -5}), "max_tokens"),
        (json!({"max_tokens": 1e30}), "max_tokens"),
        (json!({"max_tokens": "many"}), "max_tokens"),
        (json!({"max_completion_tokens": 0}), "max_completion_tokens"),
        (json!({"max_tokens": 5, "max_completion_tokens": 6}), "max_completion_tokens"),
        (json!({"stream": "yes"}), "stream"),
        (json!({"stream": 1}), "stream"),
        (json!({"stream": true, "stream_options": true}), "stream_options"),
        (json!({"stream": true, "stream_options": {"include_usage": 1}}), "stream_options.include_usage"),
        (json!({"modalities": "text"}), "modalities"),
        (json!({"best_of": 0}), "best_of"),
        (json!({"tools": {"type": "function"}}), "tools"),
        (json!({"tools": ["x"]}), "tools[0]"),
        (json!({"tools": [{"function": {"name": "f"}}]}), "tools[0].type"),
        (json!({"functions": "f"}), "functions"),
    ] {
        assert_eq!(invalid(read_chat(&chat(more.clone()))), param, "{more}");
    }
    let mut body = chat(json!({}));
    body.remove("model");
    assert_eq!(invalid(read_chat(&body)), "model");
    body = chat(json!({}));
    body.remove("messages");
    assert_eq!(invalid(read_chat(&body)), "messages");
}

#[test]
fn fields_that_change_the_price_are_refused() {
    let part = |part: Value| json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, part]}]});
    for (more, param) in [
        (json!({"service_tier": "flex"}), "service_tier"),
        (json!({"service_tier": "priority"}), "service_tier"),
        (json!({"service_tier": 1}), "service_tier"),
        (json!({"modalities": ["text", "audio"]}), "modalities"),
        (json!({"modalities": [1]}), "modalities"),
        (json!({"audio": {"voice": "alloy"}}), "audio"),
        (json!({"web_search_options": {}}), "web_search_options"),
        (json!({"prediction": {"type": "content", "content": "x"}}), "prediction"),
        (json!({"best_of": 2}), "best_of"),
        (json!({"best_of": 4, "n": 3}), "best_of"),
        (json!({"search_parameters": {"mode": "on"}}), "search_parameters"),
        (json!({"enable_search": true}), "enable_search"),
        (json!({"plugins": []}), "plugins"),
        (json!({"models": ["a", "b"]}), "models"),
        (json!({"speed": "fast"}), "speed"),
        (json!({"n_predict": -1}), "n_predict"),
        (json!({"chat_template": "x"}), "chat_template"),
        (json!({"tools": [{"type": "web_search"}]}), "tools[0].type"),
        (
            json!({"tools": [{"type": "function", "function": {"name": "f"}}, {"type": "code_interpreter"}]}),
            "tools[1].type",
        ),
        (part(json!({"type": "input_audio", "input_audio": {"data": ""}})), "messages[0].content[1].type"),
        (part(json!({"type": "file", "file": {"file_id": "f"}})), "messages[0].content[1].type"),
        (part(json!({"type": "video_url", "video_url": {"url": "u"}})), "messages[0].content[1].type"),
        (part(json!({"type": "hologram"})), "messages[0].content[1].type"),
        (json!({"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]}), "messages[0].audio"),
        (json!({"cache_control": {"type": "ephemeral", "ttl": "1h"}}), "cache_control.ttl"),
        (
            part(json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}})),
            "messages[0].content[1].cache_control.ttl",
        ),
        (
            json!({"messages": [{"role": "user", "content": "x", "cache_control": {"ttl": "1h"}}]}),
            "messages[0].cache_control.ttl",
        ),
        (
            json!({"tools": [{"type": "custom", "cache_control": {"ttl": "1h"}}]}),
            "tools[0].cache_control.ttl",
        ),
        (
            json!({"tools": [{"type": "function", "function": {"cache_control": {"ttl": 1}}}]}),
            "tools[0].function.cache_control.ttl",
        ),
    ] {
        assert_eq!(not_priced(read_chat(&chat(more.clone()))), param, "{more}");
    }
}

#[test]
fn fields_that_do_not_change_the_price_are_allowed() {
    let body = chat(json!({
        "messages": [
            {"role": "developer", "content": "be kind"},
            {"role": "oracle", "content": null, "mood": {"level": 3}},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}], "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}},
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
            {"role": "user", "content": [
                {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "5m"}},
            ]},
        ],
        "service_tier": "default", "modalities": ["text"], "best_of": 2, "n": 2, "store": true, "metadata": {"a": "b"},
        "logprobs": true, "top_logprobs": 3, "response_format": {"type": "json_object"}, "enable_search": false,
        "tools": [{"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "g"}}],
        "tool_choice": "auto", "reasoning_effort": "low", "never_heard_of": [1, 2, {"x": null}],
    }));
    assert_eq!(read_chat(&body).unwrap().choices, 2);
    assert_eq!(read_chat(&chat(json!({"service_tier": "auto"}))).unwrap().choices, 1);
}

#[test]
fn embeddings_have_input_and_no_output() {
    let body =
        object(json!({"model": "m", "input": "hello", "dimensions": 256, "encoding_format": "base64"}));
    let expected = RequestShape {
        operation: Operation::Embeddings,
        model: "m".to_owned(),
        stream: false,
        wants_usage: false,
        choices: 1,
        output: OutputWish::Nothing,
    };
    assert_eq!(read_embeddings(&body).unwrap(), expected);
    let exact = entry("openai", Some(Encoding::Cl100k));
    assert_eq!(embedded(&json!("2 + 2 = 4"), &exact), 7);
    assert_eq!(embedded(&json!(["2 + 2 = 4", "one two", ""]), &exact), 9);
    assert_eq!(embedded(&json!([1, 2, 3]), &exact), 3);
    assert_eq!(embedded(&json!([[1, 2, 3], [4]]), &exact), 4);
    assert_eq!(embedded(&json!("hello"), &unknown()), 16 + 5);
    assert_eq!(embedded(&json!(["hello", "you"]), &unknown()), 32 + 8);
    assert_eq!(embedded(&json!([[1, 2, 3], [4]]), &unknown()), 32 + 4);
}

#[test]
fn invalid_input_of_embeddings_is_refused() {
    let read = |more: Value| {
        let mut body = object(json!({"model": "m", "input": "hello"}));
        body.extend(object(more));
        read_embeddings(&body)
    };
    for input in [
        json!(null),
        json!(5),
        json!({"text": "x"}),
        json!([]),
        json!([[]]),
        json!(["a", 1]),
        json!([1, "a"]),
        json!([1, [2]]),
        json!([[1], "a"]),
        json!([[1, "a"]]),
        json!([-1]),
        json!([1.5]),
        json!([{"image": "x"}]),
    ] {
        assert_eq!(invalid(read(json!({"input": input}))), "input", "{input}");
    }
    assert_eq!(invalid(read(json!({"stream": true}))), "stream");
    assert_eq!(invalid(read(json!({"model": ""}))), "model");
    assert_eq!(not_priced(read(json!({"service_tier": "flex"}))), "service_tier");
    assert_eq!(not_priced(read(json!({"messages": []}))), "messages");
}

#[test]
fn error_messages_state_the_field_and_the_problem() {
    let error = read_chat(&chat(json!({"n": 0}))).unwrap_err().to_string();
    assert_eq!(error, "`n` must be a positive integer");
    let error = read_chat(&chat(json!({"service_tier": "flex"}))).unwrap_err().to_string();
    assert_eq!(error, "`service_tier` can't be priced: service tiers have different prices");
}

fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_body_causes_a_panic(body in prop::collection::btree_map(
        prop::sample::select(vec![
            "model", "messages", "n", "stream", "tools", "input", "max_tokens", "cache_control", "modalities",
            "best_of", "functions", "response_format", "service_tier", "stream_options",
        ]),
        json_values(),
        0..8,
    )) {
        let body: Map<String, Value> = body.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        for shape in [read_chat(&body), read_embeddings(&body)].into_iter().flatten() {
            prop_assert!(shape.input_tokens(&body, &unknown()).is_ok());
        }
    }
}
