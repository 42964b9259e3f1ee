//! `DELETE /admin/api_keys/{key}`: an admin revokes a key.

use registry_core::KeyId;
use storage::{JobClass, StoreError};

use crate::auth::ActingCaller as _;
use crate::context::{AdminCaller, OpContext};
use crate::error::ServiceError;
use crate::idempotency::decided;
use crate::services::Services;

/// Revokes a key. A second revocation has no effect.
///
/// # Errors
/// 404, 503 for the store.
pub async fn revoke_key(
    services: &Services,
    context: OpContext<AdminCaller>,
    id: KeyId,
) -> Result<(), ServiceError> {
    let OpContext { caller, now, at_micros, draft } = context;
    let authority = caller.authority(services);
    let write = services.store.write(authority, JobClass::revocation(), draft, at_micros, move |tx, _| {
        let Some(key) = tx.key(&id)? else { return Ok(decided(Err(ServiceError::key_not_found()), 200)) };
        if !key.revoked {
            let next = key.revoked(now);
            if !tx.update_key(&next)? {
                let moved = format!("the key `{}` moved inside a transaction", next.key_id);
                return Err(StoreError::Invariant(moved));
            }
        }
        Ok(decided(Ok(()), 200))
    });
    write.await?
}
