//! Tests of parsing answers and frames, and of their text and usage.

use super::*;

mod model;

mod answer {
    use super::*;

    #[test]
    fn a_document_that_is_not_an_answer_has_no_text() {
        let of = |operation, body: &str| read_answer(operation, body.as_bytes()).and_then(|read| read.text);
        assert_eq!(of(Operation::Chat, r#"{"choices":[]}"#), Some(String::new()));
        assert_eq!(of(Operation::Embeddings, r#"{"data":[{"embedding":[1,2]}]}"#), Some(String::new()));
        for body in [
            "",
            "<html>",
            r#"{"choices":["#,
            "[1,2]",
            "{}",
            "null",
            r#"{"choices":{}}"#,
            r#"{"choices":[]} x"#,
            "[[],null,null]",
        ] {
            assert_eq!(of(Operation::Chat, body), None, "{body}");
        }
        assert_eq!(of(Operation::Chat, r#"{"data":[]}"#), None);
        assert_eq!(of(Operation::Embeddings, r#"{"choices":[]}"#), None);
        assert_eq!(read_answer(Operation::Chat, b"{\"choices\":[],\"x\":\"\xff\"}"), None);
    }
}

mod chunk {
    use super::*;

    fn of(data: &'static str) -> Result<Frame, ProviderError> {
        read_chunk(Bytes::from_static(data.as_bytes()))
    }

    #[test]
    fn only_a_usage_frame_without_choices_is_usage_only() {
        let alone = of(r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#).unwrap();
        assert!(alone.usage_only && alone.usage.is_some());
        let mixed =
            r#"{"choices":[{"delta":{}}],"x_groq":{"usage":{"prompt_tokens":1,"completion_tokens":2}}}"#;
        let mixed = of(mixed).unwrap();
        assert!(!mixed.usage_only && mixed.usage.is_some());
        let filters = of(r#"{"choices":[],"prompt_filter_results":[],"usage":null}"#).unwrap();
        assert!(!filters.usage_only && filters.usage.is_none());
        let odd = of(r#"{"choices":[],"usage":{"prompt_tokens":-1,"completion_tokens":2}}"#).unwrap();
        assert!(odd.usage_only && odd.usage.is_none());
    }

    #[test]
    fn parse_errors_state_the_position_but_repeat_no_content() {
        for data in [
            r#"{"choices":"secret"}"#,
            r#"{"choices":[{"delta":{"content":"secret"#,
            "secret",
            "[[],null,null,null]",
        ] {
            let error = of(data).unwrap_err();
            assert!(matches!(&error, ProviderError::BadAnswer(_)), "{error:?}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn an_error_in_a_stream_keeps_the_providers_message() {
        let bad = |text: &str| ProviderError::BadAnswer(text.to_owned());
        assert_eq!(of(r#"{"error":{"message":"overloaded","code":1}}"#).unwrap_err(), bad("overloaded"));
        assert_eq!(of(r#"{"error":"gone"}"#).unwrap_err(), bad(r#""gone""#));
        let long = format!(r#"{{"error":{{"message":"x{}"}}}}"#, "é".repeat(40_000));
        let long = read_chunk(long.into()).unwrap_err();
        assert_eq!(long, bad(&format!("x{}", "é".repeat(32_767))));
        assert!(of(r#"{"error":null,"choices":[]}"#).is_ok());
    }

    #[test]
    fn a_frame_is_passed_on_as_one_line() {
        let frame = of("{\"choices\":\n[{\"delta\":{\"content\":\"a\\nb\"}}]}").unwrap();
        assert_eq!(frame.data, r#"{"choices": [{"delta":{"content":"a\nb"}}]}"#);
        assert_eq!(frame.text, "a\nb");
    }
}

mod text {
    use super::*;

    fn of(json: &str) -> String {
        let mut text = String::new();
        serde_json::from_str::<OpenaiMessage<'_>>(json).unwrap().add_to(&mut text);
        text
    }

    #[test]
    fn every_kind_of_text_counts_once() {
        for (json, text) in [
            (r#"{"role":"assistant","content":"hé\n\"x\""}"#, "hé\n\"x\""),
            (r#"{"content":null,"refusal":"no"}"#, "no"),
            (r#"{"reasoning_content":"hm","reasoning":"hm","content":"so"}"#, "hmso"),
            (r#"{"reasoning":"hm","content":""}"#, "hm"),
            (r#"{"content":[{"type":"text","text":"a"},{"type":"image"},{"type":"text","text":"b"}]}"#, "ab"),
            (
                r#"{"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}},{"index":1,"function":{"arguments":"1"}},
                    {"type":"custom","custom":{"name":"g","input":"in"}}]}"#,
                "f{}1gin",
            ),
            (r#"{"function_call":{"name":"f","arguments":"x"}}"#, "fx"),
            (r#"{"content":"\ud83d"}"#, r#""\ud83d""#),
            (r#"{"content":{"odd":1}}"#, r#"{"odd":1}"#),
            ("{}", ""),
        ] {
            assert_eq!(of(json), text, "{json}");
        }
    }
}

mod usage {
    use super::*;

    fn of(json: &str, operation: Operation) -> Option<(u64, u64, u64, u64)> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let usage = read_usage(raw, operation)?;
        assert_eq!(usage.cache_write_tokens, 0);
        Some((usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens, usage.reasoning_tokens))
    }

    #[test]
    fn usage_is_used_only_when_every_number_is_a_plausible_count() {
        for (json, usage) in [
            (r#"{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}"#, Some((3, 0, 4, 0))),
            (r#"{"prompt_tokens":0,"completion_tokens":0}"#, Some((0, 0, 0, 0))),
            (
                r#"{"prompt_tokens":9,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":8,"audio_tokens":0},
                    "completion_tokens_details":{"reasoning_tokens":2}}"#,
                Some((9, 8, 5, 2)),
            ),
            (
                r#"{"prompt_tokens":3,"completion_tokens":4,"total_tokens":null,"prompt_tokens_details":null,
                    "completion_tokens_details":{"reasoning_tokens":null}}"#,
                Some((3, 0, 4, 0)),
            ),
            (r#"{"prompt_tokens":1000000000,"completion_tokens":0}"#, Some((1_000_000_000, 0, 0, 0))),
            (r#"{"prompt_tokens":1000000001,"completion_tokens":0}"#, None),
            (r#"{"prompt_tokens":1,"completion_tokens":0,"total_tokens":1000000002}"#, None),
            (r#"{"prompt_tokens":1,"completion_tokens":18446744073709551615}"#, None),
            (r#"{"prompt_tokens":-1,"completion_tokens":0}"#, None),
            (r#"{"prompt_tokens":1.5,"completion_tokens":0}"#, None),
            (r#"{"prompt_tokens":1,"completion_tokens":"2"}"#, None),
            (
                r#"{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":-1}}"#,
                None,
            ),
            (r#"{"prompt_tokens":1}"#, None),
            (r#"{"completion_tokens":1}"#, None),
            (r#""none""#, None),
            ("[]", None),
            // No provider sends an array in place of an object.
            ("[3,4,7,null,null]", None),
            (r#"{"prompt_tokens":3,"completion_tokens":4,"prompt_tokens_details":[2]}"#, None),
        ] {
            assert_eq!(of(json, Operation::Chat), usage, "{json}");
        }
    }

    #[test]
    fn embeddings_have_no_output() {
        assert_eq!(of(r#"{"prompt_tokens":5,"total_tokens":5}"#, Operation::Embeddings), Some((5, 0, 0, 0)));
        assert_eq!(of(r#"{"prompt_tokens":-5,"total_tokens":5}"#, Operation::Embeddings), None);
    }

    #[test]
    fn tokens_that_only_the_total_includes_count_as_output() {
        let thought = r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":45,
                          "completion_tokens_details":{"reasoning_tokens":30}}"#;
        assert_eq!(of(thought, Operation::Chat), Some((10, 0, 35, 30)));
        let silent = r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":45}"#;
        assert_eq!(of(silent, Operation::Chat), Some((10, 0, 35, 30)));
        let less = r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":1}"#;
        assert_eq!(of(less, Operation::Chat), Some((10, 0, 5, 0)));
    }

    #[test]
    fn cached_and_reasoning_tokens_are_capped_at_their_totals() {
        let odd = r#"{"prompt_tokens":3,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":9},
                      "completion_tokens_details":{"reasoning_tokens":9}}"#;
        assert_eq!(of(odd, Operation::Chat), Some((3, 3, 4, 4)));
    }
}
