//! Conversion of a ledger's refusal into an error of the API.

use api_types::Code;
use llm_policy::{LedgerError, LedgerTrouble, LostRight, Shortfall};
use registry_core::{Timestamp, pico_to_dollars};
use serde_json::json;
use storage::StoreError;

use super::budgets::LlmRules;
use crate::context::AgentCaller;
use crate::error::{ServiceError, short};

/// Seconds after which to retry when the ledger could not be written.
const RETRY_SECONDS: u64 = 1;

/// A storage error.
#[expect(clippy::needless_pass_by_value, reason = "it is the argument of `map_err`")]
pub(super) fn unavailable(error: StoreError) -> LedgerError {
    let trouble = match &error {
        StoreError::Busy => LedgerTrouble::Busy,
        StoreError::NoReader => LedgerTrouble::NoReader,
        StoreError::Locked => LedgerTrouble::Locked,
        StoreError::DeadlineExceeded => LedgerTrouble::TooSlow,
        StoreError::Closed => LedgerTrouble::Stopping,
        StoreError::AuditBroken(_) => LedgerTrouble::WritesStopped,
        StoreError::Invariant(_)
        | StoreError::Corrupt { .. }
        | StoreError::Panicked(_)
        | StoreError::Gone => LedgerTrouble::Broken,
        StoreError::Full | StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_) => LedgerTrouble::Other,
    };
    LedgerError::Unavailable { trouble, cause: error.to_string() }
}

/// Code of a ledger's trouble. A retry does not help when it is not 503.
fn code_of_trouble(trouble: LedgerTrouble) -> Code {
    match trouble {
        LedgerTrouble::Busy => Code::StoreBusy,
        LedgerTrouble::NoReader => Code::ServerBusy,
        LedgerTrouble::Locked => Code::StoreLocked,
        LedgerTrouble::TooSlow => Code::DeadlineExceeded,
        LedgerTrouble::Stopping => Code::ShuttingDown,
        LedgerTrouble::WritesStopped => Code::AuditBroken,
        LedgerTrouble::Broken => Code::Internal,
        LedgerTrouble::Other => Code::StoreUnavailable,
    }
}

/// Code of a refusal.
pub(super) fn code_of(error: &LedgerError) -> Code {
    match error {
        LedgerError::Quota(_) => Code::InsufficientQuota,
        LedgerError::NotPriced { .. } => Code::ModelNotPriced,
        LedgerError::AboveCap { .. } => Code::MaxTokensAboveCap,
        // A newer registry may have a code that this one does not know.
        LedgerError::NoRight(lost) => Code::parse(&lost.code).unwrap_or(Code::InvalidKey),
        LedgerError::CallExists => Code::CallExists,
        LedgerError::UnknownHold => Code::HoldNotFound,
        LedgerError::Settled => Code::HoldSettled,
        LedgerError::Uncountable => Code::PartNotPriced,
        LedgerError::Unavailable { trouble, .. } => code_of_trouble(*trouble),
    }
}

impl From<LedgerError> for ServiceError {
    /// Without the time at which a budget's next window begins: [`LlmRules::refusal`] knows it.
    fn from(error: LedgerError) -> Self {
        let code = code_of(&error);
        match error {
            LedgerError::Quota(shortfall) => quota(&shortfall),
            LedgerError::NotPriced { ref provider, ref model } => {
                let details = json!({ "provider": short(provider), "model": short(model) });
                let what = format!("`{}` of `{}` has no price", short(model), short(provider));
                Self::new(code, what).with_details(details)
            }
            LedgerError::AboveCap { cap, .. } => {
                Self::new(code, error.to_string()).with_details(json!({ "cap": cap }))
            }
            LedgerError::Unavailable { cause, .. } => {
                let what = "the budget can't be booked now, so no call is made";
                let retry_after = (code.status() == 503).then_some(RETRY_SECONDS);
                Self { cause: Some(cause), retry_after, ..Self::new(code, what) }
            }
            LedgerError::NoRight(lost) => {
                let LostRight { message, details, retry_after, .. } = *lost;
                Self { code, message, details, retry_after, cause: None }
            }
            LedgerError::CallExists
            | LedgerError::UnknownHold
            | LedgerError::Settled
            | LedgerError::Uncountable => Self::new(code, error.to_string()),
        }
    }
}

impl From<ServiceError> for LedgerError {
    /// Returns the refusal of a caller that has lost its right.
    fn from(refusal: ServiceError) -> Self {
        Self::NoRight(Box::new(refusal.into()))
    }
}

impl From<ServiceError> for LostRight {
    fn from(refusal: ServiceError) -> Self {
        let ServiceError { code, message, details, retry_after, .. } = refusal;
        Self { code: code.as_str().to_owned(), message, details, retry_after }
    }
}

fn quota(shortfall: &Shortfall) -> ServiceError {
    let Shortfall { account, limit_pico_usd, remaining_pico_usd, needed_pico_usd } = shortfall;
    let (remaining, needed) = (pico_to_dollars(*remaining_pico_usd), pico_to_dollars(*needed_pico_usd));
    let what = format!(
        "the call may cost ${needed}, the {} budget of `{}` has ${remaining} left in {}",
        account.scope.as_str(),
        short(&account.id),
        account.window_id
    );
    ServiceError::new(Code::InsufficientQuota, what).with_details(json!({
        "scope": account.scope.as_str(),
        "id": account.id,
        "window": account.window.as_str(),
        "window_id": account.window_id,
        "limit_usd": pico_to_dollars(*limit_pico_usd),
        "remaining_usd": remaining,
        "needed_usd": needed,
        "limit_pico_usd": limit_pico_usd,
        "remaining_pico_usd": remaining_pico_usd,
        "needed_pico_usd": needed_pico_usd,
    }))
}

impl LlmRules {
    /// Converts a ledger's refusal. A refusal for lack of budget says when to retry, if the call would fit the next
    /// window.
    #[must_use]
    pub fn refusal(&self, caller: &AgentCaller, now: Timestamp, error: LedgerError) -> ServiceError {
        let seconds = match &error {
            LedgerError::Quota(shortfall) => self.next_window_seconds(caller, now, shortfall),
            LedgerError::NotPriced { .. }
            | LedgerError::AboveCap { .. }
            | LedgerError::NoRight(_)
            | LedgerError::CallExists
            | LedgerError::UnknownHold
            | LedgerError::Settled
            | LedgerError::Uncountable
            | LedgerError::Unavailable { .. } => None,
        };
        let refusal = ServiceError::from(error);
        match seconds {
            Some(seconds) => refusal.with_retry_after(seconds),
            None => refusal,
        }
    }

    fn next_window_seconds(&self, caller: &AgentCaller, now: Timestamp, short: &Shortfall) -> Option<u64> {
        if short.needed_pico_usd > short.limit_pico_usd {
            return None;
        }
        let bounds = self.bounds(caller.key(), now);
        let bound = bounds.iter().find(|bound| bound.account == short.account)?;
        let micros = u64::try_from(bound.span.ends_at.since(now)).unwrap_or(0);
        Some(micros.div_ceil(1_000_000).max(1))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use api_keys::Scope;
    use llm_policy::{AccountKey, BudgetScope, WindowKind};

    use super::super::testing::{key, rule, rules};
    use super::*;
    use crate::auth::KeyRights;

    #[test]
    fn the_stores_trouble_keeps_its_code_and_comes_as_503() {
        let cases = [
            (StoreError::Busy, Code::StoreBusy),
            (StoreError::Locked, Code::StoreLocked),
            (StoreError::Closed, Code::ShuttingDown),
            (StoreError::NoReader, Code::ServerBusy),
            (StoreError::DeadlineExceeded, Code::DeadlineExceeded),
            (StoreError::AuditBroken("x".to_owned()), Code::AuditBroken),
            (StoreError::Full, Code::StoreUnavailable),
            (StoreError::OutcomeUnknown("x".to_owned()), Code::StoreUnavailable),
        ];
        for (error, code) in cases {
            let told = ServiceError::from(unavailable(error));
            assert_eq!((told.code, told.code.status(), told.retry_after), (code, 503, Some(1)));
        }
        for error in [StoreError::Invariant("x".to_owned()), StoreError::Panicked("x".to_owned())] {
            let told = ServiceError::from(unavailable(error));
            assert_eq!((told.code, told.code.status(), told.retry_after), (Code::Internal, 500, None));
        }
        // The words of a cause decide nothing.
        let cause = "store_busy: timeout".to_owned();
        let foreign = LedgerError::Unavailable { trouble: LedgerTrouble::Other, cause };
        assert_eq!(ServiceError::from(foreign).code, Code::StoreUnavailable);
    }

    fn shortfall(
        scope: BudgetScope,
        id: &str,
        window: WindowKind,
        window_id: &str,
        needed: i64,
    ) -> LedgerError {
        let account = AccountKey { scope, id: id.to_owned(), window, window_id: window_id.to_owned() };
        LedgerError::Quota(Box::new(Shortfall {
            account,
            limit_pico_usd: 10,
            remaining_pico_usd: 3,
            needed_pico_usd: needed,
        }))
    }

    #[test]
    fn a_refusal_for_want_of_budget_says_when_the_next_window_begins() {
        let rules = rules(vec![rule(BudgetScope::Owner, "team", WindowKind::Month, 10)]);
        let caller = AgentCaller(KeyRights::new(Arc::new(key(10)), key(10).mac, Scope::LlmCall, None));
        let now = Timestamp::parse("2026-11-30T23:59:00.5Z").unwrap();
        let day =
            |needed| shortfall(BudgetScope::Key, "t4_000000000001", WindowKind::Day, "2026-11-30", needed);
        assert_eq!(rules.refusal(&caller, now, day(10)).retry_after, Some(60));
        assert_eq!(rules.refusal(&caller, now, day(11)).retry_after, None, "it fits no window at all");
        let earlier = now.plus_days(-1);
        let month = shortfall(BudgetScope::Owner, "team", WindowKind::Month, "2026-11", 10);
        let told = rules.refusal(&caller, earlier, month);
        assert_eq!(told.retry_after, Some(24 * 3600 + 60));
        let details = told.details.unwrap();
        assert_eq!(details["scope"], "owner");
        assert_eq!(details["id"], "team");
        assert_eq!(details["window_id"], "2026-11");
        assert!(details["needed_usd"].as_f64() > details["remaining_usd"].as_f64());
    }
}
