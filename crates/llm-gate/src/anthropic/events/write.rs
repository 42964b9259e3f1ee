//! Frames in OpenAI's format.

use llm_policy::Usage;
use serde::Serialize;

use crate::anthropic::usage::Told;
use crate::provider::Frame;

/// The change that a frame describes.
pub(super) enum Delta<'a> {
    Role,
    Text(&'a str),
    Thought(&'a str),
    Call { place: u32, id: &'a str, name: &'a str },
    Arguments { place: u32, json: &'a str },
    Finish(&'static str),
}

/// Serializer for the frames of one answer.
pub(super) struct ChunkWriter {
    id: String,
    model: String,
    created: i64,
}

#[derive(Serialize)]
struct ChatChunk<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: &'a [ChatChunkChoice<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Told>,
}

#[derive(Serialize)]
struct ChatChunkChoice<'a> {
    index: u8,
    delta: ChatChunkDelta<'a>,
    finish_reason: Option<&'static str>,
}

#[derive(Serialize, Default)]
struct ChatChunkDelta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[ChatChunkToolCall<'a>; 1]>,
}

#[derive(Serialize)]
struct ChatChunkToolCall<'a> {
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    function: ChatChunkFunction<'a>,
}

#[derive(Serialize)]
struct ChatChunkFunction<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

impl ChunkWriter {
    pub(super) fn new(created: i64) -> Self {
        Self { id: String::new(), model: String::new(), created }
    }

    /// Sets the id and the model that all frames repeat.
    pub(super) fn name(&mut self, id: String, model: String) {
        (self.id, self.model) = (id, model);
    }

    pub(super) fn delta(&self, delta: &Delta<'_>) -> Frame {
        let mut said = ChatChunkDelta::default();
        let mut finish_reason = None;
        let mut text = String::new();
        match *delta {
            Delta::Role => (said.role, said.content) = (Some("assistant"), Some("")),
            Delta::Text(content) => {
                said.content = Some(content);
                text.push_str(content);
            }
            Delta::Thought(thought) => {
                said.reasoning_content = Some(thought);
                text.push_str(thought);
            }
            Delta::Call { place, id, name } => {
                let function = ChatChunkFunction { name: Some(name), arguments: "" };
                said.tool_calls = Some([ChatChunkToolCall {
                    index: place,
                    id: Some(id),
                    kind: Some("function"),
                    function,
                }]);
                text.push_str(name);
            }
            Delta::Arguments { place, json } => {
                let function = ChatChunkFunction { name: None, arguments: json };
                said.tool_calls = Some([ChatChunkToolCall { index: place, id: None, kind: None, function }]);
                text.push_str(json);
            }
            Delta::Finish(reason) => finish_reason = Some(reason),
        }
        self.frame(&[ChatChunkChoice { index: 0, delta: said, finish_reason }], text, None)
    }

    pub(super) fn usage(&self, usage: Usage) -> Frame {
        self.frame(&[], String::new(), Some(usage))
    }

    fn frame(&self, choices: &[ChatChunkChoice<'_>], text: String, usage: Option<Usage>) -> Frame {
        let chunk = ChatChunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.model,
            choices,
            usage: usage.map(Told::from),
        };
        // Strings and numbers always serialize.
        let data = serde_json::to_vec(&chunk).unwrap_or_default().into();
        Frame { data, text, usage, usage_only: usage.is_some(), done: false, notice: false }
    }
}
