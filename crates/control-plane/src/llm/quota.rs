//! `GET /llm/quota`: what is left of the caller's budgets, and whether a call would be admitted.

use std::sync::Arc;

use api_types::{Code, QuotaView};
use llm_policy::{Account, CallId, Grant, HoldAsk, LedgerError, Operation, OutputWish, decide};
use registry_core::{Timestamp, pico_to_dollars};
use storage::ReadLane;

use super::budgets::BudgetBound;
use super::refusal::unavailable;
use super::views;
use crate::context::AgentCaller;
use crate::error::ServiceError;
use crate::services::Services;

/// Call that might be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PossibleCall {
    /// Provider that would be called.
    pub provider: String,
    /// Provider under whose name the price book lists the model.
    pub priced_as: String,
    /// Model.
    pub model: String,
    /// Maximum of the input, in tokens.
    pub input_tokens: u64,
    /// `max_tokens` of each answer; filled in when absent.
    pub max_tokens: Option<u64>,
    /// Number of answers.
    pub choices: u32,
}

/// Returns the caller's budgets, and whether a call would be admitted now. Nothing is changed.
///
/// # Errors
/// 503 for the store.
pub fn quota(
    services: &Services,
    lane: ReadLane,
    caller: &AgentCaller,
    now: Timestamp,
    question: Option<PossibleCall>,
) -> Result<QuotaView, ServiceError> {
    let fixed = services.auth.static_keys.get(caller.key_id());
    let read = services.store.read_point(lane, |view| {
        let key = match &fixed {
            Some(key) => Some(Arc::clone(key)),
            None => view.key(caller.key_id())?.map(Arc::new),
        };
        let Some(key) = key else { return Ok(Vec::new()) };
        let with_state = |bound: BudgetBound| {
            let state = view.account(&bound.account)?;
            Ok((bound, state))
        };
        services.llm.rules.bounds(&key, now).into_iter().map(with_state).collect()
    });
    let budgets = read.map_err(|error| ServiceError::from(unavailable(error)))?;
    if budgets.is_empty() {
        return Err(ServiceError::new(Code::InvalidKey, "the key is not known"));
    }
    let views = budgets.iter().map(|(bound, state)| views::of_budget(bound, *state)).collect();
    let mut answer = QuotaView {
        would_run: None,
        reason: None,
        cost_bound_usd: None,
        cost_bound_pico_usd: None,
        max_tokens: None,
        provider: None,
        budgets: views,
    };
    let Some(question) = question else { return Ok(answer) };
    let accounts: Vec<_> = budgets
        .into_iter()
        .map(|(bound, state)| Account { key: bound.account, limit_pico_usd: bound.limit_pico_usd, state })
        .collect();
    answer.provider = Some(question.provider.clone());
    match verdict(services, question, &accounts) {
        Ok(Grant { amount_pico_usd, max_tokens }) => {
            answer.would_run = Some(true);
            answer.cost_bound_usd = Some(pico_to_dollars(amount_pico_usd));
            answer.cost_bound_pico_usd = Some(amount_pico_usd);
            answer.max_tokens = max_tokens;
        }
        Err(refusal) => {
            answer.would_run = Some(false);
            if let LedgerError::Quota(short) = &refusal {
                answer.cost_bound_usd = Some(pico_to_dollars(short.needed_pico_usd));
                answer.cost_bound_pico_usd = Some(short.needed_pico_usd);
            }
            let told = services.llm.rules.refusal(caller, now, refusal);
            answer.reason = Some(format!("{}: {}", told.code.as_str(), told.message));
        }
    }
    Ok(answer)
}

fn verdict(services: &Services, question: PossibleCall, accounts: &[Account]) -> Result<Grant, LedgerError> {
    let PossibleCall { provider, priced_as, model, input_tokens, max_tokens, choices } = question;
    let Some(entry) = services.llm.rules.prices.find(&priced_as, &model) else {
        return Err(LedgerError::NotPriced { provider: priced_as, model });
    };
    let output = match (entry.operation, max_tokens) {
        (Operation::Embeddings, _) => OutputWish::Nothing,
        (Operation::Chat, Some(stated)) => OutputWish::Stated(stated),
        (Operation::Chat, None) => OutputWish::Fill,
    };
    let ask = HoldAsk {
        // Nothing is written, so the call needs no id.
        call_id: CallId::from_stored(String::new()),
        attempt: 1,
        operation: entry.operation,
        provider,
        priced_as,
        model,
        input_tokens,
        choices,
        output,
        lease_seconds: services.llm.rules.limits.lease_seconds,
    };
    decide(entry, &ask, services.llm.rules.limits.max_tokens, accounts)
}
