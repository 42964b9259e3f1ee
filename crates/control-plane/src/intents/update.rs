//! `PATCH /intents/{id}`: an agent changes its intent, or one of its owner.

use api_keys::Scope;
use api_types::{Code, IntentView, PatchIntent};
use registry_core::{Intent, IntentId, IntentPatch, KeyId};
use serde::{Deserialize, Serialize};
use storage::{StoreError, Tx};

use super::read::VersionedItem;
use crate::context::{AgentCaller, OpContext};
use crate::error::ServiceError;
use crate::idempotency::{Idempotency, RepeatableChange, commit_noted};
use crate::services::Services;
use crate::stored::SaidOfIntent;

#[derive(Serialize, Deserialize)]
struct ChangedIntent {
    intent: IntentView,
    version: u64,
}

/// Changes an intent. `expected` is the version of `If-Match`.
///
/// # Errors
/// 403 `not_yours`, 404, 412 when the version has changed, 422 for a rule, 503 for the store.
pub async fn update_intent(
    services: &Services,
    context: OpContext<AgentCaller>,
    id: IntentId,
    body: PatchIntent,
    expected: Option<u64>,
    idempotency: Option<Idempotency>,
) -> Result<VersionedItem<IntentView>, ServiceError> {
    let now = context.now;
    let status = body.status.clone().flatten();
    let note = move |changed: &ChangedIntent| {
        SaidOfIntent::status_of(&changed.intent, status.clone()).detail(&changed.intent)
    };
    let patch = IntentPatch::from(body);
    let name = format!("update_intent {id}");
    let op = RepeatableChange { name: name.into(), idempotency, status: 200 };
    let defaults = services.settings.quotas;
    let changed = commit_noted(services, context, op, note, move |tx, caller| {
        let Some(intent) = tx.intent(&id)? else {
            return Ok(Err(ServiceError::intent_not_found(id.as_str())));
        };
        match change(caller, &intent, patch.clone(), expected, now) {
            Ok(next) => match caller.quotas(defaults).may_grow(tx, &intent, &next, defaults)? {
                Ok(creator) => store(tx, next, creator),
                Err(refusal) => Ok(Err(refusal)),
            },
            Err(refusal) => Ok(Err(refusal)),
        }
    })
    .await?;
    Ok(VersionedItem { item: changed.intent, version: changed.version })
}

fn change(
    caller: &AgentCaller,
    intent: &Intent,
    patch: IntentPatch,
    expected: Option<u64>,
    now: registry_core::Timestamp,
) -> Result<Intent, ServiceError> {
    let yours = intent.belongs_to(caller.agent_id(), caller.owner());
    if !yours && !caller.scopes().allows(Scope::IntentsAny) {
        let what = "the intent belongs to another agent and owner";
        return Err(ServiceError::new(Code::NotYours, what));
    }
    if expected.is_some_and(|version| version != intent.version) {
        let what = format!("the intent is at version {}", intent.version);
        return Err(ServiceError::new(Code::VersionMismatch, what));
    }
    Ok(patch.apply(intent, now)?)
}

fn store(
    tx: &mut dyn Tx,
    next: Intent,
    creator: Option<&KeyId>,
) -> Result<Result<ChangedIntent, ServiceError>, StoreError> {
    if !tx.update_intent(&next, creator)? {
        // It was read in this transaction, so a missing row means that the store is inconsistent.
        return Err(StoreError::Invariant(format!("the intent `{}` moved inside a transaction", next.id)));
    }
    Ok(Ok(ChangedIntent { version: next.version, intent: next.into() }))
}
