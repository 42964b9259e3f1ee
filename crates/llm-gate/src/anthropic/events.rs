//! Translation of Anthropic's stream events to OpenAI's frames.

use std::borrow::Cow;
use std::collections::VecDeque;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::AnthropicBlock;
use super::answer::finish_reason;
use super::usage::Tokens;
use crate::openai::{message, parse};
use crate::provider::{Frame, ProviderError};
use crate::sse::{DONE, Decode};

mod write;

use write::{ChunkWriter, Delta};

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    message: Option<Start<'a>>,
    index: Option<u64>,
    #[serde(borrow)]
    content_block: Option<AnthropicBlock<'a>>,
    #[serde(borrow)]
    delta: Option<AnthropicDelta<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Start<'a> {
    #[serde(default)]
    id: String,
    #[serde(default)]
    model: String,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

/// The change that an event makes to a block or to the message.
#[derive(Deserialize)]
struct AnthropicDelta<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    thinking: Option<Cow<'a, str>>,
    #[serde(borrow)]
    partial_json: Option<Cow<'a, str>>,
    #[serde(borrow)]
    stop_reason: Option<Cow<'a, str>>,
}

/// A tool call whose arguments are being received.
#[derive(Clone, Copy)]
struct OpenToolCall {
    /// The index of its block.
    block: u64,
    /// Its index among the tool calls.
    place: u32,
    has_arguments: bool,
}

/// Decoder for the stream events of the Messages API.
pub(crate) struct AnthropicEvents {
    writer: ChunkWriter,
    tokens: Tokens,
    calls: u32,
    open: Option<OpenToolCall>,
}

impl AnthropicEvents {
    /// Makes a decoder. `created` is the time at which the answer began, in Unix seconds.
    pub(crate) fn new(created: i64) -> Self {
        Self { writer: ChunkWriter::new(created), tokens: Tokens::default(), calls: 0, open: None }
    }

    fn begin(&mut self, block: &AnthropicBlock<'_>, index: u64) -> Option<Frame> {
        match &*block.kind {
            "text" => self.say(Delta::Text(block.text.as_deref()?)),
            "thinking" => self.say(Delta::Thought(block.thinking.as_deref()?)),
            "tool_use" => {
                let place = self.calls;
                self.calls = self.calls.saturating_add(1);
                self.open = Some(OpenToolCall { block: index, place, has_arguments: false });
                let (id, name) = (block.id.as_deref(), block.name.as_deref());
                Some(self.writer.delta(&Delta::Call {
                    place,
                    id: id.unwrap_or_default(),
                    name: name.unwrap_or_default(),
                }))
            }
            // Encrypted reasoning, and tools that run at Anthropic.
            _ => None,
        }
    }

    fn go_on(&mut self, change: &AnthropicDelta<'_>, index: u64) -> Option<Frame> {
        if let Some(text) = &change.text {
            return self.say(Delta::Text(text));
        }
        if let Some(thought) = &change.thinking {
            return self.say(Delta::Thought(thought));
        }
        let json = change.partial_json.as_deref().filter(|json| !json.is_empty())?;
        let call = self.open.as_mut().filter(|call| call.block == index)?;
        call.has_arguments = true;
        let place = call.place;
        Some(self.writer.delta(&Delta::Arguments { place, json }))
    }

    /// Ends a tool call. A call without arguments gets `{}`, because OpenAI's clients parse arguments as JSON.
    fn close(&mut self, index: u64) -> Option<Frame> {
        let call = self.open.take_if(|call| call.block == index)?;
        (!call.has_arguments).then(|| self.writer.delta(&Delta::Arguments { place: call.place, json: "{}" }))
    }

    fn say(&self, delta: Delta<'_>) -> Option<Frame> {
        match delta {
            Delta::Text("") | Delta::Thought("") => None,
            delta => Some(self.writer.delta(&delta)),
        }
    }

    fn usage(&self) -> Option<Frame> {
        self.tokens.usage().map(|usage| self.writer.usage(usage))
    }
}

impl Decode for AnthropicEvents {
    fn event(&mut self, data: Bytes, out: &mut VecDeque<Frame>) -> Result<(), ProviderError> {
        if data.trim_ascii().is_empty() {
            return Ok(());
        }
        let event: Event<'_> = parse(&data)?;
        let index = event.index.unwrap_or(0);
        match &*event.kind {
            "message_start" => {
                if let Some(start) = event.message {
                    if let Some(raw) = start.usage {
                        // The output count of this event covers only the first token.
                        self.tokens.learn(raw, false);
                    }
                    self.writer.name(start.id, start.model);
                }
                out.push_back(self.writer.delta(&Delta::Role));
            }
            "content_block_start" => {
                out.extend(event.content_block.and_then(|block| self.begin(&block, index)));
            }
            "content_block_delta" => out.extend(event.delta.and_then(|change| self.go_on(&change, index))),
            "content_block_stop" => out.extend(self.close(index)),
            "message_delta" => {
                if let Some(raw) = event.usage {
                    self.tokens.learn(raw, true);
                }
                if let Some(reason) = event.delta.and_then(|change| change.stop_reason) {
                    out.push_back(self.writer.delta(&Delta::Finish(finish_reason(Some(&reason)))));
                }
            }
            "message_stop" => {
                out.extend(self.usage());
                out.push_back(Frame {
                    data: Bytes::from_static(DONE),
                    text: String::new(),
                    usage: None,
                    usage_only: false,
                    done: true,
                    notice: false,
                });
            }
            "error" => {
                let text = event.error.map_or_else(|| "an error without details".to_owned(), message);
                return Err(ProviderError::BadAnswer(text));
            }
            // `ping`, and unknown events: the API's versioning policy allows new ones.
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, out: &mut VecDeque<Frame>) {
        out.extend(self.usage());
    }
}
