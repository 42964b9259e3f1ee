//! The text that a model wrote, for counting: whatever field it is in.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A message, or what a frame adds to one. Every field is kept as it came, because endpoints differ in what they
/// put there, and a surprise in one must not make an answer unreadable.
#[derive(Deserialize, Default)]
pub(super) struct OpenaiMessage<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
    /// What a model thought, by the name that `DeepSeek` gave it.
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
    /// The same, as Groq and `OpenRouter` call it.
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<Vec<OpenaiToolCall<'a>>>,
    #[serde(borrow)]
    function_call: Option<OpenaiFunction<'a>>,
}

#[derive(Deserialize)]
struct OpenaiToolCall<'a> {
    #[serde(borrow)]
    function: Option<OpenaiFunction<'a>>,
    #[serde(borrow)]
    custom: Option<OpenaiFunction<'a>>,
}

#[derive(Deserialize)]
struct OpenaiFunction<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct OpenaiPart<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

impl OpenaiMessage<'_> {
    /// Adds the message's text.
    pub(super) fn add_to(&self, text: &mut String) {
        // Some endpoints give the thoughts under both names.
        let thoughts = self.reasoning_content.or(self.reasoning);
        for raw in [thoughts, self.content, self.refusal].into_iter().flatten() {
            add(text, raw);
        }
        let calls = self.tool_calls.iter().flatten();
        let functions = calls.flat_map(|call| [&call.function, &call.custom]).chain([&self.function_call]);
        for function in functions.flatten() {
            for raw in [function.name, function.arguments, function.input].into_iter().flatten() {
                add(text, raw);
            }
        }
    }
}

/// A string, or the texts of a list of parts; anything else as it is written.
fn add(text: &mut String, raw: &RawValue) {
    let written = raw.get();
    if written.starts_with('"') {
        match serde_json::from_str::<Plain<'_>>(written) {
            Ok(Plain(plain)) => return text.push_str(&plain),
            // Half of a surrogate pair, which no text can hold.
            Err(_) => return text.push_str(written),
        }
    }
    match serde_json::from_str::<Vec<OpenaiPart<'_>>>(written) {
        Ok(parts) => parts.iter().filter_map(|part| part.text).for_each(|part| add(text, part)),
        Err(_) => text.push_str(written),
    }
}

#[derive(Deserialize)]
struct Plain<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
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
