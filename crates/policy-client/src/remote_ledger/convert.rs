//! The API's words for what a ledger is asked and answers.

use api_types::{CreateHold, HoldView, LlmRates, LlmUsage, ReleaseHold, SettleHold, SettledView};
use llm_policy::{
    AccountKey, BudgetScope, Held, HoldAsk, HoldId, LedgerError, LedgerTrouble, LongRates, LostRight,
    Measured, OutputWish, Rates, ReleaseReason, Settled, Settlement, Shortfall, Usage, UsageSource,
    WindowKind,
};
use registry_core::{MoneyError, Timestamp, dollars_to_pico};
use serde::Deserialize;
use serde_json::Value;

use crate::Error;

pub(super) fn create_hold(ask: &HoldAsk, lease_seconds: u32) -> CreateHold {
    CreateHold {
        call_id: Some(ask.call_id.as_str().to_owned()),
        attempt: Some(ask.attempt),
        operation: Some(ask.operation.as_str().to_owned()),
        provider: ask.priced_as.clone(),
        model: ask.model.clone(),
        input_tokens: ask.input_tokens,
        max_tokens: match ask.output {
            OutputWish::Stated(max_tokens) => Some(max_tokens),
            OutputWish::Nothing | OutputWish::Fill => None,
        },
        choices: Some(ask.choices),
        lease_seconds: Some(lease_seconds),
    }
}

pub(super) fn held(view: HoldView) -> Result<Held, LedgerError> {
    let lease_until = Timestamp::parse(&view.lease_until).map_err(|_| unreadable("the lease's end"))?;
    Ok(Held {
        hold_id: HoldId::from_stored(view.hold_id),
        rates: rates(&view.rates).ok_or_else(|| unreadable("the prices of long calls"))?,
        price_version: view.price_version,
        amount_pico_usd: view.held_pico_usd,
        max_tokens: view.max_tokens,
        remaining_pico_usd: view.remaining_pico_usd,
        lease_until,
    })
}

/// `None` when the prices of long calls are not all there.
fn rates(view: &LlmRates) -> Option<Rates> {
    let long = match view.long_above {
        None => None,
        Some(above) => Some(LongRates {
            above,
            input: view.long_input?,
            cached_input: view.long_cached_input?,
            cache_write: view.long_cache_write?,
            output: view.long_output?,
        }),
    };
    Some(Rates {
        input: view.input,
        cached_input: view.cached_input,
        cache_write: view.cache_write,
        output: view.output,
        long,
    })
}

pub(super) fn settle_hold(end: Settlement) -> SettleHold {
    let (usage, estimated) = match end.measured {
        Measured::WorstCase => (None, false),
        Measured::Tokens(usage, source) => {
            let estimated = match source {
                UsageSource::Provider | UsageSource::Reported => false,
                UsageSource::Estimated | UsageSource::WorstCase => true,
            };
            (Some(told(usage)), estimated)
        }
    };
    SettleHold {
        usage,
        estimated,
        outcome: Some(end.outcome.as_str().to_owned()),
        provider_status: end.provider_status,
        provider_request_id: end.provider_request_id,
        first_byte_micros: end.first_byte_micros,
        total_micros: end.total_micros,
    }
}

fn told(usage: Usage) -> LlmUsage {
    LlmUsage {
        prompt_tokens: usage.prompt_tokens,
        cached_tokens: usage.cached_tokens,
        cache_write_tokens: usage.cache_write_tokens,
        completion_tokens: usage.completion_tokens,
        reasoning_tokens: usage.reasoning_tokens,
    }
}

pub(super) fn settled(view: &SettledView) -> Result<Settled, LedgerError> {
    let LlmUsage { prompt_tokens, cached_tokens, cache_write_tokens, completion_tokens, reasoning_tokens } =
        view.usage;
    Ok(Settled {
        cost_pico_usd: view.cost_pico_usd,
        usage: Usage {
            prompt_tokens,
            cached_tokens,
            cache_write_tokens,
            completion_tokens,
            reasoning_tokens,
        },
        source: UsageSource::parse(&view.source).ok_or_else(|| unreadable("the source of the numbers"))?,
        overrun: view.overrun,
        remaining_pico_usd: view.remaining_pico_usd,
    })
}

pub(super) fn release_hold(reason: ReleaseReason) -> ReleaseHold {
    ReleaseHold { reason: Some(reason.as_str().to_owned()) }
}

/// The facts of `insufficient_quota`.
#[derive(Deserialize)]
struct QuotaDetails {
    scope: BudgetScope,
    id: String,
    window: WindowKind,
    window_id: String,
    limit_usd: f64,
    remaining_usd: f64,
    needed_usd: f64,
    limit_pico_usd: Option<i64>,
    remaining_pico_usd: Option<i64>,
    needed_pico_usd: Option<i64>,
}

/// The exact amount where it is told, else what the dollars come to. Dollars that are too many to be counted are the
/// largest amount that can be.
fn amount(exact_pico_usd: Option<i64>, dollars: f64) -> i64 {
    exact_pico_usd.unwrap_or_else(|| match dollars_to_pico(dollars) {
        Ok(pico_usd) => pico_usd,
        Err(MoneyError::TooMuch(_)) => i64::MAX,
        Err(MoneyError::NotANumber | MoneyError::Negative(_)) => 0,
    })
}

/// Why the key gives no right, in the registry's own words.
pub(super) fn lost_right(error: &Error) -> LedgerError {
    match error {
        Error::Api { code: Some(code), message, details, .. } => LedgerError::NoRight(Box::new(LostRight {
            code: code.as_str().to_owned(),
            message: message.clone(),
            details: details.as_deref().cloned(),
            retry_after: None,
        })),
        _ => unreadable("the refusal"),
    }
}

/// Which budget the call does not fit, when the refusal says so.
pub(super) fn shortfall(error: &Error) -> Option<Shortfall> {
    let told = QuotaDetails::deserialize(details(error)?).ok()?;
    Some(Shortfall {
        account: AccountKey {
            scope: told.scope,
            id: told.id,
            window: told.window,
            window_id: told.window_id,
        },
        limit_pico_usd: amount(told.limit_pico_usd, told.limit_usd),
        remaining_pico_usd: amount(told.remaining_pico_usd, told.remaining_usd),
        needed_pico_usd: amount(told.needed_pico_usd, told.needed_usd),
    })
}

/// The cap of `max_tokens_above_cap`, when the refusal says so.
pub(super) fn cap(error: &Error) -> Option<u64> {
    details(error)?.get("cap")?.as_u64()
}

fn details(error: &Error) -> Option<&Value> {
    match error {
        Error::Api { details, .. } => details.as_deref(),
        _ => None,
    }
}

/// The registry has answered, but not in words that this version knows.
fn unreadable(what: &str) -> LedgerError {
    LedgerError::Unavailable {
        trouble: LedgerTrouble::Other,
        cause: format!("{what} in the registry's answer can't be read"),
    }
}
