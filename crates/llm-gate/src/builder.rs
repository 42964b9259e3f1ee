//! Putting a gate together.

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

/// Who is told of every attempt that reached a provider, or may have.
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

/// What all calls of a gate share, whatever their ledger.
pub(crate) struct GateState {
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    /// Where the calls of each model go, in order. Never empty for a model that is there.
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

/// The key that a variable holds.
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
    /// Providers, routes and limits. Without it the gate has no provider.
    pub fn config(mut self, config: LlmConfig) -> Self {
        self.config = Some(config);
        self
    }

    /// The price book; the built-in one by default.
    pub fn prices(mut self, prices: PriceBook) -> Self {
        self.prices = Some(prices);
        self
    }

    /// The provider of the configuration that has this one's name.
    pub fn provider(mut self, provider: Arc<dyn Provider>) -> Self {
        self.providers.push(provider);
        self
    }

    /// Who keeps the money. Without it every call is refused, until [`Gate::with_ledger`] gives one.
    pub fn ledger(mut self, ledger: Arc<dyn Ledger>) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// Where the time comes from; the machine's clock by default.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Where the ids of calls come from; the operating system's random source by default.
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = Some(entropy);
        self
    }

    /// The runtime that calls run on, apart from whoever waits for them; by default the one of the first call.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Is told of every attempt that reached a provider, or may have, once it is settled. It must not block.
    pub fn observer(mut self, observer: Arc<dyn Fn(&CallReport) + Send + Sync>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Has the end of an answer wait until the call is settled. By default it does not wait: the hold is durable, so a
    /// crash in between bills the worst case, and no call is forgotten.
    pub fn settle_before_answer(mut self) -> Self {
        self.settle_before_answer = true;
        self
    }

    /// Secrets besides the providers' own keys that are removed from whatever the gate tells about a call that failed.
    pub fn secrets(mut self, secrets: KnownSecrets) -> Self {
        self.secrets = secrets;
        self
    }

    /// Where the keys of providers come from, by the `api_key_env` of each: every provider of the configuration that is
    /// not [given](Self::provider) is made with its key.
    pub fn keys(mut self, environment: impl Fn(&str) -> Option<String> + Send + 'static) -> Self {
        self.keys = Some(Box::new(environment));
        self
    }

    /// The gate.
    ///
    /// # Errors
    /// [`SetupError::NoKey`] when a provider has none, whatever [`provider_of`] finds, and when providers and
    /// configuration do not fit each other.
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
            // A route to nowhere says nothing.
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
    /// Makes the providers that were not given.
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

/// The ledger of a gate that was given none: without one there is no call.
struct NoLedger;

impl NoLedger {
    fn unavailable<T: Send + 'static>() -> BoxFuture<'static, Result<T, LedgerError>> {
        Box::pin(std::future::ready(Err(LedgerError::Unavailable {
            trouble: LedgerTrouble::Other,
            cause: "the gate was given no ledger".to_owned(),
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
        // `keys` in each place, the others before and after it in either direction.
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
    fn a_provider_without_its_key_is_named() {
        let none = GateBuilder::default().keys(|_| None).config(config()).build();
        assert!(matches!(none, Err(SetupError::NoKey { variable, .. }) if variable == "OPENAI_API_KEY"));
        let unasked = GateBuilder::default().config(config()).build();
        assert!(matches!(unasked, Err(SetupError::Missing { name }) if name == "openai"));
    }
}
