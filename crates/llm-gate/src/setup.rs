//! The provider that a configuration names.

use std::sync::Arc;

use llm_policy::{ProviderConfig, ProviderKind};
use registry_core::Clock;

use crate::provider::Provider;
use crate::{SetupError, anthropic, openai};

/// The provider of a configuration, by its kind. Without `api_key` requests carry no credential. The clock dates
/// what Anthropic does not date, and reads a `Retry-After` that is a date; time limits are the runtime's.
///
/// # Errors
/// [`SetupError::Provider`] when the address or the key can't be used, or when `https` is asked for and this
/// machine has no root certificates.
pub fn provider_of(
    config: &ProviderConfig,
    api_key: Option<&str>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Provider>, SetupError> {
    match config.kind {
        ProviderKind::Openai => openai(config, api_key, clock),
        ProviderKind::Anthropic => anthropic(config, api_key, clock),
    }
}
