//! What holds for every model call of this server.

use llm_policy::{BudgetRule, CallLimits, PriceBook};

use super::calendar::Calendar;

/// Prices, caps and budgets.
#[derive(Debug)]
pub struct LlmRules {
    /// What tokens cost.
    pub prices: PriceBook,
    /// Caps.
    pub limits: CallLimits,
    /// Budgets beside each key's own.
    pub budgets: Vec<BudgetRule>,
    /// Whether prompts are kept in the audit log.
    pub keep_prompts: bool,
    /// This server's name for the leases of its holds; another one after each start.
    pub holder: String,
    pub(super) calendar: Calendar,
}

impl LlmRules {
    /// The rules of a server.
    #[must_use]
    pub fn new(
        prices: PriceBook,
        limits: CallLimits,
        budgets: Vec<BudgetRule>,
        keep_prompts: bool,
        holder: String,
    ) -> Self {
        Self { prices, limits, budgets, keep_prompts, holder, calendar: Calendar::default() }
    }
}
