//! Typed API for embeddings, for agents that link the gate.

use std::fmt;

use llm_policy::{CallId, Operation};
use serde::Deserialize;
use serde_json::Map;

use crate::chat::unreadable;
use crate::gate::CallHoldings;
use crate::{Gate, GateAnswer, GateCall, GateError, Receipt};

/// A request for the embedding vectors of texts.
#[derive(Default)]
pub struct EmbedRequest {
    /// The model.
    pub model: String,
    /// The texts.
    pub input: Vec<String>,
    /// The length of the vectors, for models that offer several.
    pub dimensions: Option<u32>,
    /// The id of the call, if the caller chooses it. It must never be used for another call.
    pub call_id: Option<CallId>,
    /// A resource that is dropped when the call is settled.
    pub keep: Option<CallHoldings>,
}

impl fmt::Debug for EmbedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The texts must not be logged.
        let mut shown = f.debug_struct("EmbedRequest");
        shown.field("model", &self.model).field("call_id", &self.call_id).finish_non_exhaustive()
    }
}

/// The embedding vectors of texts.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbedAnswer {
    /// One vector for each text, in the same order.
    pub vectors: Vec<Vec<f32>>,
    /// Its usage and cost.
    pub receipt: Receipt,
}

impl Gate {
    /// Returns the embedding vectors of texts.
    ///
    /// # Errors
    /// Same errors as [`Gate::call`], and [`GateError::Failed`] when the answer does not have one vector for each text.
    pub async fn embed(&self, request: EmbedRequest) -> Result<EmbedAnswer, GateError> {
        let EmbedRequest { model, input, dimensions, call_id, keep } = request;
        let texts = input.len();
        let mut body = Map::new();
        body.insert("model".to_owned(), model.into());
        body.insert("input".to_owned(), input.into());
        if let Some(dimensions) = dimensions {
            body.insert("dimensions".to_owned(), dimensions.into());
        }
        match self.call(GateCall { operation: Operation::Embeddings, body, call_id, keep }).await? {
            GateAnswer::Whole { body, receipt } => match read(&body, texts) {
                Some(vectors) => Ok(EmbedAnswer { vectors, receipt }),
                None => Err(unreadable(&receipt.provider, &receipt.call_id)),
            },
            GateAnswer::Stream(stream) => Err(unreadable(&stream.opened.provider, &stream.opened.call_id)),
        }
    }
}

/// Returns the vectors of a document, ordered by index; `None` unless there is one for each text.
fn read(body: &[u8], texts: usize) -> Option<Vec<Vec<f32>>> {
    #[derive(Deserialize)]
    struct EmbedDocument {
        data: Vec<EmbedItem>,
    }
    #[derive(Deserialize)]
    struct EmbedItem {
        index: usize,
        embedding: Vec<f32>,
    }
    let mut items = serde_json::from_slice::<EmbedDocument>(body).ok()?.data;
    items.sort_by_key(|item| item.index);
    let complete = items.len() == texts && items.iter().enumerate().all(|(at, item)| item.index == at);
    complete.then(|| items.into_iter().map(|item| item.embedding).collect())
}
