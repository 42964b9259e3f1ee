//! Why a configuration is refused.

/// A configuration of providers and budgets that can't be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not TOML, or a field is not known, missing or of another type.
    #[error("the configuration can't be read: {0}")]
    Syntax(String),
    /// A provider is wrong.
    #[error("provider `{name}`: {what}")]
    Provider {
        /// Its name.
        name: String,
        /// What is wrong, and what is taken.
        what: String,
    },
    /// A route is wrong.
    #[error("route for `{model}`: {what}")]
    Route {
        /// Its model.
        model: String,
        /// What is wrong, and what is taken.
        what: String,
    },
    /// A limit is wrong.
    #[error("`limits.{field}` {what}")]
    Limit {
        /// Its name.
        field: &'static str,
        /// What it takes.
        what: String,
    },
    /// A budget is wrong.
    #[error("budget {budget}: {what}")]
    Budget {
        /// Its number in the file, from 1, with its scope and its id.
        budget: String,
        /// What is wrong, and what is taken.
        what: String,
    },
    /// No provider lists the default model.
    #[error("`defaults.model` is `{0}`, which no provider lists")]
    DefaultModel(String),
}
