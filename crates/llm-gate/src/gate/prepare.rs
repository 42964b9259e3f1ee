//! Reading a call: what it asks for, and where it may go.

use std::sync::Arc;

use llm_policy::{CallId, LedgerError, Operation, PriceEntry, RequestShape, read_chat, read_embeddings};
use serde_json::{Map, Value};

use crate::GateError;
use crate::attempt::Candidate;
use crate::builder::{Shared, Upstream};

/// Bodies with more text than this are counted apart from the tasks that wait for providers.
const BIG: usize = 32 * 1024;

/// A call that may be made.
pub(super) struct Prepared {
    pub(super) call_id: CallId,
    /// Whether the id was made here, so that no other call can have it.
    pub(super) minted: bool,
    pub(super) shape: RequestShape,
    /// Where it may go, in order; not empty.
    pub(super) candidates: Vec<Candidate>,
    pub(super) body: Map<String, Value>,
}

pub(super) async fn prepare(
    shared: &Shared,
    operation: Operation,
    body: Map<String, Value>,
    chosen: Option<CallId>,
) -> Result<Prepared, GateError> {
    if shared.upstreams.is_empty() {
        return Err(GateError::NoProvider);
    }
    let shape = match operation {
        Operation::Chat => read_chat(&body)?,
        Operation::Embeddings => read_embeddings(&body)?,
    };
    let Some(places) = shared.models.get(&shape.model) else {
        return Err(GateError::UnknownModel { model: shape.model });
    };
    let priced: Vec<(&Arc<Upstream>, &PriceEntry)> = places
        .iter()
        .filter_map(|upstream| {
            Some((upstream, shared.prices.find(&upstream.config.priced_as, &shape.model)?))
        })
        .collect();
    if priced.is_empty() {
        let provider = places.first().map(|upstream| upstream.config.priced_as.clone()).unwrap_or_default();
        return Err(LedgerError::NotPriced { provider, model: shape.model }.into());
    }
    let entries: Vec<&PriceEntry> = priced.iter().map(|(_, entry)| *entry).collect();
    let (counts, shape, body) = count(shape, body, &entries).await?;
    let candidates = priced
        .iter()
        .zip(counts)
        .map(|((upstream, entry), input_tokens)| Candidate {
            upstream: Arc::clone(upstream),
            input_tokens,
            encoding: entry.encoding,
            reasoning: entry.reasoning,
        })
        .collect();
    let minted = chosen.is_none();
    let call_id = chosen.unwrap_or_else(|| CallId::mint(shared.clock.now(), shared.entropy.as_ref()));
    Ok(Prepared { call_id, minted, shape, candidates, body })
}

/// The input's tokens for each entry.
async fn count(
    shape: RequestShape,
    body: Map<String, Value>,
    entries: &[&PriceEntry],
) -> Result<(Vec<u64>, RequestShape, Map<String, Value>), GateError> {
    if !is_big(&body) {
        let counts = count_each(&shape, &body, entries)?;
        return Ok((counts, shape, body));
    }
    let entries: Vec<PriceEntry> = entries.iter().map(|entry| (*entry).clone()).collect();
    let counting = tokio::task::spawn_blocking(move || {
        let counts = count_each(&shape, &body, &entries.iter().collect::<Vec<_>>());
        counts.map(|counts| (counts, shape, body))
    });
    // It ends without a result only when the runtime stops.
    Ok(counting.await.map_err(|_| GateError::Closing)??)
}

/// Counts once for all entries that count alike.
fn count_each(
    shape: &RequestShape,
    body: &Map<String, Value>,
    entries: &[&PriceEntry],
) -> Result<Vec<u64>, llm_policy::RequestError> {
    let mut counts: Vec<u64> = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let alike = |other: &&PriceEntry| {
            other.encoding == entry.encoding && other.image_tokens == entry.image_tokens
        };
        let known = entries.iter().take(index).position(alike).and_then(|before| counts.get(before).copied());
        counts.push(match known {
            Some(count) => count,
            None => shape.input_tokens(body, entry)?,
        });
    }
    Ok(counts)
}

/// Whether the texts of a body are long. Stops looking as soon as they are.
fn is_big(body: &Map<String, Value>) -> bool {
    fn take(value: &Value, left: usize) -> Option<usize> {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => left.checked_sub(1),
            Value::String(text) => left.checked_sub(text.len()),
            Value::Array(values) => values.iter().try_fold(left, |left, value| take(value, left)),
            Value::Object(members) => take_members(members, left),
        }
    }
    fn take_members(members: &Map<String, Value>, left: usize) -> Option<usize> {
        members.iter().try_fold(left, |left, (name, value)| take(value, left.checked_sub(name.len())?))
    }
    take_members(body, BIG).is_none()
}
