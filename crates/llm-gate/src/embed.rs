//! Embeddings without JSON, for agents that link the gate.

use std::fmt;

use llm_policy::{CallId, Operation};
use serde::Deserialize;
use serde_json::Map;

use crate::chat::unreadable;
use crate::gate::CallHoldings;
use crate::{Gate, GateAnswer, GateCall, GateError, Receipt};

/// Texts that are to become vectors.
#[derive(Default)]
pub struct EmbedRequest {
    /// The model.
    pub model: String,
    /// The texts.
    pub input: Vec<String>,
    /// How long the vectors are to be, where the model has a choice.
    pub dimensions: Option<u32>,
    /// The call's id, when the caller chose one; no other call may ever have it.
    pub call_id: Option<CallId>,
    /// Dropped when the call is settled.
    pub keep: Option<CallHoldings>,
}

impl fmt::Debug for EmbedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The texts are the agent's, and no log is to have them.
        let mut shown = f.debug_struct("EmbedRequest");
        shown.field("model", &self.model).field("call_id", &self.call_id).finish_non_exhaustive()
    }
}

/// Their vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbedAnswer {
    /// One for each text, in the order of the texts.
    pub vectors: Vec<Vec<f32>>,
    /// What it used and cost.
    pub receipt: Receipt,
}

impl Gate {
    /// Makes vectors of texts.
    ///
    /// # Errors
    /// [`GateError`], as of [`Gate::call`]; [`GateError::Failed`] too when the vectors do not fit the texts.
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

/// The vectors of a document by their index; `None` when they are not one for each text.
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
