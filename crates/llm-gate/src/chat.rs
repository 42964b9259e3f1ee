//! Typed API for chat completions, for agents that link the gate.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use llm_policy::{CallId, Operation, ProviderKind};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::answer::{Feed, Piece};
use crate::gate::{CallHoldings, StreamForm};
use crate::{Gate, GateAnswer, GateCall, GateError, Opened, Receipt};

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
}

impl ChatMessage {
    /// Makes a message of the user.
    #[must_use]
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: "user".to_owned(), content: content.into() }
    }

    /// Makes a system message.
    #[must_use]
    pub fn system(content: impl Into<String>) -> Self {
        Self { role: "system".to_owned(), content: content.into() }
    }
}

/// A request for a chat completion with one choice.
///
/// The defaults make answers as repeatable as the provider allows: temperature 0, and a fixed seed for providers that
/// accept one. Reasoning models accept neither, so they get only values that are stated.
#[derive(Default)]
pub struct ChatRequest {
    /// The model; by default the default model of the gate.
    pub model: Option<String>,
    /// The conversation.
    pub messages: Vec<ChatMessage>,
    /// The temperature; 0 by default.
    pub temperature: Option<f64>,
    /// The seed; 0 by default, for providers that accept one.
    pub seed: Option<i64>,
    /// The maximum of output tokens; filled in when absent.
    pub max_tokens: Option<u64>,
    /// The id of the call, if the caller chooses it. It must never be used for another call.
    pub call_id: Option<CallId>,
    /// A resource that is dropped when the call is settled.
    pub keep: Option<CallHoldings>,
}

impl fmt::Debug for ChatRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The messages are the prompt, which must not be logged.
        let mut shown = f.debug_struct("ChatRequest");
        shown.field("model", &self.model).field("call_id", &self.call_id).finish_non_exhaustive()
    }
}

impl ChatRequest {
    /// Makes a request with one message of the user.
    #[must_use]
    pub fn prompt(text: impl Into<String>) -> Self {
        Self { messages: vec![ChatMessage::user(text)], ..Self::default() }
    }
}

/// A complete answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatAnswer {
    /// Its text.
    pub text: String,
    /// The reason why it ended: `stop`, `length` or another value of the provider.
    pub finish_reason: Option<String>,
    /// Its usage and cost.
    pub receipt: Receipt,
}

/// A streamed answer, as pieces of its text. Dropping the stream counts as a disconnect.
#[derive(Debug)]
pub struct ChatStream {
    /// What was known at the first event.
    pub opened: Opened,
    source: ChatSource,
}

#[derive(Debug)]
enum ChatSource {
    Feed(Feed),
    /// The provider sent a complete answer instead of a stream.
    Whole(Option<String>, Box<Receipt>),
}

impl ChatStream {
    /// Returns the usage and cost of the call; `None` until the stream has ended without an error.
    #[must_use]
    pub fn receipt(&self) -> Option<&Receipt> {
        match &self.source {
            ChatSource::Feed(feed) => feed.receipt(),
            ChatSource::Whole(None, receipt) => Some(receipt),
            ChatSource::Whole(Some(_), _) => None,
        }
    }

    /// Returns the next piece of text; `None` at the end.
    ///
    /// # Errors
    /// [`GateError`] when the answer ends early. The stream ends after the error.
    pub async fn next(&mut self) -> Option<Result<String, GateError>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for ChatStream {
    type Item = Result<String, GateError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let feed = match &mut this.source {
            ChatSource::Whole(text, _) => return Poll::Ready(text.take().map(Ok)),
            ChatSource::Feed(feed) => feed,
        };
        loop {
            return Poll::Ready(match std::task::ready!(feed.poll(&this.opened, cx)) {
                Some(Ok(Piece::Text(text))) => Some(Ok(text)),
                // The event that marks a truncated answer has no text.
                Some(Ok(Piece::Frame(_) | Piece::Failed(_) | Piece::End(_))) => continue,
                Some(Err(error)) => Some(Err(error)),
                None => None,
            });
        }
    }
}

impl Gate {
    /// Makes a chat completion and returns the complete answer.
    ///
    /// # Errors
    /// Same errors as [`Gate::call`], and [`GateError::Failed`] when the answer is not a chat completion.
    pub async fn chat(&self, request: ChatRequest) -> Result<ChatAnswer, GateError> {
        match self.call(self.chat_call(request, false)).await? {
            GateAnswer::Whole { body, receipt } => read(&body, receipt),
            GateAnswer::Stream(stream) => Err(unreadable(&stream.opened.provider, &stream.opened.call_id)),
        }
    }

    /// Makes a chat completion and returns the answer as a stream.
    ///
    /// # Errors
    /// Same errors as [`Gate::call`], and [`GateError::Failed`] when the answer is not a chat completion.
    pub async fn chat_stream(&self, request: ChatRequest) -> Result<ChatStream, GateError> {
        match self.start(self.chat_call(request, true), StreamForm::Text).await? {
            GateAnswer::Stream(stream) => {
                Ok(ChatStream { opened: stream.opened, source: ChatSource::Feed(stream.feed) })
            }
            GateAnswer::Whole { body, receipt } => {
                let ChatAnswer { text, receipt, .. } = read(&body, receipt)?;
                let opened = Opened {
                    call_id: receipt.call_id.clone(),
                    provider: receipt.provider.clone(),
                    model: receipt.model.clone(),
                    max_tokens: receipt.max_tokens,
                    filled: receipt.filled,
                };
                Ok(ChatStream { opened, source: ChatSource::Whole(Some(text), Box::new(receipt)) })
            }
        }
    }

    /// Returns the request in OpenAI's format, with the defaults filled in.
    fn chat_call(&self, request: ChatRequest, stream: bool) -> GateCall {
        let ChatRequest { model, messages, temperature, seed, max_tokens, call_id, keep } = request;
        let model = model.or_else(|| self.shared.default_model.clone()).unwrap_or_default();
        let first = self.shared.models.get(&model).and_then(|places| places.first());
        let kind = first.map(|upstream| upstream.config.kind);
        let thinks = first.is_some_and(|upstream| {
            let entry = self.shared.prices.find(&upstream.config.priced_as, &model);
            entry.is_some_and(|entry| entry.reasoning)
        });
        let seed = seed.or((!thinks && kind == Some(ProviderKind::Openai)).then_some(0));
        let temperature = match temperature {
            Some(stated) => Some(json!(stated)),
            None => (!thinks).then(|| json!(0)),
        };
        let messages: Vec<Value> = messages
            .into_iter()
            .map(|message| json!({"role": message.role, "content": message.content}))
            .collect();
        let mut body = Map::new();
        body.insert("model".to_owned(), model.into());
        body.insert("messages".to_owned(), messages.into());
        let optional = [
            ("temperature", temperature),
            ("seed", seed.map(Value::from)),
            ("max_completion_tokens", max_tokens.map(Value::from)),
            ("stream", stream.then_some(Value::Bool(true))),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                body.insert(name.to_owned(), value);
            }
        }
        GateCall { operation: Operation::Chat, body, call_id, keep }
    }
}

fn read(body: &Bytes, receipt: Receipt) -> Result<ChatAnswer, GateError> {
    #[derive(Deserialize)]
    struct ChatDocument {
        choices: Vec<ChatChoice>,
    }
    #[derive(Deserialize)]
    struct ChatChoice {
        message: ChatChoiceMessage,
        #[serde(default)]
        finish_reason: Option<String>,
    }
    #[derive(Deserialize)]
    struct ChatChoiceMessage {
        #[serde(default)]
        content: Option<String>,
    }
    let document: Result<ChatDocument, _> = serde_json::from_slice(body);
    let Some(choice) = document.ok().and_then(|document| document.choices.into_iter().next()) else {
        return Err(unreadable(&receipt.provider, &receipt.call_id));
    };
    Ok(ChatAnswer {
        text: choice.message.content.unwrap_or_default(),
        finish_reason: choice.finish_reason,
        receipt,
    })
}

/// Returns the error for a document that is not an answer to the request. The attempt is still billed.
pub(crate) fn unreadable(provider: &str, call_id: &CallId) -> GateError {
    GateError::Failed {
        provider: provider.to_owned(),
        call_id: call_id.clone(),
        cause: "its answer does not have the requested format".to_owned(),
    }
}
