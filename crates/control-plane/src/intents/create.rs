//! `POST /intents`: an agent creates an intent.

use api_types::{Code, CreateIntent, IntentView};
use registry_core::{Intent, IntentId};
use serde::{Deserialize, Serialize};
use storage::{Inserted, StoreError, Tx};

use canonical::Digest;

use crate::context::{AgentCaller, OpContext};
use crate::error::{ServiceError, short};
use crate::idempotency::{Idempotency, RepeatableChange, commit_noted};
use crate::quotas::Quotas;
use crate::services::Services;
use crate::stored::SaidOfIntent;

/// Created intent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CreatedIntent {
    /// Intent as it is now.
    pub intent: IntentView,
    /// Its version.
    pub version: u64,
    /// `false` when the same creation happened before.
    pub new: bool,
}

/// Creates an intent.
///
/// # Errors
/// 403 `identity_mismatch`, 409 `intent_exists`, 422 for a rule, 503 for the store.
pub async fn create_intent(
    services: &Services,
    context: OpContext<AgentCaller>,
    body: CreateIntent,
    idempotency: Option<Idempotency>,
) -> Result<CreatedIntent, ServiceError> {
    let said = SaidOfIntent::of(&body);
    let note = move |created: &CreatedIntent| said.detail(&created.intent);
    let prepared = prepare(services, &context.caller, body, context.now);
    let op = RepeatableChange { name: "create_intent".into(), idempotency, status: 201 };
    let defaults = services.settings.quotas;
    commit_noted(services, context, op, note, move |tx, caller| match &prepared {
        Ok(prepared) => create(tx, prepared, caller, &caller.quotas(defaults)),
        Err(refusal) => Ok(Err(refusal.clone())),
    })
    .await
}

/// Checked intent, and the digest that identifies a repetition.
#[derive(Debug, Clone)]
pub(crate) struct PreparedIntent {
    pub intent: Intent,
    pub creation: [u8; 32],
}

pub(crate) fn prepare(
    services: &Services,
    caller: &AgentCaller,
    body: CreateIntent,
    now: registry_core::Timestamp,
) -> Result<PreparedIntent, ServiceError> {
    if body.agent_id.as_deref().is_some_and(|named| named != caller.agent_id().as_str()) {
        let what = "`agent_id` names another agent than the key";
        return Err(ServiceError::new(Code::IdentityMismatch, what));
    }
    let creation = creation_digest(&body);
    let new = body.into_core().map_err(|what| ServiceError::new(Code::InvalidField, what))?;
    let minted = || IntentId::mint(now, services.entropy.as_ref());
    let intent = new.into_intent(minted, caller.agent_id().clone(), now)?;
    Ok(PreparedIntent { intent, creation })
}

/// Digest of the members that a creator sent, without those that the registry ignores or knows. A minted id can't be
/// sent twice, so its body needs no digest.
fn creation_digest(body: &CreateIntent) -> [u8; 32] {
    if body.id.as_ref().is_none_or(String::is_empty) {
        return [0; 32];
    }
    let told = CreateIntent { created_at: None, agent_id: None, ..body.clone() };
    let canonical = serde_json::to_value(&told).ok().and_then(|value| canonical::to_jcs(&value).ok());
    // Numbers without a canonical form are compared as they were written.
    let text = canonical.or_else(|| serde_json::to_string(&told).ok()).unwrap_or_default();
    *Digest::sha256_parts(&[text.as_bytes()]).as_bytes()
}

fn create(
    tx: &mut dyn Tx,
    prepared: &PreparedIntent,
    caller: &AgentCaller,
    quotas: &Quotas<'_>,
) -> Result<Result<CreatedIntent, ServiceError>, StoreError> {
    if let Err(refusal) = quotas.may_create(tx, std::iter::once(&prepared.intent))?
        // A repetition stores nothing, so it is answered as before.
        && tx.intent(&prepared.intent.id)?.is_none()
    {
        return Ok(Err(refusal));
    }
    insert(tx, prepared, caller)
}

pub(crate) fn insert(
    tx: &mut dyn Tx,
    prepared: &PreparedIntent,
    caller: &AgentCaller,
) -> Result<Result<CreatedIntent, ServiceError>, StoreError> {
    let intent = &prepared.intent;
    match tx.insert_intent(intent, &prepared.creation, Some(caller.key_id()))? {
        Inserted::Yes => {
            Ok(Ok(CreatedIntent { version: intent.version, intent: intent.clone().into(), new: true }))
        }
        Inserted::No { existing, creation }
            if creation == Some(prepared.creation)
                && existing.agent_id.as_ref() == Some(caller.agent_id()) =>
        {
            Ok(Ok(CreatedIntent { version: existing.version, intent: (*existing).into(), new: false }))
        }
        Inserted::No { .. } => {
            let what = format!("there is an intent `{}` already", short(intent.id.as_str()));
            Ok(Err(ServiceError::new(Code::IntentExists, what)))
        }
    }
}
