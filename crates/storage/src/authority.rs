//! Authority of a write: the caller's right, checked again inside the transaction.
//!
//! A request may wait half a minute between the check of its key and its transaction. INVARIANT: a write happens only
//! under a right that holds when its transaction runs.

use std::convert::Infallible;

use audit::Outcome;

use crate::{StoreError, Tx};

/// Decision of a write. It commits, refusals included; only a storage error rolls back.
#[derive(Debug)]
pub struct Decided<T> {
    /// Value for the caller.
    pub value: T,
    /// Outcome for the record.
    pub outcome: Outcome,
    /// Detail for the record, as JSON text; it replaces the detail of the draft.
    pub detail: Option<String>,
}

impl<T> Decided<T> {
    /// Creates a decision without a detail.
    pub fn new(value: T, outcome: Outcome) -> Self {
        Self { value, outcome, detail: None }
    }

    /// Sets a detail that only the transaction knows.
    #[must_use]
    pub fn with_detail(mut self, detail: Option<String>) -> Self {
        self.detail = detail;
        self
    }
}

/// Right of a caller to make a write. [`confirm`](Self::confirm) is called at the start of every run of the
/// transaction.
pub trait Authority: Send + 'static {
    /// Caller as the transaction sees it.
    type Caller;
    /// Reason why the caller may not act any more.
    type Refusal;

    /// Returns the caller if the right still holds, else the refusal with its outcome for the record. It changes
    /// nothing in the database.
    ///
    /// # Errors
    /// A storage error.
    fn confirm(
        &mut self,
        tx: &mut dyn Tx,
    ) -> Result<Result<&Self::Caller, Decided<Self::Refusal>>, StoreError>;
}

/// Authority of the server itself, which needs no right.
#[derive(Debug, Clone, Copy)]
pub struct PlatformAuthority;

impl Authority for PlatformAuthority {
    type Caller = ();
    type Refusal = Infallible;

    fn confirm(&mut self, _: &mut dyn Tx) -> Result<Result<&(), Decided<Infallible>>, StoreError> {
        Ok(Ok(&()))
    }
}
