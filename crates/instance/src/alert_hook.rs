//! Webhook for budget alerts.

use control_plane::jobs::AlertSink;
use llm_policy::BoxFuture;
use outbound::Webhook;
use registry_core::with_causes;

/// Webhook as the receiver of alerts.
pub(crate) struct AlertHook(pub(crate) Webhook);

impl AlertSink for AlertHook {
    fn send(&self, body: String) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move { self.0.post(body).await.map_err(|error| with_causes(&error)) })
    }
}
