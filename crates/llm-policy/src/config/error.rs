//! Errors of the configuration file.

/// Reason why a configuration of providers and budgets is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file is not valid TOML, or a field is unknown, missing or of the wrong type.
    #[error("the configuration can't be parsed: {0}")]
    Syntax(String),
    /// A provider is invalid.
    #[error("provider `{name}`: {what}")]
    Provider {
        /// Its name.
        name: String,
        /// The problem, and what is accepted.
        what: String,
    },
    /// A route is invalid.
    #[error("route for `{model}`: {what}")]
    Route {
        /// Its model.
        model: String,
        /// The problem, and what is accepted.
        what: String,
    },
    /// A limit is out of range.
    #[error("`limits.{field}` {what}")]
    Limit {
        /// Its name.
        field: &'static str,
        /// The accepted range.
        what: String,
    },
    /// A budget is invalid.
    #[error("budget {budget}: {what}")]
    Budget {
        /// Its number in the file, from 1, and its scope.
        budget: String,
        /// The problem, and what is accepted.
        what: String,
    },
    /// No provider lists the default model.
    #[error("`defaults.model` is `{0}`, which no provider lists")]
    DefaultModel(String),
}
