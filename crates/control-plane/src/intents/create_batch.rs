//! `POST /intents/batch`: an agent creates many intents, all or none.

use std::collections::HashSet;

use api_types::{Code, CreateBatch, Intents, MAX_BATCH};
use serde_json::{Value, json};
use storage::{StoreError, Tx};

use super::create::{PreparedIntent, insert, prepare};
use crate::context::{AgentCaller, OpContext};
use crate::error::{ServiceError, short};
use crate::idempotency::{Idempotency, RepeatableChange, commit_noted};
use crate::quotas::Quotas;
use crate::services::Services;
use crate::stored::{SaidOfIntent, batch_detail};

/// Creates every intent of the batch, or none.
///
/// # Errors
/// Same errors as for a single creation, with the `index` of the first intent that does not fit in `details`; 422 for
/// a batch that is empty or too large.
pub async fn create_batch(
    services: &Services,
    context: OpContext<AgentCaller>,
    body: CreateBatch,
    idempotency: Option<Idempotency>,
) -> Result<Intents, ServiceError> {
    let said: Vec<_> = body.intents.iter().map(SaidOfIntent::of).collect();
    let note = move |created: &Intents| batch_detail(&said, &created.intents);
    let prepared = prepare_all(services, &context.caller, body, context.now).await;
    let op = RepeatableChange { name: "create_batch".into(), idempotency, status: 201 };
    let defaults = services.settings.quotas;
    commit_noted(services, context, op, note, move |tx, caller| match &prepared {
        Ok(prepared) => insert_all(tx, prepared, caller, &caller.quotas(defaults)),
        Err(refusal) => Ok(Err(refusal.clone())),
    })
    .await
}

/// Number of intents that are checked before other requests of the thread get their turn: with the largest `raw`,
/// that takes some milliseconds.
const PER_TURN: usize = 16;

async fn prepare_all(
    services: &Services,
    caller: &AgentCaller,
    body: CreateBatch,
    now: registry_core::Timestamp,
) -> Result<Vec<PreparedIntent>, ServiceError> {
    if body.intents.is_empty() || body.intents.len() > MAX_BATCH {
        let what = format!("`intents` takes 1 to {MAX_BATCH} intents, got {}", body.intents.len());
        return Err(ServiceError::new(Code::InvalidField, what));
    }
    let mut prepared = Vec::with_capacity(body.intents.len());
    let mut seen = HashSet::with_capacity(body.intents.len());
    for (index, create) in body.intents.into_iter().enumerate() {
        if index % PER_TURN == PER_TURN - 1 {
            tokio::task::yield_now().await;
        }
        let one = prepare(services, caller, create, now).map_err(|error| at_index(error, index))?;
        if !seen.insert(one.intent.id.clone()) {
            let what = format!("the batch names `{}` twice", short(one.intent.id.as_str()));
            return Err(at_index(ServiceError::new(Code::InvalidField, what), index));
        }
        prepared.push(one);
    }
    Ok(prepared)
}

/// Checks all intents before it writes the first: a refusal commits its record, so nothing else may be in the
/// transaction by then.
fn insert_all(
    tx: &mut dyn Tx,
    prepared: &[PreparedIntent],
    caller: &AgentCaller,
    quotas: &Quotas<'_>,
) -> Result<Result<Intents, ServiceError>, StoreError> {
    let mut fresh = Vec::with_capacity(prepared.len());
    for (index, one) in prepared.iter().enumerate() {
        let taken = tx.intent(&one.intent.id)?.is_some();
        if taken {
            // The insert changes nothing here; it tells whether this is a repetition.
            if let Err(refusal) = insert(tx, one, caller)? {
                return Ok(Err(at_index(refusal, index)));
            }
        }
        fresh.push(!taken);
    }
    let wanted = prepared.iter().zip(&fresh).filter(|(_, fresh)| **fresh).map(|(one, _)| &one.intent);
    if let Err(refusal) = quotas.may_create(tx, wanted)? {
        return Ok(Err(refusal));
    }
    let mut intents = Vec::with_capacity(prepared.len());
    for (index, (one, _)) in prepared.iter().zip(fresh).enumerate() {
        match insert(tx, one, caller)? {
            Ok(created) => intents.push(created.intent),
            Err(refusal) => return Err(StoreError::Invariant(format!("intent {index}: {refusal}"))),
        }
    }
    Ok(Ok(Intents { intents }))
}

fn at_index(mut error: ServiceError, index: usize) -> ServiceError {
    let mut details = match error.details.take() {
        Some(Value::Object(map)) => map,
        _ => serde_json::Map::new(),
    };
    details.insert("index".to_owned(), json!(index));
    error.message = format!("intent {index} of the batch: {}", error.message);
    error.with_details(Value::Object(details))
}
