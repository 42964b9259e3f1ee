//! Why a gate can't be built.

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
