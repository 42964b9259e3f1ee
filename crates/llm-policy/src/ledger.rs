//! The ledger as the gate sees it. The registry implements the trait on its database, a remote client over HTTP.

use std::future::Future;
use std::pin::Pin;

use serde_json::Value;

use crate::usage::words;
use crate::{Held, HoldAsk, HoldId, Settled, Settlement, Shortfall};

/// A boxed future, which keeps [`Ledger`] dyn-compatible.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

words! {
    /// Reason why a hold is released. In each case the request surely never reached the provider.
    ReleaseReason {
        /// No connection was made.
        NotConnected = "not_connected",
        /// The request was not sent.
        NotSent = "not_sent",
    }
}

/// Reason why a ledger refuses a request. Nothing was changed unless the variant says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The worst case does not fit a budget.
    #[error("the call may cost more than the {} budget of `{}` has left", .0.account.scope.as_str(), .0.account.id)]
    Quota(Box<Shortfall>),
    /// The price book has no price for the model.
    #[error("`{model}` of `{provider}` has no price")]
    NotPriced {
        /// The provider's name in the book.
        provider: String,
        /// The model.
        model: String,
    },
    /// The caller's `max_tokens` is above the cap.
    #[error("`max_tokens` is {stated}, the cap is {cap}")]
    AboveCap {
        /// The caller's `max_tokens`.
        stated: u64,
        /// The cap.
        cap: u64,
    },
    /// The caller's key no longer has the right to make calls.
    #[error("{}", .0.message)]
    NoRight(Box<LostRight>),
    /// Another call has this id.
    #[error("another call has this id")]
    CallExists,
    /// The caller has no hold with this id.
    #[error("there is no such hold")]
    UnknownHold,
    /// The hold was already settled with other numbers, or released.
    #[error("the hold was already settled or released")]
    Settled,
    /// The cost does not fit into the range of amounts.
    #[error("the cost is too large to be counted")]
    Uncountable,
    /// The ledger can't be written now. The change may or may not have been stored.
    #[error("the ledger is unavailable: {cause}")]
    Unavailable {
        /// The kind of trouble.
        trouble: LedgerTrouble,
        /// Details for the log.
        cause: String,
    },
}

/// Reason why a ledger is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerTrouble {
    /// Too many writes are waiting.
    Busy,
    /// Too many reads are waiting.
    NoReader,
    /// Another process has locked the database.
    Locked,
    /// The request exceeded the database time that one request may use.
    TooSlow,
    /// The server is stopping.
    Stopping,
    /// Writes are stopped because the audit log or the schema was modified outside the server.
    WritesStopped,
    /// The stored data can't be read or is inconsistent. A retry fails as well.
    Broken,
    /// Any other reason.
    Other,
}

/// Reason why an admitted caller may not continue: its key was revoked, has expired, or lost a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostRight {
    /// The stable error code of the registry.
    pub code: String,
    /// What happened and what to do, for the caller.
    pub message: String,
    /// Further facts, for programs.
    pub details: Option<Value>,
    /// Seconds after which a retry makes sense.
    pub retry_after: Option<u64>,
}

/// The holds and settlements of one caller. Changes are durable before a method returns.
pub trait Ledger: Send + Sync {
    /// Holds the worst-case cost of an attempt. Repeating an identical request returns the same hold.
    fn hold(&self, ask: HoldAsk) -> BoxFuture<'_, Result<Held, LedgerError>>;

    /// Records the usage of an attempt and frees the rest of its hold. Repeating an identical settlement returns the
    /// same answer.
    fn settle(&self, hold: HoldId, end: Settlement) -> BoxFuture<'_, Result<Settled, LedgerError>>;

    /// Releases a hold without a usage row. Repeating it changes nothing.
    fn release(&self, hold: HoldId, reason: ReleaseReason) -> BoxFuture<'_, Result<(), LedgerError>>;

    /// Completes when the caller loses the right to continue its call. The default never completes; it is for ledgers
    /// that do not watch rights.
    fn right_lost(&self) -> BoxFuture<'_, LostRight> {
        Box::pin(std::future::pending())
    }
}
