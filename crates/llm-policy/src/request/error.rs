//! Why a request is not taken.

/// Why a request is not taken. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A field has no form that can be understood.
    #[error("`{param}` {what}")]
    Invalid {
        /// Where, such as `messages[2].content`.
        param: String,
        /// What it must be.
        what: String,
    },
    /// A part of it is billed by something else than the model's tokens, or its tokens can't be bounded.
    #[error("`{param}` can't be priced: {what}")]
    NotPriced {
        /// Where, such as `tools[0].type`.
        param: String,
        /// Why.
        what: String,
    },
}

impl RequestError {
    pub(super) fn invalid(param: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Invalid { param: param.into(), what: what.into() }
    }

    pub(super) fn not_priced(param: impl Into<String>, what: impl Into<String>) -> Self {
        Self::NotPriced { param: param.into(), what: what.into() }
    }
}
