use proptest::prelude::*;
use serde_json::{Value, json};

use super::{chat, entry, json_values, openai, read_chat, tokens, unknown};
use crate::count::LONGEST_COUNTED;
use crate::{Encoding, RequestError, count_text};

#[test]
fn messages_are_counted_as_openai_documents() {
    // 3 for the start of the answer, 3 for the message, 1 each for `user` and `hello`.
    assert_eq!(tokens(&chat(json!({})), &openai()), 8);
    let two = chat(json!({"messages": [
        {"role": "system", "content": "one two three"},
        {"role": "user", "name": "ann", "content": "2 + 2 = 4"},
    ]}));
    // 3 for the answer; 3 + 1 + 3 for the first message; 3 + 1 + 7 and 1 + 1 for the name for the second.
    assert_eq!(count_text("ann", Some(Encoding::O200k)), 1);
    assert_eq!(tokens(&two, &openai()), 3 + 7 + 13);
}

#[test]
fn without_a_tokenizer_bytes_count_and_the_template_has_an_allowance() {
    // 128 for the chat, 16 for the message, 4 + 5 bytes.
    assert_eq!(tokens(&chat(json!({})), &unknown()), 128 + 16 + 9);
    // Another provider's template is unknown even if the tokenizer is known.
    let other = entry("groq", Some(Encoding::O200k));
    assert_eq!(tokens(&chat(json!({})), &other), 128 + 16 + 2);
}

#[test]
fn every_text_that_may_reach_the_model_counts() {
    let long = "lorem ".repeat(200);
    let plain = chat(json!({}));
    for more in [
        json!({"tools": [{"type": "function", "function": {"name": "f", "description": long}}]}),
        json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": {&long: {"type": "string"}}}}]}),
        json!({"functions": [{"name": "f", "description": long}]}),
        json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {"enum": [long]}}}}),
        json!({"tool_choice": {"type": "function", "function": {"name": long}}}),
        json!({"documents": [{"text": long}]}),
        json!({"messages": [{"role": "user", "content": "hello", "unheard": long}]}),
        json!({"messages": [{"role": "user", "content": "hello", "unheard": {&long: 1}}]}),
        json!({"messages": [{"role": long, "content": "hello"}]}),
        json!({"messages": [{"role": "user", "content": "hello", "name": long}]}),
        json!({"messages": [{"role": "user", "content": [{"type": "text", "text": long}]}]}),
        json!({"messages": [{"role": "user", "content": [{"type": "text", "unheard": long}]}]}),
        json!({"messages": [{"role": "assistant", "content": [{"type": "refusal", "refusal": long}]}]}),
        json!({"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": long}}]}]}),
        json!({"messages": [{"role": "assistant", "function_call": {"arguments": long}}]}),
        json!({"messages": [{"role": "tool", "tool_call_id": long, "content": "x"}]}),
    ] {
        let body = chat(more.clone());
        assert!(tokens(&body, &openai()) >= tokens(&plain, &openai()) + 190, "{more}");
        assert!(tokens(&body, &unknown()) >= tokens(&plain, &unknown()) + 1190, "{more}");
    }
    for more in [json!({"user": long}), json!({"metadata": {"a": long}}), json!({"stop": [long]})] {
        assert_eq!(tokens(&chat(more), &openai()), tokens(&plain, &openai()));
    }
}

#[test]
fn tools_count_at_least_as_much_as_their_json_or_type_declaration() {
    let numbers: Vec<u8> = vec![1; 1000];
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"enum": numbers}}});
    let body = chat(json!({"tools": [tool]}));
    // Each number takes three tokens as ` | 1` in a declaration, but only two bytes in JSON.
    assert!(tokens(&body, &openai()) > 3000);
    // Python or Go writes six bytes for each of these.
    for hard in ["ä", "<", "\u{1}", "\"\"\"", "\\\\\\"] {
        let tool = json!({"type": "custom", "custom": {"description": hard.repeat(1000)}});
        assert!(tokens(&chat(json!({"tools": [tool]})), &openai()) > 6000, "{hard:?}");
    }
}

#[test]
fn tools_and_schemas_have_an_allowance_for_the_text_around_them() {
    let more = |fields: Value, entry: &crate::PriceEntry| {
        tokens(&chat(fields), entry) - tokens(&chat(json!({})), entry)
    };
    // `{"type":"custom"}` has 17 bytes; its two values and the space after its name add 5.
    for (entry, all, each) in [(openai(), 64, 16), (unknown(), 1024, 64)] {
        let tool = json!({"type": "custom"});
        assert_eq!(more(json!({"tools": [tool, tool]}), &entry), all + 2 * (each + 22));
        assert_eq!(more(json!({"functions": [tool]}), &entry), all + each + 22);
        assert_eq!(more(json!({"response_format": tool}), &entry), all + 22);
    }
    let call =
        json!([{"role": "assistant", "function_call": "f"}, {"role": "assistant", "tool_calls": ["f"]}]);
    let none = json!([{"role": "assistant"}, {"role": "assistant"}]);
    let margin = more(json!({"messages": call}), &openai()) - more(json!({"messages": none}), &openai());
    assert_eq!(margin, 2 * (16 + 2 + 1));
}

#[test]
fn images_count_as_the_book_states_or_are_refused() {
    let picture = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,".to_owned() + &"A".repeat(9999)}});
    let text = json!({"type": "text", "text": "hello"});
    let body = chat(json!({"messages": [
        {"role": "user", "content": "hello"},
        {"role": "user", "content": [text, picture, picture]},
    ]}));
    let shape = read_chat(&body).unwrap();
    let refused = shape.input_tokens(&body, &openai()).unwrap_err();
    assert!(
        matches!(&refused, RequestError::NotPriced { param, .. } if param == "messages[1].content[1]"),
        "{refused:?}"
    );
    for (mut entry, rest) in [(openai(), 3 + 5 + 5 + 3 * 3), (unknown(), 128 + 25 + 25 + 3 * 8)] {
        entry.image_tokens = Some(1500);
        assert_eq!(shape.input_tokens(&body, &entry).unwrap(), rest + 2 * 1500);
    }
}

#[test]
fn texts_with_more_than_256_kib_in_total_are_bounded_by_bytes() {
    let half = "word ".repeat(LONGEST_COUNTED / 10 - 10);
    let message = json!({"role": "user", "content": half});
    let two = chat(json!({"messages": [message, message]}));
    let counted = tokens(&two, &openai());
    assert!(counted < 110_000, "{counted}");
    let three = chat(json!({"messages": [message, message, message]}));
    assert_eq!(tokens(&three, &openai()), 3 + 3 * (3 + 4 + half.len() as u64));
    // Tool calls count towards the 256 KiB as well.
    let call = json!({"role": "assistant", "tool_calls": [{"function": {"arguments": half}}]});
    let calls = chat(json!({"messages": [call, call, call]}));
    assert!(tokens(&calls, &openai()) > 3 * half.len() as u64);
}

#[test]
fn ten_megabytes_are_measured_within_a_tenth_of_a_second() {
    let long = "word \n".repeat(10_000_000 / 6);
    for more in [
        json!({"messages": [{"role": "user", "content": long}]}),
        json!({"messages": vec![json!({"role": "user", "content": "x".repeat(100)}); 100_000]}),
        json!({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": long}}]}]}),
    ] {
        let body = chat(more);
        let mut entry = openai();
        entry.image_tokens = Some(1);
        let once = || {
            #[expect(clippy::disallowed_methods, reason = "the test measures time")]
            let start = std::time::Instant::now();
            std::hint::black_box(tokens(&body, &entry));
            start.elapsed().as_millis()
        };
        let best = (0..3).map(|_| once()).min().unwrap();
        // Unoptimized code is about ten times slower, and other tests run at the same time.
        let most = if cfg!(debug_assertions) { 2000 } else { 100 };
        assert!(best < most, "{best} ms");
    }
}

/// Collects all strings and member names of a value.
fn all_texts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| all_texts(item, out)),
        Value::Object(members) => {
            for (name, member) in members {
                out.push(name.clone());
                all_texts(member, out);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

proptest! {
    #[test]
    fn the_bound_is_never_below_the_tokens_of_the_texts(
        contents in prop::collection::vec(".{0,80}", 1..5),
        name in prop::option::of("[a-z]{1,8}"),
        encoding in prop::sample::select(vec![Encoding::O200k, Encoding::Cl100k]),
    ) {
        let messages: Vec<Value> = contents
            .iter()
            .map(|content| json!({"role": "user", "content": content, "name": name}))
            .collect();
        let body = chat(json!({"messages": messages}));
        let least: u64 = contents.iter().map(|content| count_text(content, Some(encoding)) + 4).sum();
        let joined = count_text(&contents.concat(), Some(encoding));
        let counted = tokens(&body, &entry("openai", Some(encoding)));
        let bounded = tokens(&body, &unknown());
        prop_assert!(counted >= least + 3);
        prop_assert!(counted >= joined);
        prop_assert!(bounded >= counted);
    }

    #[test]
    fn any_tool_or_member_counts_at_least_its_tokens(value in json_values()) {
        // `null` counts as absent.
        prop_assume!(!value.is_null());
        let encoding = Some(Encoding::O200k);
        let written = count_text(&value.to_string(), encoding);
        let pretty = count_text(&serde_json::to_string_pretty(&value).unwrap(), encoding);
        let mut texts = Vec::new();
        all_texts(&value, &mut texts);
        let plain: u64 = texts.iter().map(|text| count_text(text, encoding)).sum();
        let tool = chat(json!({"tools": [{"type": "custom", "custom": value}]}));
        let field = chat(json!({"unheard_of": value}));
        let member = chat(json!({"messages": [{"role": "user", "content": "hello", "unheard_of": value}]}));
        for entry in [openai(), unknown()] {
            let base = tokens(&chat(json!({})), &entry);
            prop_assert!(tokens(&tool, &entry) >= base + written.max(pretty));
            prop_assert!(tokens(&field, &entry) >= base + written.max(plain));
            prop_assert!(tokens(&member, &entry) >= base + plain);
        }
    }
}
