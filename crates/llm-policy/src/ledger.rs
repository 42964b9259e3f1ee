//! The seam between a gate and whoever keeps the money.

use std::future::Future;
use std::pin::Pin;

use serde_json::Value;

use crate::usage::words;
use crate::{Held, HoldAsk, HoldId, Settled, Settlement, Shortfall};

/// A boxed future, so that the trait is object safe.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

words! {
    /// Why a hold is given back: the request surely never reached the provider.
    ReleaseReason {
        /// No connection came about.
        NotConnected = "not_connected",
        /// The request was not sent after all.
        NotSent = "not_sent",
    }
}

/// Why a ledger does not do what it was asked. Nothing was changed, unless it says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The worst case does not fit a budget.
    #[error("the call may cost more than what the {} budget of `{}` has left", .0.account.scope.as_str(), .0.account.id)]
    Quota(Box<Shortfall>),
    /// The price book has no price.
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
        /// What was stated.
        stated: u64,
        /// The cap.
        cap: u64,
    },
    /// The caller's key does not give the right any more.
    #[error("{}", .0.message)]
    NoRight(Box<LostRight>),
    /// Another call has this id.
    #[error("another call has this id")]
    CallExists,
    /// There is no such hold of this caller's.
    #[error("there is no such hold")]
    UnknownHold,
    /// The hold was settled or released with other numbers.
    #[error("the hold was settled already")]
    Settled,
    /// The amount can't be counted.
    #[error("the amount is beyond what can be counted")]
    Uncountable,
    /// The ledger can't be written now; it is not known whether it was.
    #[error("the ledger can't be used now: {cause}")]
    Unavailable {
        /// What keeps it from that.
        trouble: LedgerTrouble,
        /// For the log.
        cause: String,
    },
}

/// What keeps a ledger from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerTrouble {
    /// Too many writes wait.
    Busy,
    /// Too many reads wait.
    NoReader,
    /// Another process holds the database.
    Locked,
    /// It took more of the database's time than one request may.
    TooSlow,
    /// The server is stopping.
    Stopping,
    /// Writes are stopped, because the audit log or the schema was changed.
    WritesStopped,
    /// What the ledger keeps can't be read, or does not fit together. A repeat ends in the same way.
    Broken,
    /// Anything else.
    Other,
}

/// Why a caller that was let in may not go on: its key was revoked, has expired, or lost a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostRight {
    /// The stable code of the registry's table.
    pub code: String,
    /// What happened and what to do, for the caller.
    pub message: String,
    /// More facts for programs.
    pub details: Option<Value>,
    /// Seconds after which a repeat makes sense.
    pub retry_after: Option<u64>,
}

/// Keeps the money of one caller. Every answer is durable when it is given.
pub trait Ledger: Send + Sync {
    /// Holds the worst case of an attempt. The very same ask again gives the very same hold.
    fn hold(&self, ask: HoldAsk) -> BoxFuture<'_, Result<Held, LedgerError>>;

    /// Writes what an attempt used, and frees the rest of its hold. The same settlement again gives the same
    /// answer.
    fn settle(&self, hold: HoldId, end: Settlement) -> BoxFuture<'_, Result<Settled, LedgerError>>;

    /// Gives a hold back, without a usage row. The second time changes nothing.
    fn release(&self, hold: HoldId, reason: ReleaseReason) -> BoxFuture<'_, Result<(), LedgerError>>;

    /// Returns when the caller has lost the right to go on with its call. A ledger that does not watch this never does.
    fn right_lost(&self) -> BoxFuture<'_, LostRight> {
        Box::pin(std::future::pending())
    }
}
