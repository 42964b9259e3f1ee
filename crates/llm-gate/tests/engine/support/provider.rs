//! A provider that follows a script and records its requests.
#![expect(clippy::unnecessary_wraps, reason = "the items of a stream are results")]

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use llm_gate::provider::{Frame, Head, Incoming, Outgoing, Provider, ProviderError, Whole};
use llm_policy::{BoxFuture, Usage};
use registry_core::KnownSecrets;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::StrictLedger;

type Answer = Result<Incoming, ProviderError>;
/// The scripted reaction to one request.
pub type Act = BoxFuture<'static, Answer>;
type Item = Result<Frame, ProviderError>;

pub struct Script {
    name: &'static str,
    acts: Mutex<VecDeque<Act>>,
    seen: Mutex<Vec<Outgoing>>,
    unexpected: Mutex<usize>,
    ledger: Arc<StrictLedger>,
}

impl Script {
    pub fn new(name: &'static str, ledger: Arc<StrictLedger>) -> Arc<Self> {
        let (acts, seen, unexpected) = Default::default();
        Arc::new(Self { name, acts, seen, unexpected, ledger })
    }

    pub fn then(&self, act: Act) -> &Self {
        self.acts.lock().unwrap().push_back(act);
        self
    }

    pub fn seen(&self) -> Vec<Outgoing> {
        self.seen.lock().unwrap().clone()
    }

    /// Checks that the number of requests equals the number of scripted acts.
    pub fn check(&self) {
        assert_eq!(*self.unexpected.lock().unwrap(), 0, "`{}` was asked too often", self.name);
        assert_eq!(self.acts.lock().unwrap().len(), 0, "`{}` was not asked often enough", self.name);
    }
}

impl Script {
    /// Returns the credential of this provider.
    pub fn key(&self) -> String {
        format!("the-key-of-{}", self.name)
    }
}

impl Provider for Script {
    fn name(&self) -> &str {
        self.name
    }

    fn secrets(&self) -> KnownSecrets {
        KnownSecrets::new([self.key().as_str()], [])
    }

    fn send(&self, request: Outgoing) -> BoxFuture<'_, Answer> {
        self.ledger.sent(&request.hold_id);
        self.seen.lock().unwrap().push(request);
        let act = self.acts.lock().unwrap().pop_front();
        act.unwrap_or_else(|| {
            *self.unexpected.lock().unwrap() += 1;
            fail(ProviderError::BadAnswer("not in the script".to_owned()))
        })
    }
}

fn head(status: u16, retry_after: Option<u64>) -> Head {
    Head { status, request_id: Some("req-1".to_owned()), retry_after }
}

fn now(answer: Answer) -> Act {
    Box::pin(std::future::ready(answer))
}

pub fn fail(error: ProviderError) -> Act {
    now(Err(error))
}

/// Returns an answer document with this text.
pub fn document(text: &str) -> Bytes {
    let body = json!({"id": "c1", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    ]});
    Bytes::from(body.to_string())
}

pub fn whole(text: &str, usage: Option<Usage>) -> Act {
    let body = document(text);
    now(Ok(Incoming::Whole(Whole { head: head(200, None), body, usage, text: Some(text.to_owned()) })))
}

/// Answers with this status and a body that is not an answer.
pub fn status(status: u16, retry_after: Option<u64>, usage: Option<Usage>) -> Act {
    let body = Bytes::from_static(b"<html>no</html>");
    now(Ok(Incoming::Whole(Whole { head: head(status, retry_after), body, usage, text: None })))
}

/// Answers with this status, request id and body.
pub fn answer(status: u16, request_id: &str, body: &str, text: Option<&str>) -> Act {
    let head = Head { status, request_id: Some(request_id.to_owned()), retry_after: None };
    let (body, text) = (Bytes::copy_from_slice(body.as_bytes()), text.map(str::to_owned));
    now(Ok(Incoming::Whole(Whole { head, body, usage: None, text })))
}

pub fn stream(items: Vec<Item>) -> Act {
    now(Ok(Incoming::Stream(head(200, None), Box::pin(Items { left: items.into(), endless: false }))))
}

/// Streams these frames, and then sends nothing more without ending.
pub fn silent_after(items: Vec<Item>) -> Act {
    now(Ok(Incoming::Stream(head(200, None), Box::pin(Items { left: items.into(), endless: true }))))
}

/// Returns a stream, and the sender with which the test feeds it.
pub fn live() -> (mpsc::UnboundedSender<Item>, Act) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, now(Ok(Incoming::Stream(head(200, None), Box::pin(Live(receiver))))))
}

struct Items {
    left: VecDeque<Item>,
    endless: bool,
}

impl Stream for Items {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Item>> {
        match self.left.pop_front() {
            None if self.endless => Poll::Pending,
            item => Poll::Ready(item),
        }
    }
}

struct Live(mpsc::UnboundedReceiver<Item>);

impl Stream for Live {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        self.0.poll_recv(cx)
    }
}

fn chunk(choices: &Value, usage: Option<&Usage>) -> Bytes {
    let mut chunk = json!({"id": "c1", "object": "chat.completion.chunk", "created": 5, "model": "m-5"});
    chunk["choices"] = choices.clone();
    if let Some(usage) = usage {
        chunk["usage"] =
            json!({"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens});
    }
    Bytes::from(chunk.to_string())
}

/// Returns a frame with text, and with a running usage if there is one.
pub fn content(text: &str, usage: Option<Usage>) -> Item {
    let data = chunk(&json!([{"index": 0, "delta": {"content": text}}]), usage.as_ref());
    Ok(Frame { data, text: text.to_owned(), usage, usage_only: false, done: false, notice: false })
}

/// Returns a frame that is neither a part of the answer nor its usage.
pub fn notice(value: &Value) -> Item {
    let data = Bytes::from(value.to_string());
    Ok(Frame { data, text: String::new(), usage: None, usage_only: false, done: false, notice: true })
}

pub fn frames(count: usize) -> Vec<Item> {
    (0..count).map(|_| content("tok ", None)).collect()
}

pub fn told_usage(usage: Usage) -> Item {
    let data = chunk(&json!([]), Some(&usage));
    Ok(Frame { data, text: String::new(), usage: Some(usage), usage_only: true, done: false, notice: false })
}

pub fn done() -> Item {
    let data = Bytes::from_static(b"[DONE]");
    Ok(Frame { data, text: String::new(), usage: None, usage_only: false, done: true, notice: false })
}
