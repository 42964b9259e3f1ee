//! The usage that Anthropic reports.

use llm_policy::Usage;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::openai::{MAX_TOKENS, object};

/// Token counts, from one document or from several events of a stream. In a stream, a later number replaces an earlier
/// one.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
pub(super) struct Tokens {
    #[serde(rename = "input_tokens")]
    input: Option<u64>,
    #[serde(rename = "cache_read_input_tokens")]
    cache_read: Option<u64>,
    #[serde(rename = "cache_creation_input_tokens")]
    cache_creation: Option<u64>,
    #[serde(rename = "output_tokens")]
    output: Option<u64>,
    /// Whether any usage could not be parsed. All counts are then ignored.
    #[serde(skip)]
    odd: bool,
}

impl Tokens {
    /// Adds the counts of an event. The output count is used only if `output_counts` is true.
    pub(super) fn learn(&mut self, raw: &RawValue, output_counts: bool) {
        let Some(news) = object::<Self>(raw.get()) else {
            self.odd = true;
            return;
        };
        self.input = news.input.or(self.input);
        self.cache_read = news.cache_read.or(self.cache_read);
        self.cache_creation = news.cache_creation.or(self.cache_creation);
        if output_counts {
            self.output = news.output.or(self.output);
        }
    }

    /// Returns the usage; `None` when it is incomplete or implausible. Anthropic's `input_tokens` does not include
    /// tokens that were read from the cache or written to it.
    pub(super) fn usage(&self) -> Option<Usage> {
        let (input, output) = (self.input?, self.output?);
        let cached = self.cache_read.unwrap_or(0);
        let written = self.cache_creation.unwrap_or(0);
        let prompt = input.checked_add(cached)?.checked_add(written)?;
        (!self.odd && prompt <= MAX_TOKENS && output <= MAX_TOKENS).then_some(Usage {
            prompt_tokens: prompt,
            cached_tokens: cached,
            cache_write_tokens: written,
            completion_tokens: output,
            reasoning_tokens: 0,
        })
    }
}

/// The usage in OpenAI's format.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    #[serde(rename = "prompt_tokens")]
    prompt: u64,
    #[serde(rename = "completion_tokens")]
    completion: u64,
    #[serde(rename = "total_tokens")]
    total: u64,
    #[serde(rename = "prompt_tokens_details")]
    details: Details,
}

#[derive(Debug, Serialize)]
struct Details {
    cached_tokens: u64,
}

impl From<Usage> for Told {
    fn from(usage: Usage) -> Self {
        Self {
            prompt: usage.prompt_tokens,
            completion: usage.completion_tokens,
            total: usage.prompt_tokens.saturating_add(usage.completion_tokens),
            details: Details { cached_tokens: usage.cached_tokens },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Option<(u64, u64, u64, u64)> {
        let mut tokens = Tokens::default();
        tokens.learn(serde_json::from_str(json).unwrap(), true);
        let usage = tokens.usage()?;
        Some((usage.prompt_tokens, usage.cached_tokens, usage.cache_write_tokens, usage.completion_tokens))
    }

    #[test]
    fn prompt_tokens_include_cache_reads_and_writes() {
        for (json, usage) in [
            (r#"{"input_tokens":3,"output_tokens":4}"#, Some((3, 0, 0, 4))),
            (
                r#"{"input_tokens":3,"cache_read_input_tokens":20,"cache_creation_input_tokens":100,"output_tokens":4}"#,
                Some((123, 20, 100, 4)),
            ),
            (r#"{"input_tokens":0,"cache_read_input_tokens":null,"output_tokens":0}"#, Some((0, 0, 0, 0))),
            (r#"{"input_tokens":3}"#, None),
            (r#"{"output_tokens":3}"#, None),
            (r#"{"input_tokens":-3,"output_tokens":4}"#, None),
            (r#"{"input_tokens":3,"cache_read_input_tokens":"1","output_tokens":4}"#, None),
            (r#"{"input_tokens":3,"output_tokens":1000000001}"#, None),
            (r#"{"input_tokens":600000000,"cache_read_input_tokens":600000000,"output_tokens":1}"#, None),
            (r#"{"input_tokens":18446744073709551615,"cache_read_input_tokens":1,"output_tokens":1}"#, None),
            ("7", None),
            ("[3,0,0,4]", None),
        ] {
            assert_eq!(of(json), usage, "{json}");
        }
    }

    #[test]
    fn one_invalid_number_makes_the_usage_unknown() {
        let raw = |json| serde_json::from_str::<&RawValue>(json).unwrap();
        let mut tokens = Tokens::default();
        tokens.learn(raw(r#"{"input_tokens":3,"output_tokens":4}"#), true);
        assert!(tokens.usage().is_some());
        tokens.learn(raw(r#"{"output_tokens":4.5}"#), true);
        assert!(tokens.usage().is_none());
    }
}
