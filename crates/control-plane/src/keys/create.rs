//! `POST /admin/api_keys`: an admin creates a key for an agent.

use std::sync::Arc;

use api_keys::{KeyQuotas, KeyRecord, NewKey, Pepper, ScopeSet, derive_secret, mint_key_id};
use api_types::{Code, CreateKey, KeyCreated, KeyView};
use registry_core::{AgentId, KeyId, REDACTED, Timestamp};
use serde::{Deserialize, Serialize};
use storage::StoreError;

use super::fields;
use crate::context::{AdminCaller, OpContext};
use crate::error::ServiceError;
use crate::idempotency::{Idempotency, RepeatableChange, commit_noted};
use crate::services::Services;
use crate::stored::key_detail;

/// Lifetime of a key, in days, when the admin states none (the seed's).
const DEFAULT_DAYS: i64 = 365;
/// Longest lifetime of a key, in days.
const MAX_DAYS: i64 = 3650;
/// Daily budget, in dollars, when the admin states none (the seed's).
const DEFAULT_DAILY_LIMIT: f64 = 100.0;

/// What is stored of a minted key: not the secret, but what it is derived from.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct MintedKey {
    pub view: KeyView,
    pub nonce: [u8; 16],
}

/// Creates a key. Its secret is in the answer and nowhere else. A repetition with the same idempotency key derives
/// the same secret again.
///
/// # Errors
/// 422 for a field, 503 for the store.
pub async fn create_key(
    services: &Services,
    context: OpContext<AdminCaller>,
    body: CreateKey,
    idempotency: Option<Idempotency>,
) -> Result<KeyCreated, ServiceError> {
    let now = context.now;
    let key_id = mint_key_id(services.entropy.as_ref());
    let mut nonce = [0; 16];
    services.entropy.fill(&mut nonce);
    let fresh = derive_secret(&services.auth.pepper, &key_id, &nonce).map_err(|_| not_mintable())?;
    let record = record(body, &fresh, nonce, now);
    let op = RepeatableChange { name: "create_key".into(), idempotency, status: 201 };
    let defaults = services.settings.quotas;
    let note = |minted: &MintedKey| Some(key_detail(&minted.view));
    let minted = commit_noted(services, context, op, note, move |tx, _| match &record {
        Ok(record) if tx.insert_key(record)? => {
            let usage = tx.key_usage(&record.key_id)?;
            Ok(Ok(MintedKey { view: fields::view_of(record, &usage, defaults, now), nonce }))
        }
        Ok(_) => Err(StoreError::Unavailable("a minted key id was taken".to_owned())),
        Err(refusal) => Ok(Err(refusal.clone())),
    })
    .await?;
    reveal(&services.auth.pepper, minted)
}

/// Derives the secret of a minted key, for the answer that shows it.
///
/// # Errors
/// 422 when the id can't be part of a native key.
pub(crate) fn reveal(pepper: &Arc<Pepper>, minted: MintedKey) -> Result<KeyCreated, ServiceError> {
    let key_id = KeyId::from_stored(minted.view.key_id.clone());
    let key = derive_secret(pepper, &key_id, &minted.nonce).map_err(|_| not_mintable())?;
    Ok(KeyCreated { key: key.expose().to_owned(), view: minted.view })
}

/// The key's id was written into the database by hand and can't be part of a key.
pub(crate) fn not_mintable() -> ServiceError {
    ServiceError::new(Code::InvalidField, "no key can have this key id; make a new one instead")
}

fn record(
    body: CreateKey,
    fresh: &NewKey,
    nonce: [u8; 16],
    now: Timestamp,
) -> Result<KeyRecord, ServiceError> {
    let invalid = |what: String| ServiceError::new(Code::InvalidField, what);
    let agent_id = AgentId::new(body.agent_id).map_err(|p| invalid(format!("`agent_id` {p}")))?;
    // It appears in every log line and audit row of the agent.
    // A secret that the server knows by value was removed before the body was read.
    if audit::redact_text(agent_id.as_str()) != agent_id.as_str() || agent_id.as_str().contains(REDACTED) {
        return Err(invalid("`agent_id` looks like a key or another secret".to_owned()));
    }
    let days = body.expires_in_days.unwrap_or(DEFAULT_DAYS);
    if !(1..=MAX_DAYS).contains(&days) {
        return Err(invalid(format!("`expires_in_days` takes 1 to {MAX_DAYS}, got {days}")));
    }
    let quota = |name, most: Option<u64>| most.map(|most| fields::quota(name, most)).transpose();
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    Ok(KeyRecord {
        key_id: fresh.key_id().clone(),
        agent_id,
        owner: given(body.owner).map(fields::owner).transpose()?,
        scopes: body.scopes.map_or_else(|| Ok(ScopeSet::default_grant()), fields::scopes)?,
        roles: fields::roles(body.roles.unwrap_or_default())?,
        created_at: now,
        expires_at: Some(now.plus_days(days)),
        revoked: false,
        mac: *fresh.mac(),
        previous_mac: None,
        nonce: Some(nonce),
        daily_limit_pico_usd: fields::daily_limit(body.daily_limit.unwrap_or(DEFAULT_DAILY_LIMIT))?,
        daily_used_pico_usd: 0,
        used_on: None,
        time_zone: given(body.time_zone).map(fields::time_zone).transpose()?,
        rate_per_minute: body.rate_per_minute.map(fields::rate).transpose()?,
        quotas: KeyQuotas {
            max_intents: quota("max_intents", body.max_intents)?,
            max_stored_bytes: quota("max_stored_bytes", body.max_stored_bytes)?,
            max_idempotency_rows: quota("max_idempotency_rows", body.max_idempotency_rows)?,
            max_audit_bytes_per_day: quota("max_audit_bytes_per_day", body.max_audit_bytes_per_day)?,
        },
        version: 1,
        modified_at: now,
    })
}
