//! Outcome of a request.

use std::borrow::Cow;

/// The status and the stable code that a request was answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The HTTP status.
    pub status: u16,
    /// `ok`, or the code of the error table.
    pub code: Cow<'static, str>,
}

impl Outcome {
    /// It was done, or shown.
    #[must_use]
    pub const fn ok(status: u16) -> Self {
        Self { status, code: Cow::Borrowed("ok") }
    }

    /// It may be done now, outside the database; how it ends has a row of its own.
    #[must_use]
    pub const fn authorised() -> Self {
        Self { status: 202, code: Cow::Borrowed("authorised") }
    }

    /// It was refused, or failed.
    #[must_use]
    pub fn refused(status: u16, code: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code: code.into() }
    }

    /// Whether the caller did not get what was asked for.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        self.status >= 400
    }
}
