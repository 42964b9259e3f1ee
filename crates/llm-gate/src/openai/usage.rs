//! What a provider says that it billed.

use llm_policy::{Operation, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;

/// No call uses more tokens; a larger number is a fault.
pub(crate) const MAX_TOKENS: u64 = 1_000_000_000;

#[derive(Deserialize)]
struct Numbers {
    prompt_tokens: u64,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

/// The usage of an answer; `None` when a number is missing, no count, or beyond any sense.
pub(super) fn read(raw: &RawValue, operation: Operation) -> Option<Usage> {
    let numbers: Numbers = serde_json::from_str(raw.get()).ok()?;
    let prompt = numbers.prompt_tokens;
    let cached = numbers.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or(0);
    let (completion, reasoning) = match operation {
        Operation::Embeddings => (0, 0),
        Operation::Chat => {
            let shown = numbers.completion_tokens?;
            let parts = prompt.checked_add(shown)?;
            // xAI and Gemini count what the model thought in the total alone, and bill it as output.
            let hidden = numbers.total_tokens.unwrap_or(parts).saturating_sub(parts);
            let thought = numbers.completion_tokens_details.and_then(|details| details.reasoning_tokens);
            (shown.checked_add(hidden)?, thought.unwrap_or(hidden))
        }
    };
    let numbers = [prompt, cached, completion, reasoning];
    numbers.iter().all(|number| *number <= MAX_TOKENS).then_some(Usage {
        prompt_tokens: prompt,
        cached_tokens: cached.min(prompt),
        cache_write_tokens: 0,
        completion_tokens: completion,
        reasoning_tokens: reasoning.min(completion),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str, operation: Operation) -> Option<(u64, u64, u64, u64)> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let usage = read(raw, operation)?;
        assert_eq!(usage.cache_write_tokens, 0);
        Some((usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens, usage.reasoning_tokens))
    }

    #[test]
    fn usage_is_believed_only_when_every_number_is_a_count() {
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
    fn output_that_only_the_total_counts_is_output() {
        let thought = r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":45,
                          "completion_tokens_details":{"reasoning_tokens":30}}"#;
        assert_eq!(of(thought, Operation::Chat), Some((10, 0, 35, 30)));
        let silent = r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":45}"#;
        assert_eq!(of(silent, Operation::Chat), Some((10, 0, 35, 30)));
        let less = r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":1}"#;
        assert_eq!(of(less, Operation::Chat), Some((10, 0, 5, 0)));
    }

    #[test]
    fn parts_are_never_more_than_the_whole() {
        let odd = r#"{"prompt_tokens":3,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":9},
                      "completion_tokens_details":{"reasoning_tokens":9}}"#;
        assert_eq!(of(odd, Operation::Chat), Some((3, 3, 4, 4)));
    }
}
