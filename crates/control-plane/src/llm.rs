//! Model calls: the ledger of one caller, holds for agents that call a provider themselves, and what the ledger
//! tells.
//!
//! Every change of money is one transaction with its audit row. An account's window is chosen when a hold is made
//! and stays with it; limits are read again each time.

mod abandoned;
mod alerts;
mod budgets;
mod calendar;
mod create_hold;
mod detail;
mod hold;
mod list_holds;
mod list_usage;
mod local_ledger;
mod quota;
mod refusal;
mod release;
mod release_hold;
mod rules;
mod settle;
mod settle_hold;
mod slots;
mod summarize_usage;
#[cfg(test)]
mod testing;
mod views;
mod whose;

pub use abandoned::AbandonedHolds;
pub use create_hold::create_hold;
pub use list_holds::list_holds;
pub use list_usage::list_usage;
pub use local_ledger::LocalLedger;
pub use quota::{QuotaQuestion, quota};
pub use release_hold::release_hold;
pub use rules::LlmRules;
pub use settle_hold::settle_hold;
pub use slots::{CallSlots, Slot};
pub use summarize_usage::{GroupBy, summarize_usage};
pub use whose::Whose;

pub(crate) use calendar::zone_or_utc;
pub(crate) use detail::of_end;
pub(crate) use settle::settle_orphan;
