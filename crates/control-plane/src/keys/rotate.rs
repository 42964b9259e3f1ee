//! `POST /admin/api_keys/{key_id}/rotate`: an admin gives a key a new secret.

use api_keys::{KeyRecord, NewKey, derive_secret};
use api_types::{Code, KeyCreated, RotateKey};
use registry_core::KeyId;
use storage::{StoreError, Tx};

use super::create::{MintedKey, not_mintable, reveal};
use super::fields;
use crate::context::{AdminCaller, OpContext};
use crate::error::ServiceError;
use crate::idempotency::{Idempotency, RepeatableChange, commit_once};
use crate::services::Services;

/// Longest time for which an old secret may stay valid, in seconds: 30 days.
const MAX_OVERLAP_SECONDS: u32 = 30 * 24 * 3600;

/// Gives a key a new secret. The old one stays valid for the overlap.
///
/// # Errors
/// 404, 422 for the overlap or for a revoked key, 503 for the store.
pub async fn rotate_key(
    services: &Services,
    context: OpContext<AdminCaller>,
    id: KeyId,
    body: RotateKey,
    idempotency: Option<Idempotency>,
) -> Result<KeyCreated, ServiceError> {
    let now = context.now;
    let overlap = body.overlap_seconds.unwrap_or(0);
    let mut nonce = [0; 16];
    services.entropy.fill(&mut nonce);
    let fresh = derive_secret(&services.auth.pepper, &id, &nonce).map_err(|_| not_mintable());
    let name = format!("rotate_key {id}");
    let op = RepeatableChange { name: name.into(), idempotency, status: 200 };
    let defaults = services.settings.quotas;
    let minted = commit_once(services, context, op, move |tx, _| match &fresh {
        Ok(fresh) => match rotate(tx, &id, fresh, nonce, overlap, now)? {
            Ok(next) => {
                let usage = tx.key_usage(&next.key_id)?;
                Ok(Ok(MintedKey { view: fields::view_of(&next, &usage, defaults, now), nonce }))
            }
            Err(refusal) => Ok(Err(refusal)),
        },
        Err(refusal) => Ok(Err(refusal.clone())),
    })
    .await?;
    reveal(&services.auth.pepper, minted)
}

fn rotate(
    tx: &mut dyn Tx,
    id: &KeyId,
    fresh: &NewKey,
    nonce: [u8; 16],
    overlap: i64,
    now: registry_core::Timestamp,
) -> Result<Result<KeyRecord, ServiceError>, StoreError> {
    let refuse = |what: String| Ok(Err(ServiceError::new(Code::InvalidField, what)));
    let Some(overlap) = u32::try_from(overlap).ok().filter(|seconds| *seconds <= MAX_OVERLAP_SECONDS) else {
        return refuse(format!("`overlap_seconds` takes 0 to {MAX_OVERLAP_SECONDS}, got {overlap}"));
    };
    let Some(key) = tx.key(id)? else { return Ok(Err(ServiceError::key_not_found())) };
    if key.revoked {
        return refuse("a revoked key can't be rotated".to_owned());
    }
    // The id of an adopted key is derived from its old text. Its rotated secret has the native form, whose public
    // part is that id, so it is found in the same way.
    let next = key.rotated(fresh, nonce, overlap, now);
    if !tx.update_key(&next)? {
        return Err(StoreError::Invariant(format!("the key `{id}` moved inside a transaction")));
    }
    Ok(Ok(next))
}
