//! `PATCH /admin/api_keys/{key_id}`: an admin changes the limits, scopes or owner of a key.

use api_keys::KeyRecord;
use api_types::{Code, KeyView, PatchKey};
use registry_core::{KeyId, Timestamp};
use storage::StoreError;

use super::fields;
use crate::context::{AdminCaller, OpContext};
use crate::error::ServiceError;
use crate::idempotency::{Idempotency, RepeatableChange, commit_once};
use crate::intents::VersionedItem;
use crate::services::Services;

/// Changes a key. What it has used of its budget stays.
///
/// # Errors
/// 404, 412 when the version has changed, 422 for a field, 503 for the store.
pub async fn update_key(
    services: &Services,
    context: OpContext<AdminCaller>,
    id: KeyId,
    body: PatchKey,
    expected: Option<u64>,
    idempotency: Option<Idempotency>,
) -> Result<VersionedItem<KeyView>, ServiceError> {
    let now = context.now;
    let name = format!("update_key {id}");
    let op = RepeatableChange { name: name.into(), idempotency, status: 200 };
    let defaults = services.settings.quotas;
    let changed = commit_once(services, context, op, move |tx, _| {
        let Some(key) = tx.key(&id)? else { return Ok(Err(ServiceError::key_not_found())) };
        if expected.is_some_and(|version| version != key.version) {
            let what = format!("the key is at version {}", key.version);
            return Ok(Err(ServiceError::new(Code::VersionMismatch, what)));
        }
        match change(key, body.clone(), now) {
            Ok(next) if tx.update_key(&next)? => {
                let usage = tx.key_usage(&next.key_id)?;
                Ok(Ok((fields::view_of(&next, &usage, defaults, now), next.version)))
            }
            Ok(_) => Err(StoreError::Invariant(format!("the key `{id}` moved inside a transaction"))),
            Err(refusal) => Ok(Err(refusal)),
        }
    })
    .await?;
    Ok(VersionedItem { item: changed.0, version: changed.1 })
}

fn change(mut key: KeyRecord, body: PatchKey, now: Timestamp) -> Result<KeyRecord, ServiceError> {
    if let Some(owner) = body.owner {
        key.owner = owner.map(fields::owner).transpose()?;
    }
    if let Some(scopes) = body.scopes {
        key.scopes = fields::scopes(scopes)?;
    }
    if let Some(roles) = body.roles {
        key.roles = fields::roles(roles)?;
    }
    if let Some(dollars) = body.daily_limit {
        key.daily_limit_pico_usd = fields::daily_limit(dollars)?;
    }
    if let Some(zone) = body.time_zone {
        key.time_zone = zone.map(fields::time_zone).transpose()?;
    }
    if let Some(rate) = body.rate_per_minute {
        key.rate_per_minute = rate.map(fields::rate).transpose()?;
    }
    let quotas = &mut key.quotas;
    for (name, given, quota) in [
        ("max_intents", body.max_intents, &mut quotas.max_intents),
        ("max_stored_bytes", body.max_stored_bytes, &mut quotas.max_stored_bytes),
        ("max_idempotency_rows", body.max_idempotency_rows, &mut quotas.max_idempotency_rows),
        ("max_audit_bytes_per_day", body.max_audit_bytes_per_day, &mut quotas.max_audit_bytes_per_day),
    ] {
        if let Some(most) = given {
            *quota = most.map(|most| fields::quota(name, most)).transpose()?;
        }
    }
    key.modified_at = now;
    key.version = key.version.saturating_add(1);
    Ok(key)
}
