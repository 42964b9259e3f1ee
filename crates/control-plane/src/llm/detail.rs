//! What the audit log says of a hold and of its end, as JSON text. No prompts, no answers.

use llm_policy::{Held, HoldAsk, HoldId, ReleaseReason};
use serde_json::{Value, json};

use super::ledger::settle::Ended;

/// A call that may leave, or may not.
pub(super) fn of_ask(id: &HoldId, ask: &HoldAsk, held: Option<&Held>) -> String {
    let mut detail = json!({
        "call_id": ask.call_id.as_str(),
        "hold_id": id.as_str(),
        "attempt": ask.attempt,
        "provider": ask.provider,
        "model": ask.model,
        "input_tokens": ask.input_tokens,
    });
    if let (Some(held), Value::Object(fields)) = (held, &mut detail) {
        fields.insert("held_pico_usd".to_owned(), json!(held.amount_pico_usd));
        fields.insert("max_tokens".to_owned(), json!(held.max_tokens));
    }
    detail.to_string()
}

/// A settled attempt.
pub(crate) fn of_end(ended: &Ended) -> String {
    let row = &ended.row;
    let mut detail = json!({
        "call_id": row.call_id.as_str(),
        "hold_id": row.hold_id.as_str(),
        "attempt": row.attempt,
        "provider": row.provider,
        "model": row.model,
        "cost_pico_usd": row.cost_pico_usd,
        "prompt_tokens": row.usage.prompt_tokens,
        "cached_tokens": row.usage.cached_tokens,
        "cache_write_tokens": row.usage.cache_write_tokens,
        "completion_tokens": row.usage.completion_tokens,
        "reasoning_tokens": row.usage.reasoning_tokens,
        "source": row.source.as_str(),
        "outcome": row.outcome.as_str(),
        "overrun": row.overrun,
    });
    if let Value::Object(fields) = &mut detail {
        for (name, set) in [("late", row.late), ("repeated", ended.repeated)] {
            if set {
                fields.insert(name.to_owned(), Value::Bool(true));
            }
        }
    }
    detail.to_string()
}

/// A hold that was given back.
pub(super) fn of_release(id: &HoldId, reason: ReleaseReason) -> String {
    json!({ "hold_id": id.as_str(), "released": reason.as_str() }).to_string()
}

/// A change of a hold that was refused.
pub(super) fn of_hold(id: &HoldId) -> String {
    json!({ "hold_id": id.as_str() }).to_string()
}
