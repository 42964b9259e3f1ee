//! `DELETE /admin/api_keys/{key}`: an admin stops a key.

use api_keys::key_id_of_text;
use storage::{JobClass, StoreError};

use crate::auth::ActingCaller as _;
use crate::context::{AdminCaller, OpContext};
use crate::error::ServiceError;
use crate::idempotency::decided;
use crate::services::Services;

/// Revokes a key, named by its key id or by the whole key. Revoking twice is fine.
///
/// # Errors
/// 404, 503 for the store.
pub async fn revoke_key(
    services: &Services,
    context: OpContext<AdminCaller>,
    key: &str,
) -> Result<(), ServiceError> {
    let OpContext { caller, now, at_micros, draft } = context;
    let id = key_id_of_text(key, &services.auth.pepper);
    let authority = caller.authority(services);
    let write = services.store.write(authority, JobClass::revocation(), draft, at_micros, move |tx, _| {
        let found = match &id {
            Some(id) => tx.key(id)?,
            None => None,
        };
        let Some(key) = found else { return Ok(decided(Err(ServiceError::key_not_found()), 200)) };
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
