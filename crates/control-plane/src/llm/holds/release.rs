//! `POST /llm/holds/{id}/release`: an agent gives back the hold of a call that did not take place.

use api_types::{ReleaseHold, Released};
use audit::Outcome;
use llm_policy::{HoldId, ReleaseReason};
use storage::{Decided, JobClass};

use super::create::invalid;
use crate::auth::SettlingAuthority;
use crate::context::{AgentCaller, OpContext};
use crate::error::ServiceError;
use crate::llm::ledger::hold::Payer;
use crate::llm::ledger::release::{release, release_detail};
use crate::services::Services;

/// Releases a hold of this agent's key.
///
/// # Errors
/// 404 `hold_not_found`, also for one that was released before; 409 `hold_settled`; 422 for a reason; 503 for the
/// store.
pub async fn release_hold(
    services: &Services,
    context: OpContext<AgentCaller>,
    id: HoldId,
    body: ReleaseHold,
) -> Result<Released, ServiceError> {
    let OpContext { caller, at_micros, mut draft, .. } = context;
    let reason = match body.reason.as_deref() {
        None => ReleaseReason::NotSent,
        Some(word) => ReleaseReason::parse(word)
            .ok_or_else(|| invalid("`reason` takes `not_sent` or `not_connected`"))?,
    };
    let payer = Payer::of(services, &caller);
    draft.set_detail(release_detail(&id, reason));
    let class = JobClass::settlement(caller.key_id());
    let authority = SettlingAuthority(caller);
    let write = services.store.write(authority, class, draft, at_micros, move |tx, _| {
        let value = release(tx, &payer, true, &id)?.map(drop).map_err(ServiceError::from);
        let outcome = value.as_ref().map_or_else(ServiceError::outcome, |()| Outcome::ok(200));
        Ok(Decided::new(value, outcome))
    });
    write.await??;
    Ok(Released { released: true })
}
