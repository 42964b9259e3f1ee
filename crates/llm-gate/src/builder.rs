//! Builder for a gate.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use llm_policy::{
    BoxFuture, CallLimits, Held, HoldAsk, HoldId, Ledger, LedgerError, LedgerTrouble, LlmConfig, PriceBook,
    ProviderConfig, ProviderKind, ReleaseReason, Settled, Settlement,
};
use registry_core::{Clock, Entropy, KnownSecrets, SystemClock, SystemEntropy};
use tokio::runtime::Handle;

use crate::breaker::Breaker;
use crate::open_calls::OpenCalls;
use crate::provider::Provider;
use crate::{CallReport, Gate, SetupError, anthropic, openai};

/// Callback for every attempt that reached a provider, or may have reached it.
type Observer = Arc<dyn Fn(&CallReport) + Send + Sync>;

/// One configured provider.
pub(crate) struct Upstream {
    pub(crate) config: ProviderConfig,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) breaker: Arc<Breaker>,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("config", &self.config).finish_non_exhaustive()
    }
}

/// State that all calls of a gate share, independent of their ledger.
pub(crate) struct GateState {
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    /// The providers of each model, in order. Never empty for a model that is present.
    pub(crate) models: HashMap<String, Vec<Arc<Upstream>>>,
    /// The models in the order of the configuration.
    pub(crate) order: Vec<String>,
    pub(crate) limits: CallLimits,
    pub(crate) default_model: Option<String>,
    pub(crate) prices: PriceBook,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) runtime: OnceLock<Handle>,
    pub(crate) observer: Option<Observer>,
    pub(crate) settle_before_answer: bool,
    pub(crate) open: Arc<OpenCalls>,
}

/// Look-up of an API key by the name of its environment variable.
type KeySource = Box<dyn Fn(&str) -> Option<String> + Send>;

/// Builds a [`Gate`]. The order of calls does not matter.
#[derive(Default)]
#[must_use]
pub struct GateBuilder {
    config: Option<LlmConfig>,
    prices: Option<PriceBook>,
    providers: Vec<Arc<dyn Provider>>,
    keys: Option<KeySource>,
    ledger: Option<Arc<dyn Ledger>>,
    clock: Option<Arc<dyn Clock>>,
    entropy: Option<Arc<dyn Entropy>>,
    runtime: Option<Handle>,
    observer: Option<Observer>,
    settle_before_answer: bool,
    secrets: KnownSecrets,
}

impl GateBuilder {
    /// Sets the providers, routes and limits. Without a configuration the gate has no provider.
    pub fn config(mut self, config: LlmConfig) -> Self {
        self.config = Some(config);
        self
    }

    /// Sets the price book; the built-in one by default.
    pub fn prices(mut self, prices: PriceBook) -> Self {
        self.prices = Some(prices);
        self
    }

    /// Adds the implementation of the configured provider with the same name.
    pub fn provider(mut self, provider: Arc<dyn Provider>) -> Self {
        self.providers.push(provider);
        self
    }

    /// Sets the ledger. Without one every call is refused; [`Gate::with_ledger`] can set it later.
    pub fn ledger(mut self, ledger: Arc<dyn Ledger>) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// Sets the clock; the system clock by default.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Sets the random source for call ids; that of the operating system by default.
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = Some(entropy);
        self
    }

    /// Sets the runtime on which the tasks of calls run; by default that of the first call.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Sets a callback for every attempt that reached a provider, or may have reached it. It is called once the attempt
    /// is settled, and must not block.
    pub fn observer(mut self, observer: Arc<dyn Fn(&CallReport) + Send + Sync>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Delays the end of an answer until the call is settled. The default is not to wait. This is safe because the hold
    /// is durable: after a crash in between, the ledger settles the call at its worst case.
    pub fn settle_before_answer(mut self) -> Self {
        self.settle_before_answer = true;
        self
    }

    /// Adds secrets that are removed from all that the gate reports about a failed call. The keys of the providers are
    /// always removed.
    pub fn secrets(mut self, secrets: KnownSecrets) -> Self {
        self.secrets = secrets;
        self
    }

    /// Sets the look-up of API keys by the `api_key_env` of a provider. The builder then makes each configured provider
    /// that was not [added](Self::provider).
    pub fn keys(mut self, environment: impl Fn(&str) -> Option<String> + Send + 'static) -> Self {
        self.keys = Some(Box::new(environment));
        self
    }

    /// Builds the gate.
    ///
    /// # Errors
    /// - [`SetupError::NoKey`] when the key of a provider is not set.
    /// - [`SetupError::Provider`] when a provider can't be built; see [`provider_of`].
    /// - [`SetupError::Missing`], [`SetupError::NotConfigured`] or [`SetupError::Route`] when the configuration and the
    ///   providers do not match.
    pub fn build(mut self) -> Result<Gate, SetupError> {
        let clock = self.clock.take().unwrap_or_else(|| Arc::new(SystemClock::new()));
        self.connect(&clock)?;
        let (configs, routes, limits, default_model) = match self.config {
            Some(config) => (config.providers, config.routes, config.limits, config.default_model),
            None => (Vec::new(), Vec::new(), CallLimits::default(), None),
        };
        for provider in &self.providers {
            if !configs.iter().any(|config| config.name == provider.name()) {
                return Err(SetupError::NotConfigured { name: provider.name().to_owned() });
            }
        }
        let secrets = self.providers.iter().fold(self.secrets, |all, provider| all.and(&provider.secrets()));
        let mut upstreams = Vec::with_capacity(configs.len());
        for config in configs {
            let given = self.providers.iter().find(|provider| provider.name() == config.name);
            let provider = given.ok_or_else(|| SetupError::Missing { name: config.name.clone() })?;
            let provider = Arc::clone(provider);
            upstreams.push(Arc::new(Upstream { config, provider, breaker: Breaker::new() }));
        }
        let mut order = Vec::new();
        let mut models: HashMap<String, Vec<Arc<Upstream>>> = HashMap::new();
        for upstream in &upstreams {
            for model in &upstream.config.models {
                let places = models.entry(model.clone()).or_insert_with(|| {
                    order.push(model.clone());
                    Vec::new()
                });
                places.push(Arc::clone(upstream));
            }
        }
        for route in routes {
            let find = |name: &String| {
                let found = upstreams.iter().find(|upstream| upstream.config.name == *name);
                found
                    .map(Arc::clone)
                    .ok_or_else(|| SetupError::Route { model: route.model.clone(), provider: name.clone() })
            };
            let places = route.to.iter().map(find).collect::<Result<Vec<_>, _>>()?;
            // A route without providers has no effect.
            if !places.is_empty() && models.insert(route.model.clone(), places).is_none() {
                order.push(route.model);
            }
        }
        let runtime = self.runtime.map_or_else(OnceLock::new, OnceLock::from);
        let shared = GateState {
            upstreams,
            models,
            order,
            limits,
            default_model,
            prices: self.prices.unwrap_or_else(PriceBook::builtin),
            clock,
            entropy: self.entropy.unwrap_or_else(|| Arc::new(SystemEntropy)),
            runtime,
            observer: self.observer,
            settle_before_answer: self.settle_before_answer,
            open: OpenCalls::new(),
        };
        Ok(Gate::new(Arc::new(shared), self.ledger.unwrap_or_else(|| Arc::new(NoLedger)), secrets))
    }
}

impl GateBuilder {
    /// Makes the configured providers that were not added.
    fn connect(&mut self, clock: &Arc<dyn Clock>) -> Result<(), SetupError> {
        let Some(keys) = self.keys.take() else { return Ok(()) };
        for config in self.config.iter().flat_map(|config| &config.providers) {
            if self.providers.iter().any(|provider| provider.name() == config.name) {
                continue;
            }
            let key = match &config.api_key_env {
                None => None,
                Some(variable) => Some(keys(variable).ok_or_else(|| SetupError::NoKey {
                    provider: config.name.clone(),
                    variable: variable.clone(),
                })?),
            };
            self.providers.push(provider_of(config, key.as_deref(), Arc::clone(clock))?);
        }
        Ok(())
    }
}

impl fmt::Debug for GateBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Makes the provider of a configuration. Without `api_key`, requests carry no credential.
///
/// The clock provides the `created` time that answers of Anthropic lack, and the current time for a `Retry-After` that
/// is a date. Time limits use the timer of the runtime instead.
///
/// # Errors
/// [`SetupError::Provider`] when the base URL or the key is unusable, or when the URL is `https` and the system has no
/// root certificates.
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

/// The ledger of a gate without a ledger. It refuses everything.
struct NoLedger;

impl NoLedger {
    fn unavailable<T: Send + 'static>() -> BoxFuture<'static, Result<T, LedgerError>> {
        Box::pin(std::future::ready(Err(LedgerError::Unavailable {
            trouble: LedgerTrouble::Other,
            cause: "the gate has no ledger".to_owned(),
        })))
    }
}

impl Ledger for NoLedger {
    fn hold(&self, _: HoldAsk) -> BoxFuture<'_, Result<Held, LedgerError>> {
        Self::unavailable()
    }

    fn settle(&self, _: HoldId, _: Settlement) -> BoxFuture<'_, Result<Settled, LedgerError>> {
        Self::unavailable()
    }

    fn release(&self, _: HoldId, _: ReleaseReason) -> BoxFuture<'_, Result<(), LedgerError>> {
        Self::unavailable()
    }
}

#[cfg(test)]
mod tests {
    use llm_policy::{ProviderConfig, ProviderKind};
    use registry_core::ManualClock;

    use super::*;

    fn config() -> LlmConfig {
        let openai =
            ProviderConfig::new("openai", ProviderKind::Openai, "http://127.0.0.1:9/v1", ["m"]).unwrap();
        LlmConfig { providers: vec![openai.key_from("OPENAI_API_KEY").unwrap()], ..LlmConfig::default() }
    }

    #[test]
    fn the_order_of_calls_does_not_matter() {
        type Step = fn(GateBuilder) -> GateBuilder;
        let key = |name: &str| (name == "OPENAI_API_KEY").then(|| "sk-test".to_owned());
        let steps: [Step; 6] = [
            |builder| builder.config(config()),
            |builder| builder.clock(Arc::new(ManualClock::at(registry_core::Timestamp::EPOCH))),
            |builder| builder.prices(PriceBook::builtin()),
            |builder| builder.ledger(Arc::new(NoLedger)),
            |builder| builder.secrets(KnownSecrets::default()),
            GateBuilder::settle_before_answer,
        ];
        // `keys` comes at each position, with the other steps around it in both orders.
        for place in 0..=steps.len() {
            let (before, after) = steps.split_at(place);
            let forwards =
                before.iter().fold(GateBuilder::default(), |builder, step| step(builder)).keys(key);
            let forwards = after.iter().fold(forwards, |builder, step| step(builder));
            let backwards = after.iter().rev().fold(GateBuilder::default(), |builder, step| step(builder));
            let backwards = before.iter().rev().fold(backwards.keys(key), |builder, step| step(builder));
            for builder in [forwards, backwards] {
                let models = builder.build().unwrap().models();
                assert_eq!(models.iter().map(|model| model.id.as_str()).collect::<Vec<_>>(), ["m"]);
            }
        }
    }

    #[test]
    fn the_error_names_the_provider_or_the_variable_that_is_missing() {
        let none = GateBuilder::default().keys(|_| None).config(config()).build();
        assert!(matches!(none, Err(SetupError::NoKey { variable, .. }) if variable == "OPENAI_API_KEY"));
        let unasked = GateBuilder::default().config(config()).build();
        assert!(matches!(unasked, Err(SetupError::Missing { name }) if name == "openai"));
    }
}
