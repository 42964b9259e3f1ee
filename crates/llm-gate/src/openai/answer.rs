//! A whole answer: only what is counted or billed is read, the rest passes unread.

use llm_policy::{Operation, Usage};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::text::OpenaiMessage;
use super::usage;

#[derive(Deserialize)]
struct OpenaiAnswer<'a> {
    #[serde(borrow)]
    choices: Option<Vec<OpenaiChoice<'a>>>,
    data: Option<Vec<IgnoredAny>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct OpenaiChoice<'a> {
    #[serde(borrow)]
    message: Option<OpenaiMessage<'a>>,
}

/// What an answer says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ReadAnswer {
    pub(super) usage: Option<Usage>,
    /// `None` when it is no answer.
    pub(super) text: Option<String>,
}

/// Reads an answer; `None` when it is no JSON of the known form.
pub(super) fn read(operation: Operation, body: &[u8]) -> Option<ReadAnswer> {
    let document: OpenaiAnswer<'_> = serde_json::from_str(std::str::from_utf8(body).ok()?).ok()?;
    let text = match operation {
        Operation::Embeddings => document.data.map(|_| String::new()),
        Operation::Chat => document.choices.map(|choices| {
            let mut text = String::new();
            for message in choices.iter().filter_map(|choice| choice.message.as_ref()) {
                message.add_to(&mut text);
            }
            text
        }),
    };
    Some(ReadAnswer { usage: document.usage.and_then(|raw| usage::read(raw, operation)), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_answer_has_no_text() {
        let of = |operation, body: &str| read(operation, body.as_bytes()).and_then(|read| read.text);
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
        ] {
            assert_eq!(of(Operation::Chat, body), None, "{body}");
        }
        assert_eq!(of(Operation::Chat, r#"{"data":[]}"#), None);
        assert_eq!(of(Operation::Embeddings, r#"{"choices":[]}"#), None);
        assert_eq!(read(Operation::Chat, b"{\"choices\":[],\"x\":\"\xff\"}"), None);
    }
}
