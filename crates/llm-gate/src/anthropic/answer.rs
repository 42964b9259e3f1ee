//! Translation of a complete answer of Anthropic to OpenAI's format.

use std::borrow::Cow;

use bytes::Bytes;
use llm_policy::Usage;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::usage::{Tokens, Told};
use crate::openai::object;

#[derive(Deserialize)]
struct AnthropicMessage<'a> {
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    model: Cow<'a, str>,
    #[serde(borrow)]
    content: Vec<AnthropicBlock<'a>>,
    #[serde(borrow)]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

/// Block of an answer, or the start of a block in a stream.
#[derive(Deserialize)]
pub(super) struct AnthropicBlock<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) thinking: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct ChatCompletion<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: [ChatCompletionChoice<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Told>,
}

#[derive(Serialize)]
struct ChatCompletionChoice<'a> {
    index: u8,
    message: ChatCompletionMessage<'a>,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct ChatCompletionMessage<'a> {
    role: &'static str,
    content: Option<String>,
    refusal: Option<()>,
    #[serde(skip_serializing_if = "String::is_empty")]
    reasoning_content: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ChatCompletionToolCall<'a>>,
}

#[derive(Serialize)]
struct ChatCompletionToolCall<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: ChatCompletionFunction<'a>,
}

#[derive(Serialize)]
struct ChatCompletionFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

/// An answer in OpenAI's format.
pub(super) struct TranslatedAnswer {
    pub(super) body: Bytes,
    pub(super) usage: Option<Usage>,
    pub(super) text: String,
}

/// Translates an answer; `None` when the document is not an answer.
pub(super) fn translate(body: &[u8], created: i64) -> Option<TranslatedAnswer> {
    let message: AnthropicMessage<'_> = object(std::str::from_utf8(body).ok()?)?;
    let mut tokens = Tokens::default();
    if let Some(raw) = message.usage {
        tokens.learn(raw, true);
    }
    let usage = tokens.usage();
    let mut said = ChatCompletionMessage {
        role: "assistant",
        content: None,
        refusal: None,
        reasoning_content: String::new(),
        tool_calls: Vec::new(),
    };
    let mut text = String::new();
    for block in &message.content {
        match &*block.kind {
            "text" => {
                let content = said.content.get_or_insert_default();
                content.push_str(block.text.as_deref().unwrap_or_default());
            }
            "thinking" => said.reasoning_content.push_str(block.thinking.as_deref().unwrap_or_default()),
            "tool_use" => said.tool_calls.push(ChatCompletionToolCall {
                id: block.id.as_deref().unwrap_or_default(),
                kind: "function",
                function: ChatCompletionFunction {
                    name: block.name.as_deref().unwrap_or_default(),
                    arguments: block.input.map_or("{}", RawValue::get),
                },
            }),
            // Blocks without a counterpart: encrypted reasoning, and tools that run at Anthropic.
            _ => {}
        }
    }
    text.push_str(&said.reasoning_content);
    text.push_str(said.content.as_deref().unwrap_or_default());
    for call in &said.tool_calls {
        text.push_str(call.function.name);
        text.push_str(call.function.arguments);
    }
    let completion = ChatCompletion {
        id: &message.id,
        object: "chat.completion",
        created,
        model: &message.model,
        choices: [ChatCompletionChoice {
            index: 0,
            message: said,
            logprobs: None,
            finish_reason: finish_reason(message.stop_reason.as_deref()),
        }],
        usage: usage.map(Told::from),
    };
    Some(TranslatedAnswer { body: serde_json::to_vec(&completion).ok()?.into(), usage, text })
}

/// Translates the reason why the model stopped.
pub(super) fn finish_reason(stop_reason: Option<&str>) -> &'static str {
    match stop_reason {
        Some("max_tokens" | "model_context_window_exceeded") => "length",
        Some("tool_use") => "tool_calls",
        Some("refusal") => "content_filter",
        // `end_turn`, `stop_sequence`, `pause_turn`, and unknown reasons.
        Some(_) | None => "stop",
    }
}
