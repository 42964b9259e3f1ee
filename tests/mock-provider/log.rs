//! What the mock saw and did, for tests to compare with the ledger.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

/// One request.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// `X-Client-Request-Id`: the hold.
    pub client_request_id: String,
    /// The whole body as it came, without messages over 4 KiB.
    pub body: Value,
    /// The HTTP status of the answer; 0 when there was none.
    pub status: u16,
    /// What a provider would bill.
    pub prompt_tokens: u64,
    /// What a provider would bill, over all choices.
    pub completion_tokens: u64,
    /// Frames with text that left.
    pub frames_sent: u64,
    /// Whether the answer left whole.
    pub whole: bool,
    /// The credentials, as the caller sent them.
    pub credentials: String,
}

/// All of them, in the order of their arrival.
#[derive(Default)]
pub struct Log(Mutex<Vec<Entry>>);

impl Log {
    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a request, before anything is answered; returns its place.
    pub fn arrived(&self, entry: Entry) -> usize {
        let mut entries = self.entries();
        entries.push(entry);
        entries.len() - 1
    }

    /// Changes an entry.
    pub fn change(&self, place: usize, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.entries().get_mut(place) {
            change(entry);
        }
    }

    /// How many earlier requests carried this label.
    pub fn earlier(&self, label: &str) -> usize {
        let has = |entry: &&Entry| entry.body["user"] == label;
        self.entries().iter().filter(has).count()
    }

    pub fn count(&self) -> usize {
        self.entries().len()
    }

    /// How many requests named a hold: those that came through a gate.
    pub fn held(&self) -> usize {
        self.entries().iter().filter(|entry| !entry.client_request_id.is_empty()).count()
    }

    pub fn clear(&self) {
        self.entries().clear();
    }

    /// The log as a JSON array.
    pub fn all(&self) -> String {
        let view = |entry: &Entry| {
            json!({
                "client_request_id": entry.client_request_id,
                "body": entry.body,
                "status": entry.status,
                "prompt_tokens": entry.prompt_tokens,
                "completion_tokens": entry.completion_tokens,
                "frames_sent": entry.frames_sent,
                "whole": entry.whole,
                "credentials": entry.credentials,
            })
        };
        Value::Array(self.entries().iter().map(view).collect()).to_string()
    }
}
