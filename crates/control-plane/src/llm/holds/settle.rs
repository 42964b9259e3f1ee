//! `POST /llm/holds/{id}/settle`: an agent reports what its call used.

use std::sync::Arc;

use api_types::{LlmUsage, SettleHold, SettledView};
use audit::Outcome;
use llm_policy::{CallOutcome, HoldId, Measured, Settlement, Usage, UsageSource};
use storage::{Decided, JobClass};

use super::create::{MOST_TOKENS, invalid};
use crate::auth::SettlingAuthority;
use crate::context::{AgentCaller, OpContext};
use crate::error::ServiceError;
use crate::llm::ledger::hold::Payer;
use crate::llm::ledger::settle::{end_detail, hold_detail, settle};
use crate::llm::views;
use crate::services::Services;

/// Longest id that a provider gives a request, in characters.
const LONGEST_REQUEST_ID: usize = 200;

/// Settles a hold of this agent's key with the numbers that it reports, or at its worst case. The same body again
/// returns the same answer.
///
/// # Errors
/// 404 `hold_not_found`, 409 `hold_settled` for other numbers than before, 422 for a field, 503 for the store.
pub async fn settle_hold(
    services: &Services,
    context: OpContext<AgentCaller>,
    id: HoldId,
    body: SettleHold,
) -> Result<SettledView, ServiceError> {
    let OpContext { caller, at_micros, mut draft, .. } = context;
    let end = settlement(body)?;
    let (rules, payer) = (Arc::clone(&services.llm.rules), Payer::of(services, &caller));
    // The request may have waited: the row states when the money moved.
    let now = services.clock.now();
    draft.set_detail(hold_detail(&id));
    let hold_id = id.clone();
    let class = JobClass::settlement(caller.key_id());
    let authority = SettlingAuthority(caller);
    let write = services.store.write(authority, class, draft, at_micros, move |tx, _| {
        let ended = settle(tx, &rules, &payer, true, &hold_id, &end, now)?;
        let detail = ended.as_ref().ok().map(end_detail);
        let value = ended.map(|ended| ended.settled).map_err(ServiceError::from);
        let outcome = value.as_ref().map_or_else(ServiceError::outcome, |_| Outcome::ok(200));
        Ok(Decided::new(value, outcome).with_detail(detail))
    });
    Ok(views::of_settled(&id, &write.await??))
}

/// Whether an agent may report this outcome of a call that it made itself.
fn of_agents(outcome: CallOutcome) -> bool {
    !matches!(outcome, CallOutcome::Orphan | CallOutcome::Cut)
}

fn settlement(body: SettleHold) -> Result<Settlement, ServiceError> {
    let source = if body.estimated { UsageSource::Estimated } else { UsageSource::Reported };
    let measured = match body.usage {
        None => Measured::WorstCase,
        Some(told) => Measured::Tokens(usage(told)?, source),
    };
    let outcome = match body.outcome.as_deref() {
        None => CallOutcome::Ok,
        Some(word) => CallOutcome::parse(word).filter(|outcome| of_agents(*outcome)).ok_or_else(|| {
            invalid(
                "`outcome` takes `ok`, `provider_error`, `timeout`, `broken`, `bad_answer` or `client_gone`",
            )
        })?,
    };
    if body.provider_status.is_some_and(|status| !(100..=599).contains(&status)) {
        return Err(invalid("`provider_status` takes 100 to 599"));
    }
    if body.provider_request_id.as_ref().is_some_and(|id| id.chars().count() > LONGEST_REQUEST_ID) {
        return Err(invalid(format!("`provider_request_id` takes at most {LONGEST_REQUEST_ID} characters")));
    }
    Ok(Settlement {
        measured,
        outcome,
        provider_status: body.provider_status,
        provider_request_id: body.provider_request_id,
        first_byte_micros: body.first_byte_micros.map(storable),
        total_micros: storable(body.total_micros),
    })
}

/// The largest number that the database can count.
fn storable(micros: u64) -> u64 {
    micros.min(i64::MAX.unsigned_abs())
}

fn usage(told: LlmUsage) -> Result<Usage, ServiceError> {
    let LlmUsage { prompt_tokens, cached_tokens, cache_write_tokens, completion_tokens, reasoning_tokens } =
        told;
    let all = [prompt_tokens, cached_tokens, cache_write_tokens, completion_tokens, reasoning_tokens];
    if all.iter().any(|tokens| *tokens > MOST_TOKENS) {
        return Err(invalid(format!("`usage` takes numbers up to {MOST_TOKENS}")));
    }
    if cached_tokens + cache_write_tokens > prompt_tokens {
        return Err(invalid("`usage.prompt_tokens` includes the cached ones and those written to the cache"));
    }
    if reasoning_tokens > completion_tokens {
        return Err(invalid("`usage.completion_tokens` includes the reasoning ones"));
    }
    Ok(Usage { prompt_tokens, cached_tokens, cache_write_tokens, completion_tokens, reasoning_tokens })
}
