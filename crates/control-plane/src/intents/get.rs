//! `GET /intents/{id}`.

use api_types::IntentView;
use registry_core::IntentId;

use crate::context::AgentCaller;
use crate::error::ServiceError;
use crate::services::Services;

/// Something with the version that its `ETag` shows.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    /// The thing.
    pub item: T,
    /// Its version.
    pub version: u64,
}

/// The intent of this id.
///
/// # Errors
/// 404, 503 for the store.
pub fn get_intent(
    services: &Services,
    _caller: &AgentCaller,
    id: &IntentId,
) -> Result<Versioned<IntentView>, ServiceError> {
    let found = services.store.read(|view| view.intent(id))?;
    let intent = found.ok_or_else(|| ServiceError::intent_not_found(id.as_str()))?;
    Ok(Versioned { version: intent.version, item: intent.into() })
}
