//! The webhook that alerts of budgets go to.

use std::error::Error;

use control_plane::jobs::AlertSink;
use llm_policy::BoxFuture;
use outbound::Webhook;

/// The webhook as the job that delivers alerts sees it.
pub(crate) struct AlertHook(pub(crate) Webhook);

impl AlertSink for AlertHook {
    fn send(&self, body: String) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move { self.0.post(body).await.map_err(|error| chain(&error)) })
    }
}

fn chain(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}
