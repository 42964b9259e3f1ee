//! The gate: where a call comes in.

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

/// Calls providers within budgets. Cloning it is cheap.
#[derive(Clone)]
pub struct Gate {
    pub(crate) shared: Arc<GateState>,
    ledger: Arc<dyn Ledger>,
    /// The secrets that are removed from the report of a failed call.
    secrets: KnownSecrets,
}

/// What a call holds until it is settled, such as a slot or memory: it is dropped then.
pub struct CallHoldings(#[expect(dead_code, reason = "it is there to be dropped")] Box<dyn Send>);

impl CallHoldings {
    /// Holds a value.
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

/// One call, in OpenAI's form.
pub struct GateCall {
    /// What it does.
    pub operation: Operation,
    /// The body. Fields that the gate does not know are passed on.
    pub body: Map<String, Value>,
    /// Its id, when the caller chose one; no other call may ever have it.
    pub call_id: Option<CallId>,
    /// Dropped when the call is settled: a slot that the call takes.
    pub keep: Option<CallHoldings>,
}

impl fmt::Debug for GateCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The body is a prompt, which no log is to have.
        let mut shown = f.debug_struct("GateCall");
        shown.field("operation", &self.operation).field("call_id", &self.call_id).finish_non_exhaustive()
    }
}

/// A model that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// Its name.
    pub id: String,
    /// The provider that is asked first.
    pub provider: String,
}

/// How a provider stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderStatus {
    /// Its name.
    pub name: String,
    /// Its protocol.
    pub kind: ProviderKind,
    /// What may be asked for.
    pub models: Vec<String>,
    /// Whether calls go there.
    pub breaker: BreakerState,
}

impl Gate {
    /// Begins a gate.
    pub fn builder() -> GateBuilder {
        GateBuilder::default()
    }

    pub(crate) fn new(shared: Arc<GateState>, ledger: Arc<dyn Ledger>, secrets: KnownSecrets) -> Self {
        Self { shared, ledger, secrets }
    }

    /// The same gate, with the money kept there.
    #[must_use]
    pub fn with_ledger(&self, ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger, ..self.clone() }
    }

    /// The same gate with further secrets that are removed from whatever it tells about a call that failed, such as
    /// the key of who calls.
    #[must_use]
    pub fn with_secrets(&self, secrets: &KnownSecrets) -> Self {
        Self { secrets: self.secrets.and(secrets), ..self.clone() }
    }

    /// Makes a call: holds its worst case, asks a provider, hands the answer on, settles.
    ///
    /// All this happens in a task of its own. Dropping the future, or the stream that it gives, is a hang-up: what
    /// has left is settled without the caller, what has not is given back.
    ///
    /// # Errors
    /// [`GateError`]. What attempts of a call that failed have cost is in the ledger.
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
        // The task answers before it ends, unless its runtime stops.
        answer.await.unwrap_or(Err(GateError::Closing))
    }

    /// The models that can be asked for, in the order of the configuration.
    #[must_use]
    pub fn models(&self) -> Vec<ModelInfo> {
        let info = |id: &String| {
            let provider = self.shared.models.get(id)?.first()?.config.name.clone();
            Some(ModelInfo { id: id.clone(), provider })
        };
        self.shared.order.iter().filter_map(info).collect()
    }

    /// The providers, in the order of the configuration.
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

    /// The model of a call that names none.
    #[must_use]
    pub fn default_model(&self) -> Option<&str> {
        self.shared.default_model.as_deref()
    }

    /// The price book.
    #[must_use]
    pub fn prices(&self) -> &PriceBook {
        &self.shared.prices
    }

    /// The provider that a model's calls are sent to first, and the name that it has in the price book.
    #[must_use]
    pub fn candidate(&self, model: &str) -> Option<(String, String)> {
        let config = &self.shared.models.get(model)?.first()?.config;
        Some((config.name.clone(), config.priced_as.clone()))
    }

    /// Takes no further calls, and waits until those under way are settled. Gives the number of those that are not.
    pub async fn drain(&self, within: Duration) -> usize {
        self.shared.open.drain(within).await
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("upstreams", &self.shared.upstreams).finish_non_exhaustive()
    }
}

/// What of a streamed answer its reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamForm {
    /// The events.
    Events,
    /// The text.
    Text,
}

/// The caller's ear; it may be gone at any time.
#[derive(Debug)]
pub(crate) struct CallReply(Option<oneshot::Sender<Result<GateAnswer, GateError>>>);

impl CallReply {
    pub(crate) fn new(sender: oneshot::Sender<Result<GateAnswer, GateError>>) -> Self {
        Self(Some(sender))
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    /// Returns when nobody waits any more.
    pub(crate) async fn gone(&mut self) {
        if let Some(sender) = &mut self.0 {
            sender.closed().await;
        }
    }

    /// Answers. False when nobody took it.
    pub(crate) fn give(&mut self, answer: Result<GateAnswer, GateError>) -> bool {
        self.0.take().is_some_and(|sender| sender.send(answer).is_ok())
    }

    /// Waits. False when the caller left meanwhile.
    pub(crate) async fn pause(&mut self, wait: Duration) -> bool {
        if wait.is_zero() {
            return !self.is_gone();
        }
        tokio::time::timeout(wait, self.gone()).await.is_err()
    }
}
