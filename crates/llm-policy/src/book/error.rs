//! Why a file of prices is refused.

/// A file of prices that can't be taken. Nothing of it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// It is not TOML, or not JSON where that is expected.
    #[error("the prices can't be read: {0}")]
    Syntax(String),
    /// It is not a list of `[[price]]` tables.
    #[error("{0}; a file of prices takes `[[price]]` tables and nothing else")]
    Shape(String),
    /// One entry is wrong.
    #[error("price of {entry}: {what}")]
    Entry {
        /// The provider and the model, or the number of the table.
        entry: String,
        /// What is wrong, and what is taken.
        what: String,
    },
    /// The day of an import is no date.
    #[error("`{0}` is no date; it takes a day such as `2026-11-21`")]
    Date(String),
    /// The version can't be computed.
    #[error("the version of the price book can't be computed: {0}")]
    Version(String),
}
