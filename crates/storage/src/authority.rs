//! Authority of a write: the caller's right, checked again inside the transaction.
//!
//! A request may wait half a minute between the check of its key and its transaction. INVARIANT: a write happens only
//! under a right that holds when its transaction runs.

use std::convert::Infallible;

use audit::Outcome;

use crate::{StoreError, Tx};

/// What a write decided. It commits, refusals included; only storage trouble rolls back.
#[derive(Debug)]
pub struct Decided<T> {
    /// For the caller.
    pub value: T,
    /// For the record.
    pub outcome: Outcome,
    /// What the record says besides, as JSON text; it takes the place of what the draft says.
    pub detail: Option<String>,
}

impl<T> Decided<T> {
    /// A decision of which the record says no more than its outcome.
    pub fn new(value: T, outcome: Outcome) -> Self {
        Self { value, outcome, detail: None }
    }

    /// Adds what only the transaction knows.
    #[must_use]
    pub fn with_detail(mut self, detail: Option<String>) -> Self {
        self.detail = detail;
        self
    }
}

/// Who makes a write. [`confirm`](Self::confirm) is called at the start of every run of the transaction.
pub trait Authority: Send + 'static {
    /// The caller as the transaction sees it.
    type Caller;
    /// Why the caller may not act any more.
    type Refusal;

    /// The caller, if the right still holds; else the refusal with its outcome for the record. It changes nothing in
    /// the database.
    ///
    /// # Errors
    /// Storage trouble.
    fn confirm(
        &mut self,
        tx: &mut dyn Tx,
    ) -> Result<Result<&Self::Caller, Decided<Self::Refusal>>, StoreError>;
}

/// The platform itself, which needs no right.
#[derive(Debug, Clone, Copy)]
pub struct PlatformAuthority;

impl Authority for PlatformAuthority {
    type Caller = ();
    type Refusal = Infallible;

    fn confirm(&mut self, _: &mut dyn Tx) -> Result<Result<&(), Decided<Infallible>>, StoreError> {
        Ok(Ok(&()))
    }
}
