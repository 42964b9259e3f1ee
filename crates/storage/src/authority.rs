//! The authority of a write: who makes it, confirmed inside its transaction.
//!
//! A request may take half a minute between the check of its key and its transaction. INVARIANT: a write acts only
//! under a right that holds when its transaction runs.

use std::convert::Infallible;

use crate::{Decided, StoreError, Tx};

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
