//! Why a call has no answer, and why a gate can't be built.

use llm_policy::{CallId, LedgerError, RequestError};

/// Why a call has no (further) answer. What its attempts cost is in the ledger all the same.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GateError {
    /// No provider is configured.
    #[error("no provider is configured")]
    NoProvider,
    /// No provider has this model.
    #[error("no provider has the model `{model}`")]
    UnknownModel {
        /// As it was asked for.
        model: String,
    },
    /// The request is wrong, or asks for something whose price is not known. Nothing was held.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The ledger refuses the call, or can't be used. This attempt was not made.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The provider says that the request is wrong.
    #[error("`{provider}` rejects the request with status {status}")]
    Rejected {
        /// The provider's name.
        provider: String,
        /// Its HTTP status.
        status: u16,
        /// What it wrote, cut to 4,096 bytes.
        body: String,
    },
    /// The provider's own limit is used up.
    #[error("the limit at `{provider}` is used up")]
    Limited {
        /// The provider's name.
        provider: String,
        /// When it says to come again, in seconds.
        retry_after: Option<u64>,
    },
    /// The provider failed, or its answer can't be read.
    #[error("`{provider}` failed: {cause}")]
    Failed {
        /// The provider's name.
        provider: String,
        /// The call, as its usage rows name it.
        call_id: CallId,
        /// What happened.
        cause: String,
    },
    /// The provider did not answer in time. The attempt may have cost.
    #[error("`{provider}` did not answer in time")]
    TimedOut {
        /// The provider's name.
        provider: String,
        /// The call, as its usage rows name it.
        call_id: CallId,
    },
    /// Every provider of the model failed so often that it is left alone for a while.
    #[error("every provider of the model is left alone for {retry_after} s because it failed too often")]
    Unavailable {
        /// When the first of them is tried again, in seconds.
        retry_after: u64,
    },
    /// The gate is about to stop, or its runtime has stopped.
    #[error("the gate takes no further calls")]
    Closing,
}

/// Why a gate or a provider can't be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// A provider of the configuration has no implementation.
    #[error("the provider `{name}` is configured but was not given")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A provider was given that the configuration does not name.
    #[error("the provider `{name}` was given but is not configured")]
    NotConfigured {
        /// Its name.
        name: String,
    },
    /// A route names a provider that is not there.
    #[error("the route of `{model}` names `{provider}`, which is no provider")]
    Route {
        /// The route's model.
        model: String,
        /// The provider that it names.
        provider: String,
    },
    /// The variable with a provider's key is not set.
    #[error("the provider `{provider}` wants its key in `{variable}`, which is not set")]
    NoKey {
        /// The provider's name.
        provider: String,
        /// The environment variable.
        variable: String,
    },
    /// A provider's client can't be made from its configuration.
    #[error("the provider `{provider}` can't be set up: {cause}")]
    Provider {
        /// The provider's name.
        provider: String,
        /// What is wrong with it.
        cause: String,
    },
}
