//! The frames of a streamed answer: read for what they add, passed on as they came.

use std::collections::VecDeque;

use bytes::Bytes;
use llm_policy::Operation;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::text::OpenaiMessage;
use super::usage;
use crate::provider::{Frame, ProviderError};
use crate::sse::{DONE, Decode};

/// How much of a provider's own message about an error is kept, in bytes.
const MAX_MESSAGE: usize = 1024;

/// Reads `chat.completion.chunk` events.
pub(crate) struct Chunks;

#[derive(Deserialize)]
struct OpenaiChunk<'a> {
    #[serde(borrow)]
    choices: Option<Vec<OpenaiChunkChoice<'a>>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    /// Where Groq puts the usage of a stream.
    #[serde(borrow)]
    x_groq: Option<Groq<'a>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct OpenaiChunkChoice<'a> {
    #[serde(borrow)]
    delta: Option<OpenaiMessage<'a>>,
}

#[derive(Deserialize)]
struct Groq<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

impl Decode for Chunks {
    fn event(&mut self, data: Bytes, out: &mut VecDeque<Frame>) -> Result<(), ProviderError> {
        if !data.trim_ascii().is_empty() {
            out.push_back(read(data)?);
        }
        Ok(())
    }

    fn end(&mut self, _: &mut VecDeque<Frame>) {}
}

fn read(data: Bytes) -> Result<Frame, ProviderError> {
    if data.trim_ascii() == DONE {
        let data = Bytes::from_static(DONE);
        return Ok(Frame { data, text: String::new(), usage: None, usage_only: false, done: true });
    }
    let chunk: OpenaiChunk<'_> = parse(&data)?;
    if let Some(error) = chunk.error {
        return Err(ProviderError::BadAnswer(message(error)));
    }
    let mut text = String::new();
    let choices = chunk.choices.as_deref().unwrap_or_default();
    for delta in choices.iter().filter_map(|choice| choice.delta.as_ref()) {
        delta.add_to(&mut text);
    }
    let usage = chunk.usage.or_else(|| chunk.x_groq.and_then(|groq| groq.usage));
    let usage_only = usage.is_some() && choices.is_empty();
    let usage = usage.and_then(|raw| usage::read(raw, Operation::Chat));
    Ok(Frame { text, usage, usage_only, done: false, data: one_line(data) })
}

/// Reads an event's JSON. The error says where it goes wrong and nothing of what it says.
pub(crate) fn parse<'a, T: Deserialize<'a>>(data: &'a [u8]) -> Result<T, ProviderError> {
    let unreadable = |what: &str| ProviderError::BadAnswer(format!("an event is {what}"));
    let text = std::str::from_utf8(data).map_err(|_| unreadable("not UTF-8"))?;
    serde_json::from_str(text).map_err(|error| {
        unreadable(&if error.is_data() {
            format!("of an unknown form (at column {})", error.column())
        } else {
            format!("not JSON (at column {})", error.column())
        })
    })
}

/// What a provider says about its error: the message, or all of it.
pub(crate) fn message(error: &RawValue) -> String {
    #[derive(Deserialize)]
    struct OpenaiErrorMessage {
        message: String,
    }
    let text = serde_json::from_str::<OpenaiErrorMessage>(error.get()).map(|error| error.message);
    let mut text = text.unwrap_or_else(|_| error.get().to_owned());
    text.truncate(text.floor_char_boundary(MAX_MESSAGE));
    text
}

/// Line ends between JSON's tokens would end the event when it is sent on; spaces mean the same.
fn one_line(data: Bytes) -> Bytes {
    if !data.contains(&b'\n') {
        return data;
    }
    data.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(data: &'static str) -> Result<Frame, ProviderError> {
        read(Bytes::from_static(data.as_bytes()))
    }

    #[test]
    fn only_a_frame_without_choices_carries_the_usage_alone() {
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
    fn errors_say_where_but_not_what() {
        for data in [r#"{"choices":"secret"}"#, r#"{"choices":[{"delta":{"content":"secret"#, "secret"] {
            let error = of(data).unwrap_err();
            assert!(matches!(&error, ProviderError::BadAnswer(_)), "{error:?}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn an_error_in_the_stream_is_told_in_the_providers_words() {
        let bad = |text: &str| ProviderError::BadAnswer(text.to_owned());
        assert_eq!(of(r#"{"error":{"message":"overloaded","code":1}}"#).unwrap_err(), bad("overloaded"));
        assert_eq!(of(r#"{"error":"gone"}"#).unwrap_err(), bad(r#""gone""#));
        let long = format!(r#"{{"error":{{"message":"x{}"}}}}"#, "é".repeat(1000));
        let long = read(long.into()).unwrap_err();
        assert_eq!(long, bad(&format!("x{}", "é".repeat(511))));
        assert!(of(r#"{"error":null,"choices":[]}"#).is_ok());
    }

    #[test]
    fn a_frame_leaves_as_one_line() {
        let frame = of("{\"choices\":\n[{\"delta\":{\"content\":\"a\\nb\"}}]}").unwrap();
        assert_eq!(frame.data, r#"{"choices": [{"delta":{"content":"a\nb"}}]}"#);
        assert_eq!(frame.text, "a\nb");
    }
}
