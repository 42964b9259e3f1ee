//! `POST /llm/holds`: an agent holds the worst case of a call that it will make itself.

use api_types::{Code, CreateHold, HoldView};
use audit::Outcome;
use llm_policy::{CallId, HoldAsk, Operation, OutputWish};
use registry_core::Timestamp;
use storage::{Decided, JobClass};

use crate::auth::ActingCaller as _;
use crate::context::{AgentCaller, OpContext};
use crate::error::ServiceError;
use crate::llm::ledger::hold::{HoldPlan, ask_detail, hold};
use crate::llm::views;
use crate::services::Services;

/// Highest number of tokens that a body may state.
pub(super) const MOST_TOKENS: u64 = 1_000_000_000_000;
/// Lease of a hold when the agent states none, in seconds.
const LEASE_SECONDS: u32 = 600;
/// Longest lease of a hold, in seconds.
const MOST_LEASE_SECONDS: u32 = 3600;
/// Highest number of attempts of one call.
const MOST_ATTEMPTS: u32 = 1000;
/// Highest number of answers of one call.
const MOST_CHOICES: u32 = 128;
/// Longest name of a provider or model, in characters.
const LONGEST_NAME: usize = 200;

/// Holds the worst case of a call. The same body again returns the same hold.
///
/// # Errors
/// 409 `call_exists`; 422 for a field, a missing price or a cap; 429 `insufficient_quota`; 401 or 403 for a key that
/// has lost its right meanwhile; 503 for the store.
pub async fn create_hold(
    services: &Services,
    context: OpContext<AgentCaller>,
    body: CreateHold,
) -> Result<HoldView, ServiceError> {
    let OpContext { caller, now, at_micros, mut draft } = context;
    let ask = ask(services, body, now)?;
    let (call_id, attempt) = (ask.call_id.clone(), ask.attempt);
    let mut plan = HoldPlan::new(services, caller.key_id().clone(), ask, now);
    plan.by_agent = true;
    plan.request_id = draft.request_id().map(|id| id.as_str().to_owned());
    draft.set_detail(ask_detail(&plan.id, &plan.ask, None));
    let class = JobClass::agent(caller.key_id());
    let authority = caller.authority(services);
    let write = services.store.write(authority, class, draft, at_micros, move |tx, caller| {
        let held = hold(tx, &plan, caller.key())?;
        let detail = ask_detail(&plan.id, &plan.ask, held.as_ref().ok());
        let value = held.map_err(|error| plan.rules.refusal(caller, now, error));
        let outcome = value.as_ref().map_or_else(ServiceError::outcome, |_| Outcome::authorised());
        Ok(Decided::new(value, outcome).with_detail(Some(detail)))
    });
    Ok(views::of_hold(&call_id, attempt, write.await??))
}

fn ask(services: &Services, body: CreateHold, now: Timestamp) -> Result<HoldAsk, ServiceError> {
    let call_id = match body.call_id {
        None => CallId::mint(now, services.entropy.as_ref()),
        Some(text) => CallId::sane(&text)
            .ok_or_else(|| invalid("`call_id` takes 1 to 64 letters, digits, `_` and `-`"))?,
    };
    let operation = match body.operation.as_deref() {
        None => Operation::Chat,
        Some(word) => {
            Operation::parse(word).ok_or_else(|| invalid("`operation` takes `chat` or `embeddings`"))?
        }
    };
    let output = match (operation, body.max_tokens) {
        (Operation::Embeddings, None) => OutputWish::Nothing,
        (Operation::Embeddings, Some(_)) => return Err(invalid("embeddings have no `max_tokens`")),
        (Operation::Chat, None) => OutputWish::Fill,
        (Operation::Chat, Some(stated)) => OutputWish::Stated(between("max_tokens", stated, 1, MOST_TOKENS)?),
    };
    Ok(HoldAsk {
        call_id,
        attempt: between("attempt", body.attempt.unwrap_or(1), 1, MOST_ATTEMPTS)?,
        operation,
        priced_as: name("provider", &body.provider)?,
        provider: body.provider,
        model: name("model", &body.model)?,
        input_tokens: between("input_tokens", body.input_tokens, 0, MOST_TOKENS)?,
        choices: between("choices", body.choices.unwrap_or(1), 1, MOST_CHOICES)?,
        output,
        lease_seconds: between(
            "lease_seconds",
            body.lease_seconds.unwrap_or(LEASE_SECONDS),
            2,
            MOST_LEASE_SECONDS,
        )?,
    })
}

pub(super) fn invalid(what: impl AsRef<str>) -> ServiceError {
    ServiceError::new(Code::InvalidField, what)
}

fn between<T: PartialOrd + Copy + std::fmt::Display>(
    field: &str,
    value: T,
    least: T,
    most: T,
) -> Result<T, ServiceError> {
    if value < least || value > most {
        return Err(invalid(format!("`{field}` takes {least} to {most}, got {value}")));
    }
    Ok(value)
}

fn name(field: &str, text: &str) -> Result<String, ServiceError> {
    let length = text.chars().count();
    if length == 0 || length > LONGEST_NAME || text.chars().any(char::is_control) {
        return Err(invalid(format!("`{field}` takes 1 to {LONGEST_NAME} characters without control ones")));
    }
    Ok(text.to_owned())
}
