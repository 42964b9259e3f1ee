//! Outcome of a request.

use std::borrow::Cow;

/// HTTP status and stable code of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// HTTP status.
    pub status: u16,
    /// `ok`, or the code of the error table.
    pub code: Cow<'static, str>,
}

impl Outcome {
    /// The request succeeded.
    #[must_use]
    pub const fn ok(status: u16) -> Self {
        Self { status, code: Cow::Borrowed("ok") }
    }

    /// It may be done now, outside the database; its end gets another row.
    #[must_use]
    pub const fn authorised() -> Self {
        Self { status: 202, code: Cow::Borrowed("authorised") }
    }

    /// It was refused, or failed.
    #[must_use]
    pub fn refused(status: u16, code: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code: code.into() }
    }

    /// Whether the caller did not get what it asked for.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        self.status >= 400
    }
}
