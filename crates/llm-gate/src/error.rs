//! Errors of model calls and of building a gate.

use llm_policy::{CallId, LedgerError, RequestError};

/// Reason why a call failed, or why its answer ended early. The ledger records the cost of its attempts.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GateError {
    /// No provider is configured.
    #[error("no provider is configured")]
    NoProvider,
    /// No provider has the model.
    #[error("no provider has the model `{model}`")]
    UnknownModel {
        /// The name in the request.
        model: String,
    },
    /// The request is invalid, or a part of it has no price. Nothing was held.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The ledger refused the attempt or is unavailable, so the attempt was not made.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The provider rejected the request as invalid.
    #[error("`{provider}` rejects the request with status {status}")]
    Rejected {
        /// The provider's name.
        provider: String,
        /// Its HTTP status.
        status: u16,
        /// Its answer without known secrets, truncated to 4,096 bytes.
        body: String,
    },
    /// The rate limit of the provider is used up.
    #[error("the rate limit of `{provider}` is used up")]
    Limited {
        /// The provider's name.
        provider: String,
        /// Seconds until a retry, from its `Retry-After` header.
        retry_after: Option<u64>,
    },
    /// The provider failed, or its answer can't be read.
    #[error("`{provider}` failed: {cause}")]
    Failed {
        /// The provider's name.
        provider: String,
        /// The id of the call in its usage rows.
        call_id: CallId,
        /// What happened.
        cause: String,
    },
    /// The provider did not answer in time. The attempt may still be billed.
    #[error("`{provider}` did not answer in time")]
    TimedOut {
        /// The provider's name.
        provider: String,
        /// The id of the call in its usage rows.
        call_id: CallId,
    },
    /// The circuit breakers of all providers of the model are open.
    #[error("every provider of the model failed too often; try again in {retry_after} s")]
    Unavailable {
        /// Seconds until the first of them is tried again.
        retry_after: u64,
    },
    /// The gate is stopping, or its runtime has stopped.
    #[error("the gate accepts no further calls")]
    Closing,
}

/// Reason why a gate or a provider can't be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// A provider of the configuration has no implementation, and the builder has no source of keys to make one.
    #[error("the provider `{name}` is configured but was not passed to the builder")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A provider was passed to the builder but is not in the configuration.
    #[error("the provider `{name}` was passed to the builder but is not configured")]
    NotConfigured {
        /// Its name.
        name: String,
    },
    /// A route names an unknown provider.
    #[error("the route for `{model}` names `{provider}`, which is not a configured provider")]
    Route {
        /// The route's model.
        model: String,
        /// The provider that it names.
        provider: String,
    },
    /// The environment variable with a provider's key is not set.
    #[error("the provider `{provider}` needs its key in `{variable}`, which is not set")]
    NoKey {
        /// The provider's name.
        provider: String,
        /// The environment variable.
        variable: String,
    },
    /// The client of a provider can't be built from its configuration.
    #[error("the provider `{provider}` can't be set up: {cause}")]
    Provider {
        /// The provider's name.
        provider: String,
        /// What is wrong.
        cause: String,
    },
}
