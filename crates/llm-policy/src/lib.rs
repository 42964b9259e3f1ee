//! Prices of model calls, and the arithmetic that keeps their cost within budgets.
//!
//! This crate owns prices, upper bounds of token counts, calendar windows, the arithmetic of holds and settlements,
//! the configuration of providers and budgets, and the [`Ledger`] trait. It uses no network, no storage and no clock:
//! callers pass in the time. Money is counted in integer pico-dollars (10⁻¹² $) and tokens in integers, so results
//! are exact.

mod account;
mod alerts;
mod ask;
mod book;
mod charge;
mod config;
mod count;
mod decide;
mod ids;
mod import;
mod ledger;
mod rates;
mod request;
mod usage;
mod window;

pub use account::{Account, AccountKey, AccountState, BudgetScope, Shortfall, WindowKind, fits};
pub use alerts::{ALERT_PERCENTS, crossed};
pub use ask::{
    BudgetState, Grant, Held, HoldAsk, Measured, Operation, OutputWish, Quote, Settled, Settlement,
};
pub use book::{BookError, Encoding, PriceBook, PriceEntry};
pub use charge::{Charge, HeldTerms};
pub use config::{
    BudgetRule, CallLimits, ConfigError, GroqKey, LlmConfig, OpenaiKey, ProviderConfig, ProviderKind,
    RouteConfig,
};
pub use count::{count_text, cut_text};
pub use decide::decide;
pub use ids::{CallId, HoldId};
pub use import::{ChangedPrice, PriceImport, RefusedModel, import_litellm};
pub use ledger::{BoxFuture, Ledger, LedgerError, LedgerTrouble, LostRight, ReleaseReason};
pub use rates::{LongRates, Rates};
pub use request::{RequestError, RequestShape, read_chat, read_embeddings};
pub use usage::{CallOutcome, Usage, UsageSource};
pub use window::{CalendarWindow, UnknownZone, Zone};
