//! Rights of a key: checked when a request arrives, again in the transaction of each write, and while a model call
//! runs.
//!
//! A right may be lost between the request and its act: the key is revoked, rotated, expires or loses a scope.
//! INVARIANT: every act of an agent is decided by [`KeyRights::check`] on the key's row as the transaction sees it.
//! The row is read again only when the store's epoch has moved since the last read, so that an ordinary write costs
//! no extra statement.

use std::sync::Arc;

use api_keys::{KeyMac, KeyRecord, KeyRefusal, QuotaLimits, Scope};
use api_types::Code;
use registry_core::{Clock, Timestamp};
use storage::{Authority, Decided, JobCaller, StoreError, Tx};

use crate::context::{AdminCaller, AgentCaller};
use crate::error::ServiceError;
use crate::quotas::{Quotas, may_log};
use crate::services::Services;

/// Key as it was last read, and the right that its holder asked for.
#[derive(Debug, Clone)]
pub(crate) struct KeyRights {
    /// The key. It is shared with the cache: nothing of it is copied for a request.
    pub key: Arc<KeyRecord>,
    /// MAC of the secret that was presented, the current or the previous one.
    shown: KeyMac,
    /// Right that the request needs.
    scope: Scope,
    /// The store's epoch before the row was read; `None` for a static key, which has no row.
    epoch: Option<u64>,
}

/// Code and message for an invalid key.
pub(crate) fn told(refusal: KeyRefusal) -> (Code, &'static str) {
    match refusal {
        KeyRefusal::Unknown => (Code::InvalidKey, "the key is not known"),
        KeyRefusal::Revoked => (Code::RevokedKey, "the key was revoked"),
        KeyRefusal::Expired => (Code::ExpiredKey, "the key has expired"),
    }
}

fn refused(refusal: KeyRefusal) -> ServiceError {
    let (code, what) = told(refusal);
    ServiceError::new(code, what)
}

/// Checks that a key has a scope.
pub(crate) fn check_scope(key: &KeyRecord, scope: Scope) -> Result<(), ServiceError> {
    if key.scopes.allows(scope) {
        return Ok(());
    }
    let what = format!("the key lacks the scope `{}`", scope.as_str());
    let details = serde_json::json!({ "scope": scope.as_str() });
    Err(ServiceError::new(Code::MissingScope, what).with_details(details))
}

impl KeyRights {
    pub(crate) fn new(key: Arc<KeyRecord>, shown: KeyMac, scope: Scope, epoch: Option<u64>) -> Self {
        Self { key, shown, scope, epoch }
    }

    /// Checks the key as it was last read, at `now`.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), ServiceError> {
        self.key.check(&self.shown, now).map_err(refused)?;
        check_scope(&self.key, self.scope)
    }

    /// Whether the row may have changed since it was read, for a store whose epoch is `epoch`.
    pub(crate) fn is_stale(&self, epoch: u64) -> bool {
        self.epoch.is_some_and(|read_at| read_at != epoch)
    }

    /// Whether the key has a row, which may change.
    pub(crate) fn has_row(&self) -> bool {
        self.epoch.is_some()
    }

    /// Replaces the key by the row as it was read at `epoch`. A row that is gone, or belongs to another agent now,
    /// gives no right.
    pub(crate) fn renew(&mut self, found: Option<KeyRecord>, epoch: u64) -> Result<(), ServiceError> {
        let same = |key: &KeyRecord| key.agent_id == self.key.agent_id;
        let Some(key) = found.filter(same) else { return Err(refused(KeyRefusal::Unknown)) };
        self.key = Arc::new(key);
        self.epoch = Some(epoch);
        Ok(())
    }
}

/// Class of callers: the authority of its writes, and its name in the queue and for idempotency keys.
pub(crate) trait ActingCaller: Sized + Send + 'static {
    type Authority: Authority<Caller = Self, Refusal = ServiceError>;

    /// Returns the authority for a write of this caller.
    fn authority(self, services: &Services) -> Self::Authority;

    fn job_caller(&self) -> JobCaller;

    /// Returns the quotas that its writes count for; admins have none.
    fn own_quotas(&self, defaults: QuotaLimits) -> Option<Quotas<'_>>;
}

/// Authority of an agent: its key is valid and has the scope when the transaction runs.
pub(crate) struct AgentAuthority {
    /// Caller as it was admitted.
    admitted: AgentCaller,
    /// Caller as this run of the transaction read it, where the row may have changed.
    current: Option<AgentCaller>,
    clock: Arc<dyn Clock>,
    defaults: QuotaLimits,
}

impl ActingCaller for AgentCaller {
    type Authority = AgentAuthority;

    fn authority(self, services: &Services) -> AgentAuthority {
        let (clock, defaults) = (Arc::clone(&services.clock), services.settings.quotas);
        AgentAuthority { admitted: self, current: None, clock, defaults }
    }

    fn job_caller(&self) -> JobCaller {
        JobCaller::Key(self.key_id().clone())
    }

    fn own_quotas(&self, defaults: QuotaLimits) -> Option<Quotas<'_>> {
        Some(self.quotas(defaults))
    }
}

impl AgentAuthority {
    /// Reads the row again, and checks the day's quota of audit rows again: it may have been lowered.
    fn read_again(
        &self,
        tx: &mut dyn Tx,
        epoch: u64,
        now: Timestamp,
    ) -> Result<Result<AgentCaller, ServiceError>, StoreError> {
        let mut caller = self.admitted.clone();
        let found = tx.key(caller.key_id())?;
        if let Err(refusal) = caller.0.renew(found, epoch).and_then(|()| caller.0.check(now)) {
            return Ok(Err(refusal));
        }
        let used = tx.key_usage(caller.key_id())?;
        let may_log = may_log(&caller.quotas(self.defaults).limits, used.audit, now);
        Ok(may_log.map(|()| caller))
    }
}

impl Authority for AgentAuthority {
    type Caller = AgentCaller;
    type Refusal = ServiceError;

    fn confirm(
        &mut self,
        tx: &mut dyn Tx,
    ) -> Result<Result<&AgentCaller, Decided<ServiceError>>, StoreError> {
        // The time of the transaction, not of the request: a body may have taken half a minute to arrive.
        let now = self.clock.now();
        // What an earlier run has read may have been rolled back.
        self.current = None;
        let still = match self.admitted.0.epoch {
            Some(epoch) if tx.keys_moved(epoch)? => {
                self.read_again(tx, epoch, now)?.map(|caller| self.current = Some(caller))
            }
            Some(_) | None => self.admitted.0.check(now),
        };
        Ok(match still {
            Ok(()) => Ok(self.current.as_ref().unwrap_or(&self.admitted)),
            Err(refusal) => {
                let outcome = refusal.outcome();
                Err(Decided::new(refusal, outcome))
            }
        })
    }
}

/// Authority to settle and release an existing hold. It needs no right: the money is held whatever happened to the
/// key, and would otherwise stay held.
pub(crate) struct SettlingAuthority(pub(crate) AgentCaller);

impl Authority for SettlingAuthority {
    type Caller = AgentCaller;
    type Refusal = ServiceError;

    fn confirm(&mut self, _: &mut dyn Tx) -> Result<Result<&AgentCaller, Decided<ServiceError>>, StoreError> {
        Ok(Ok(&self.0))
    }
}

/// Authority of an admin. The admin token is part of the configuration and has no row: it is valid as long as the
/// process runs.
pub(crate) struct AdminAuthority(AdminCaller);

impl ActingCaller for AdminCaller {
    type Authority = AdminAuthority;

    fn authority(self, _: &Services) -> AdminAuthority {
        AdminAuthority(self)
    }

    fn job_caller(&self) -> JobCaller {
        JobCaller::Admin
    }

    fn own_quotas(&self, _: QuotaLimits) -> Option<Quotas<'_>> {
        None
    }
}

impl Authority for AdminAuthority {
    type Caller = AdminCaller;
    type Refusal = ServiceError;

    fn confirm(&mut self, _: &mut dyn Tx) -> Result<Result<&AdminCaller, Decided<ServiceError>>, StoreError> {
        Ok(Ok(&self.0))
    }
}
