//! Error of a use case, as the HTTP layer answers it.

use api_types::Code;
use audit::Outcome;
use registry_core::RuleError;
use serde_json::{Value, json};
use storage::StoreError;

/// Error of a use case. `message` is for the caller; `cause` is for the log alone.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ServiceError {
    /// Stable code.
    pub code: Code,
    /// What happened and what to do, for the caller.
    pub message: String,
    /// Further facts for programs.
    pub details: Option<Value>,
    /// Seconds after which a retry makes sense.
    pub retry_after: Option<u64>,
    /// Further facts for the log.
    pub cause: Option<String>,
}

/// Seconds after which to retry a write that found the store busy or locked.
const STORE_RETRY_SECONDS: u64 = 1;

/// Seconds after which to retry while writes are stopped, which only an operator ends.
const STOPPED_RETRY_SECONDS: u64 = 30;

impl ServiceError {
    /// Creates a refusal: what happened, and the advice of the code.
    #[must_use]
    pub fn new(code: Code, what: impl AsRef<str>) -> Self {
        let message = format!("{}: {}", what.as_ref(), code.hint());
        Self { code, message, details: None, retry_after: None, cause: None }
    }

    /// Adds facts for programs.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// Sets when to retry.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Returns the outcome for the audit log.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome::refused(self.code.status(), self.code.as_str())
    }

    /// No intent has this id.
    #[must_use]
    pub fn intent_not_found(id: &str) -> Self {
        Self::new(Code::IntentNotFound, format!("there is no intent `{}`", short(id)))
    }

    /// No key has this id.
    #[must_use]
    pub fn key_not_found() -> Self {
        Self::new(Code::KeyNotFound, "there is no such key")
    }
}

/// Cuts a caller's text, so that a message stays readable.
pub(crate) fn short(text: &str) -> String {
    if text.chars().count() <= 80 {
        text.to_owned()
    } else {
        text.chars().take(77).chain("...".chars()).collect()
    }
}

impl From<RuleError> for ServiceError {
    fn from(error: RuleError) -> Self {
        let code = match &error {
            RuleError::OwnerAndTicketRequired(_) => Code::OwnerAndTicketRequired,
            RuleError::IllegalTransition { .. } => Code::IllegalTransition,
            RuleError::Field { .. }
            | RuleError::Line(_)
            | RuleError::RouteWord(_)
            | RuleError::RawTooLarge(_)
            | RuleError::UnknownStatus(_)
            | RuleError::StatusCleared => Code::InvalidField,
        };
        let details = match &error {
            RuleError::IllegalTransition { from, .. } => {
                let allowed: Vec<_> = from.successors().iter().map(|s| s.as_str()).collect();
                Some(json!({ "from": from.as_str(), "allowed": allowed }))
            }
            RuleError::Field { field, .. } => Some(json!({ "field": field })),
            _ => None,
        };
        Self { details, ..Self::new(code, error.to_string()) }
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Busy => Code::StoreBusy,
            StoreError::DeadlineExceeded => Code::DeadlineExceeded,
            StoreError::NoReader => Code::ServerBusy,
            StoreError::Locked => Code::StoreLocked,
            StoreError::Closed => Code::ShuttingDown,
            StoreError::Full | StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_) => {
                Code::StoreUnavailable
            }
            StoreError::AuditBroken(_) => Code::AuditBroken,
            StoreError::Invariant(_)
            | StoreError::Corrupt { .. }
            | StoreError::Panicked(_)
            | StoreError::Gone => Code::Internal,
        };
        let what = match &error {
            StoreError::Busy => "too many writes wait",
            StoreError::DeadlineExceeded => "it took more of the database's time than one request may",
            StoreError::NoReader => "too many reads wait",
            StoreError::Locked => "another process holds the database",
            StoreError::Closed => "the server is stopping",
            StoreError::Full => "the database has no space left",
            StoreError::OutcomeUnknown(_) => "it is not known whether the write is on disk",
            StoreError::Unavailable(_) => "the database can't be used now",
            StoreError::AuditBroken(_) => {
                "nothing is written, because the audit log or the schema was changed"
            }
            StoreError::Invariant(_)
            | StoreError::Corrupt { .. }
            | StoreError::Panicked(_)
            | StoreError::Gone => "the request failed inside the server",
        };
        let retry_after = match code {
            // Sent again unchanged, a request that took too long takes too long again.
            Code::DeadlineExceeded => None,
            Code::AuditBroken => Some(STOPPED_RETRY_SECONDS),
            _ => (code.status() == 503).then_some(STORE_RETRY_SECONDS),
        };
        Self { cause: Some(error.to_string()), retry_after, ..Self::new(code, what) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_repeat_cannot_mend_is_500_without_a_time_to_come_again() {
        let row = || StoreError::Corrupt {
            table: "llm_holds",
            column: "rates",
            row: "h-1".to_owned(),
            problem: "EOF".to_owned(),
        };
        let cases = [
            (StoreError::Invariant("x".to_owned()), Code::Internal, None),
            (row(), Code::Internal, None),
            (StoreError::Panicked("x".to_owned()), Code::Internal, None),
            (StoreError::Unavailable("x".to_owned()), Code::StoreUnavailable, Some(1)),
            (StoreError::Locked, Code::StoreLocked, Some(1)),
        ];
        for (error, code, retry_after) in cases {
            let told = ServiceError::from(error);
            assert_eq!((told.code, told.retry_after), (code, retry_after));
        }
        let cause = ServiceError::from(row()).cause.unwrap();
        assert!(cause.contains("`llm_holds.rates` of row `h-1`"), "{cause}");
    }
}
