//! Use cases of model calls: the ledger for one caller, holds for agents that call a provider themselves, and reads
//! of the ledger.
//!
//! Every change of money is one transaction with its audit row. The time window of an account is chosen when a hold
//! is made and stays with the hold. Limits are read again each time.

mod budgets;
mod calendar;
mod call_slots;
mod holds;
mod ledger;
mod quota;
mod refusal;
mod running_calls;
#[cfg(test)]
mod testing;
mod usage;
mod views;

pub use budgets::LlmRules;
pub use call_slots::{CallSlot, CallSlots};
pub use holds::{create_hold, list_holds, release_hold, settle_hold};
pub use ledger::{AbandonedHolds, LocalLedger};
pub use quota::{PossibleCall, quota};
pub use running_calls::RunningCalls;
pub use usage::{Whose, list_usage, summarize_usage};

pub(crate) use calendar::zone_or_utc;
pub(crate) use ledger::settle::{end_detail, settle_orphan};
pub(crate) use running_calls::ReadKeys;
