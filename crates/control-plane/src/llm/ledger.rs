//! Ledger of one caller over the local store.

pub(super) mod hold;
pub(super) mod release;
pub(super) mod settle;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api_keys::hide_keys;
use audit::{Draft, DraftSlot, Outcome, OwnedDraft, Principal, event};
use llm_policy::{
    BoxFuture, Held, HoldAsk, HoldId, Ledger, LedgerError, LostRight, ReleaseReason, Settled, Settlement,
};
use registry_core::{KeyId, Timestamp};
use storage::{Decided, JobClass};

use self::hold::{HoldPlan, Payer, ask_detail, hold};
use self::release::{release, release_detail};
use self::settle::{end_detail, hold_detail, settle};
use super::refusal::{code_of, unavailable};
use super::running_calls::RunningCall;
use crate::auth::{ActingCaller as _, SettlingAuthority};
use crate::context::{AgentCaller, OpContext};
use crate::error::ServiceError;
use crate::services::Services;

/// Ledger of one caller. The first hold is recorded by the request's row. Every further hold, and the end of each,
/// has a row in its own transaction.
///
/// Holds that are not ended when it is dropped run out and are settled as orphans.
pub struct LocalLedger {
    services: Arc<Services>,
    caller: AgentCaller,
    request: Option<RequestRecord>,
    /// Members that all further rows have in common: the principal and the request.
    rows: Draft,
    running: RunningCall,
    open: Mutex<HashSet<HoldId>>,
}

/// Request that a ledger works for.
struct RequestRecord {
    /// Its draft, until the first hold records it.
    slot: DraftSlot,
    at_micros: u64,
}

impl LocalLedger {
    /// Creates the ledger of one HTTP request.
    #[must_use]
    pub fn for_request(services: &Arc<Services>, context: OpContext<AgentCaller>) -> Arc<Self> {
        let OpContext { caller, at_micros, draft, now } = context;
        let rows = draft.follow_up(now, event::LLM_OUTCOME);
        Self::new(services, caller, rows, Some(RequestRecord { slot: draft.into_slot(), at_micros }))
    }

    /// Creates the ledger of an agent's program on the database file.
    #[must_use]
    pub fn for_agent(services: &Arc<Services>, caller: AgentCaller) -> Arc<Self> {
        let (key, agent) = (caller.key_id().clone(), caller.agent_id().clone());
        let mut rows = Draft::agent(services.clock.now(), event::LLM_OUTCOME, Principal::agent(key, agent));
        rows.set_secrets(services.secrets.clone());
        Self::new(services, caller, rows, None)
    }

    fn new(
        services: &Arc<Services>,
        caller: AgentCaller,
        rows: Draft,
        request: Option<RequestRecord>,
    ) -> Arc<Self> {
        let running = services.llm.running.enter(caller.0.clone());
        let (services, open) = (Arc::clone(services), Mutex::default());
        Arc::new(Self { services, caller, request, rows, running, open })
    }

    /// The caller.
    #[must_use]
    pub fn caller(&self) -> &AgentCaller {
        &self.caller
    }

    fn open(&self) -> MutexGuard<'_, HashSet<HoldId>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the draft for a hold: the request's for the first one, unless it is recorded already.
    fn record_of_hold(&self, now: Timestamp) -> (OwnedDraft, u64) {
        let own = self.request.as_ref().and_then(|request| Some((request.slot.take()?, request.at_micros)));
        own.unwrap_or_else(|| {
            (self.record(now, event::LLM_AUTHORISED), self.services.clock.monotonic_micros())
        })
    }

    fn record(&self, now: Timestamp, event: &'static str) -> OwnedDraft {
        self.rows.follow_up(now, event).into()
    }

    /// A caller that retries may still succeed; if none does, the lease must run out.
    fn failed(&self, id: &HoldId) {
        self.services.llm.abandoned.add(self.caller.key_id(), [id.clone()]);
    }

    async fn do_hold(&self, ask: HoldAsk) -> Result<Held, LedgerError> {
        let services = &self.services;
        let now = services.clock.now();
        let (mut draft, at_micros) = self.record_of_hold(now);
        let mut plan = HoldPlan::new(services, self.caller.key_id().clone(), ask, now);
        plan.holder = Some(services.llm.rules.holder.clone());
        plan.request_id = draft.request_id().map(|id| id.as_str().to_owned());
        draft.set_detail(ask_detail(&plan.id, &plan.ask, None));
        let id = plan.id.clone();
        // Open from here on: the commit may happen although nobody learns of it.
        let new = self.open().insert(id.clone());
        let class = JobClass::agent(self.caller.key_id());
        let authority = self.caller.clone().authority(services);
        let write = services.store.write(authority, class, draft, at_micros, move |tx, caller| {
            let value = hold(tx, &plan, caller.key())?;
            let detail = ask_detail(&plan.id, &plan.ask, value.as_ref().ok());
            Ok(decided(value, Outcome::authorised()).with_detail(Some(detail)))
        });
        let answer = write.await.map_err(unavailable).and_then(|value| value);
        match &answer {
            Err(LedgerError::Unavailable { .. }) => self.failed(&id),
            // Nothing was held now; an older hold with this id is unchanged.
            Err(_) if new => {
                self.open().remove(&id);
            }
            Ok(_) | Err(_) => {}
        }
        answer
    }

    async fn do_settle(&self, id: HoldId, mut end: Settlement) -> Result<Settled, LedgerError> {
        let services = &self.services;
        let now = services.clock.now();
        let mut draft = self.record(now, event::LLM_OUTCOME);
        // The id comes from the provider and is kept.
        let named = end.provider_request_id.take();
        end.provider_request_id = named.map(|id| hide_keys(&draft.secrets().clean_parts(&id)).into_owned());
        draft.set_detail(hold_detail(&id));
        let (rules, payer) = (Arc::clone(&services.llm.rules), Payer::of(services, &self.caller));
        let hold_id = id.clone();
        let at_micros = services.clock.monotonic_micros();
        let class = JobClass::settlement(self.caller.key_id());
        let authority = SettlingAuthority(self.caller.clone());
        let write = services.store.write(authority, class, draft, at_micros, move |tx, _| {
            let value = settle(tx, &rules, &payer, false, &hold_id, &end, now)?;
            let detail = value.as_ref().ok().map(end_detail);
            Ok(decided(value.map(|ended| ended.settled), Outcome::ok(200)).with_detail(detail))
        });
        self.ended(&id, write.await.map_err(unavailable).and_then(|value| value))
    }

    async fn do_release(&self, id: HoldId, reason: ReleaseReason) -> Result<(), LedgerError> {
        let services = &self.services;
        let mut draft = self.record(services.clock.now(), event::LLM_OUTCOME);
        draft.set_detail(release_detail(&id, reason));
        let payer = Payer::of(services, &self.caller);
        let own = self.open().contains(&id);
        let hold_id = id.clone();
        let at_micros = services.clock.monotonic_micros();
        let class = JobClass::settlement(self.caller.key_id());
        let authority = SettlingAuthority(self.caller.clone());
        let write = services.store.write(authority, class, draft, at_micros, move |tx, _| {
            let value = match release(tx, &payer, false, &hold_id)? {
                // This ledger has held it, so it was released before, by a write whose result did not arrive.
                Err(LedgerError::UnknownHold) if own => Ok(()),
                value => value.map(drop),
            };
            Ok(decided(value, Outcome::ok(200)))
        });
        self.ended(&id, write.await.map_err(unavailable).and_then(|value| value))
    }

    /// Notes how the end of a hold went.
    fn ended<T>(&self, id: &HoldId, answer: Result<T, LedgerError>) -> Result<T, LedgerError> {
        match &answer {
            Ok(_) | Err(LedgerError::UnknownHold | LedgerError::Settled) => {
                self.open().remove(id);
            }
            Err(_) => self.failed(id),
        }
        answer
    }
}

/// A value with its outcome for the record.
fn decided<T>(value: Result<T, LedgerError>, good: Outcome) -> Decided<Result<T, LedgerError>> {
    let outcome = match &value {
        Ok(_) => good,
        Err(error) => ServiceError::new(code_of(error), "").outcome(),
    };
    Decided::new(value, outcome)
}

impl Ledger for LocalLedger {
    fn hold(&self, ask: HoldAsk) -> BoxFuture<'_, Result<Held, LedgerError>> {
        Box::pin(self.do_hold(ask))
    }

    fn settle(&self, hold: HoldId, end: Settlement) -> BoxFuture<'_, Result<Settled, LedgerError>> {
        Box::pin(self.do_settle(hold, end))
    }

    fn release(&self, hold: HoldId, reason: ReleaseReason) -> BoxFuture<'_, Result<(), LedgerError>> {
        Box::pin(self.do_release(hold, reason))
    }

    fn right_lost(&self) -> BoxFuture<'_, LostRight> {
        Box::pin(async { LostRight::from(self.running.right_lost().await) })
    }
}

impl Drop for LocalLedger {
    fn drop(&mut self) {
        let open = std::mem::take(self.open.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.services.llm.abandoned.add(self.caller.key_id(), open);
    }
}

/// Holds whose settlement failed for good, or whose call ended without one. A server renews the leases of all its
/// holds, so these must be marked: their leases run out, and they are settled as orphans.
///
/// A hold that is still in use may be listed here. Then its settlement comes late and corrects the numbers.
#[derive(Debug, Default)]
pub struct AbandonedHolds(Mutex<Vec<(KeyId, HoldId)>>);

impl AbandonedHolds {
    pub(crate) fn add(&self, key: &KeyId, holds: impl IntoIterator<Item = HoldId>) {
        self.put_back(holds.into_iter().map(|id| (key.clone(), id)));
    }

    /// Puts back what was taken, for the next run.
    pub(crate) fn put_back(&self, holds: impl IntoIterator<Item = (KeyId, HoldId)>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(holds);
    }

    pub(crate) fn take(&self) -> Vec<(KeyId, HoldId)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
