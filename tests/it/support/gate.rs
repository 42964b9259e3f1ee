//! A way to a provider that is never reached.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use llm_gate::Gate;
use llm_gate::provider::{Incoming, Outgoing, Provider, ProviderError};
use llm_policy::{BoxFuture, CallLimits, LlmConfig, ProviderConfig, ProviderKind};

/// The provider `openai`; counts the requests that would have left.
#[derive(Default)]
pub struct Unreachable {
    pub asked: AtomicU64,
}

impl Provider for Unreachable {
    fn name(&self) -> &str {
        "openai"
    }

    fn send(&self, _: Outgoing) -> BoxFuture<'_, Result<Incoming, ProviderError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(Err(ProviderError::NotConnected("there is no network here".to_owned()))))
    }
}

/// A gate with this provider for the models of the table of routes.
pub fn gate(provider: &Arc<Unreachable>) -> Gate {
    let models = ["gpt-4o-mini", "text-embedding-3-small"];
    let config = ProviderConfig {
        name: "openai".to_owned(),
        kind: ProviderKind::Openai,
        base_url: registry_core::BaseUrl::parse("http://127.0.0.1:9").unwrap(),
        api_key_env: None,
        models: models.map(str::to_owned).to_vec(),
        priced_as: "openai".to_owned(),
        max_tokens_field: "max_tokens".to_owned(),
        connect_timeout_ms: 1_000,
        first_byte_timeout_ms: 1_000,
        idle_timeout_ms: 1_000,
        total_timeout_ms: 1_000,
    };
    let config = LlmConfig {
        providers: vec![config],
        routes: Vec::new(),
        limits: CallLimits::default(),
        budgets: Vec::new(),
        default_model: Some("gpt-4o-mini".to_owned()),
        keep_prompts: false,
    };
    let provider = Arc::<Unreachable>::clone(provider);
    Gate::builder().config(config).provider(provider).build().expect("a gate")
}
