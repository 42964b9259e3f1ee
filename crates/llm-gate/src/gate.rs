//! The gate: the entry point of model calls.

mod attempts;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use llm_policy::{CallId, Ledger, Operation, PriceBook, ProviderKind};
use registry_core::KnownSecrets;
use serde_json::{Map, Value};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::builder::{GateBuilder, GateState};
use crate::{BreakerState, GateAnswer, GateError};

/// Client for model calls within budgets. Cloning it is cheap.
#[derive(Clone)]
pub struct Gate {
    pub(crate) shared: Arc<GateState>,
    ledger: Arc<dyn Ledger>,
    /// The secrets that are removed from the report of a failed call.
    secrets: KnownSecrets,
}

/// A resource that is dropped when its call is settled, such as a semaphore permit.
pub struct CallHoldings(#[expect(dead_code, reason = "the value is only dropped")] Box<dyn Send>);

impl CallHoldings {
    /// Wraps a value.
    #[must_use]
    pub fn new(held: impl Send + 'static) -> Self {
        Self(Box::new(held))
    }
}

impl fmt::Debug for CallHoldings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallHoldings(..)")
    }
}

/// One call, in OpenAI's format.
pub struct GateCall {
    /// The operation.
    pub operation: Operation,
    /// The body. Unknown fields are passed on.
    pub body: Map<String, Value>,
    /// The id of the call, if the caller chooses it. It must never be used for another call.
    pub call_id: Option<CallId>,
    /// A resource that is dropped when the call is settled.
    pub keep: Option<CallHoldings>,
}

impl fmt::Debug for GateCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The body contains the prompt, which must not be logged.
        let mut shown = f.debug_struct("GateCall");
        shown.field("operation", &self.operation).field("call_id", &self.call_id).finish_non_exhaustive()
    }
}

/// A model that can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// Its name.
    pub id: String,
    /// The provider that is tried first.
    pub provider: String,
}

/// The current state of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderStatus {
    /// Its name.
    pub name: String,
    /// Its protocol.
    pub kind: ProviderKind,
    /// Its models.
    pub models: Vec<String>,
    /// The state of its circuit breaker.
    pub breaker: BreakerState,
}

impl Gate {
    /// Returns a builder for a gate.
    pub fn builder() -> GateBuilder {
        GateBuilder::default()
    }

    pub(crate) fn new(shared: Arc<GateState>, ledger: Arc<dyn Ledger>, secrets: KnownSecrets) -> Self {
        Self { shared, ledger, secrets }
    }

    /// Returns a copy of the gate that uses another ledger.
    #[must_use]
    pub fn with_ledger(&self, ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger, ..self.clone() }
    }

    /// Returns a copy of the gate with further secrets, such as the caller's API key. Known secrets are removed from
    /// all that the gate reports about a failed call.
    #[must_use]
    pub fn with_secrets(&self, secrets: &KnownSecrets) -> Self {
        Self { secrets: self.secrets.and(secrets), ..self.clone() }
    }

    /// Makes a call: holds its worst-case cost, sends it to a provider, returns the answer, and settles.
    ///
    /// The call runs in a separate task. Dropping the future, or the stream that it returns, counts as a disconnect. An
    /// attempt that was sent is then settled in the background, and a hold whose request was not sent is released.
    ///
    /// # Errors
    /// [`GateError`] when no attempt succeeds. The ledger records the cost of failed attempts.
    pub async fn call(&self, call: GateCall) -> Result<GateAnswer, GateError> {
        self.start(call, StreamForm::Events).await
    }

    pub(crate) async fn start(&self, call: GateCall, form: StreamForm) -> Result<GateAnswer, GateError> {
        let open = self.shared.open.enter().ok_or(GateError::Closing)?;
        let runtime = if let Some(runtime) = self.shared.runtime.get() {
            runtime
        } else {
            let current = Handle::try_current().map_err(|_| GateError::Closing)?;
            self.shared.runtime.get_or_init(|| current)
        };
        let (sender, answer) = oneshot::channel();
        runtime.spawn(attempts::run(self.clone(), call, form, CallReply::new(sender), open));
        // The task always answers, unless its runtime stops.
        answer.await.unwrap_or(Err(GateError::Closing))
    }

    /// Returns the models that can be called, in the order of the configuration.
    #[must_use]
    pub fn models(&self) -> Vec<ModelInfo> {
        let info = |id: &String| {
            let provider = self.shared.models.get(id)?.first()?.config.name.clone();
            Some(ModelInfo { id: id.clone(), provider })
        };
        self.shared.order.iter().filter_map(info).collect()
    }

    /// Returns the state of all providers, in the order of the configuration.
    #[must_use]
    pub fn status(&self) -> Vec<ProviderStatus> {
        let now = self.shared.clock.monotonic_micros();
        let status = |upstream: &Arc<crate::builder::Upstream>| ProviderStatus {
            name: upstream.config.name.clone(),
            kind: upstream.config.kind,
            models: upstream.config.models.clone(),
            breaker: upstream.breaker.state(now),
        };
        self.shared.upstreams.iter().map(status).collect()
    }

    /// Returns the model that is used when a call names none.
    #[must_use]
    pub fn default_model(&self) -> Option<&str> {
        self.shared.default_model.as_deref()
    }

    /// Returns the price book.
    #[must_use]
    pub fn prices(&self) -> &PriceBook {
        &self.shared.prices
    }

    /// Returns the provider that is tried first for a model, and its name in the price book.
    #[must_use]
    pub fn candidate(&self, model: &str) -> Option<(String, String)> {
        let config = &self.shared.models.get(model)?.first()?.config;
        Some((config.name.clone(), config.priced_as.clone()))
    }

    /// Refuses further calls and waits until those in progress are settled. Returns the number of calls that are still
    /// not settled.
    pub async fn drain(&self, within: Duration) -> usize {
        self.shared.open.drain(within).await
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("upstreams", &self.shared.upstreams).finish_non_exhaustive()
    }
}

/// The form in which a streamed answer is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamForm {
    /// Server-sent events.
    Events,
    /// Pieces of text.
    Text,
}

/// The channel for the answer to the caller. The caller may stop waiting at any time.
#[derive(Debug)]
pub(crate) struct CallReply(Option<oneshot::Sender<Result<GateAnswer, GateError>>>);

impl CallReply {
    pub(crate) fn new(sender: oneshot::Sender<Result<GateAnswer, GateError>>) -> Self {
        Self(Some(sender))
    }

    /// Returns whether the caller has stopped waiting.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    /// Completes when the caller stops waiting.
    pub(crate) async fn gone(&mut self) {
        if let Some(sender) = &mut self.0 {
            sender.closed().await;
        }
    }

    /// Sends the answer. Returns `false` if the caller has stopped waiting.
    pub(crate) fn give(&mut self, answer: Result<GateAnswer, GateError>) -> bool {
        self.0.take().is_some_and(|sender| sender.send(answer).is_ok())
    }

    /// Waits for a time. Returns `false` if the caller stopped waiting before it ended.
    pub(crate) async fn pause(&mut self, wait: Duration) -> bool {
        if wait.is_zero() {
            return !self.is_gone();
        }
        tokio::time::timeout(wait, self.gone()).await.is_err()
    }
}
