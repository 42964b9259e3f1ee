//! `DELETE /intents/{id}`: an admin removes an intent. Its audit rows remain.

use registry_core::IntentId;
use storage::JobClass;

use crate::auth::ActingCaller as _;
use crate::context::{AdminCaller, OpContext};
use crate::error::ServiceError;
use crate::idempotency::decided;
use crate::services::Services;

/// Deletes an intent.
///
/// # Errors
/// 404, 503 for the store.
pub async fn delete_intent(
    services: &Services,
    context: OpContext<AdminCaller>,
    id: IntentId,
) -> Result<(), ServiceError> {
    let OpContext { caller, at_micros, draft, .. } = context;
    let authority = caller.authority(services);
    let write = services.store.write(authority, JobClass::admin(), draft, at_micros, move |tx, _| {
        let found = tx.delete_intent(&id)?;
        let result = if found { Ok(()) } else { Err(ServiceError::intent_not_found(id.as_str())) };
        Ok(decided(result, 200))
    });
    write.await?
}
