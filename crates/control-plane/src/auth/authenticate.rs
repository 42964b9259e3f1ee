//! Authentication of agents: from the text of a key to a caller.
//!
//! The order of the checks matters. A malformed key is refused before any lookup. The secret is compared in constant
//! time before anything about the key is revealed. The limit is counted before the scope is checked, so that refused
//! calls count too. A network with too many failures gets no reason for a failure, only the advice to wait. A valid
//! key from that network still works, so that nobody can lock out a neighbour behind the same proxy.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use api_keys::{KeyMac, KeyRefusal, PresentedKey, Scope};
use api_types::Code;
use audit::Principal;
use rate_limit::{Decision, Limit};
use registry_core::{KeyId, Timestamp};
use storage::{DayUsage, ReadLane, StoreError, View};

use super::key_cache::KnownKey;
use super::rights::{KeyRights, check_scope, told};
use crate::context::AgentCaller;
use crate::error::ServiceError;
use crate::quotas::may_log;
use crate::services::Services;

/// Caller that was admitted.
#[derive(Debug)]
pub struct AdmittedCaller<C> {
    /// The caller.
    pub caller: C,
    /// Principal for the record.
    pub principal: Principal,
    /// State of the caller's limit, for the headers; admins have none.
    pub limit: Option<Decision>,
}

/// Caller that was refused.
#[derive(Debug)]
pub struct RefusedCaller {
    /// Reason.
    pub error: ServiceError,
    /// Principal, when the key was valid but the right was missing.
    pub principal: Option<Principal>,
    /// State of the caller's limit, when it was counted.
    pub limit: Option<Decision>,
}

impl RefusedCaller {
    pub(crate) fn stranger(error: ServiceError) -> Box<Self> {
        Box::new(Self { error, principal: None, limit: None })
    }
}

/// Checks a key, its scope, and that it may leave more rows in today's audit log.
///
/// # Errors
/// [`RefusedCaller`] with 401 for an invalid key, 403 for a missing scope, 429 for a limit or a day's quota, 503 when
/// it can't be known whether the key is valid.
pub async fn authenticate_agent(
    services: &Services,
    presented: Option<&str>,
    peer: IpAddr,
    scope: Scope,
    now: Timestamp,
) -> Result<AdmittedCaller<AgentCaller>, Box<RefusedCaller>> {
    admit(services, presented, peer, scope, now, DailyQuota::Checked).await
}

/// Like [`authenticate_agent`], for an agent that settles or releases its hold. It is admitted although its audit
/// rows of the day are used up, because the money would otherwise stay held until midnight.
///
/// # Errors
/// Same errors as [`authenticate_agent`], without the daily quota.
pub async fn authenticate_settling_agent(
    services: &Services,
    presented: Option<&str>,
    peer: IpAddr,
    scope: Scope,
    now: Timestamp,
) -> Result<AdmittedCaller<AgentCaller>, Box<RefusedCaller>> {
    admit(services, presented, peer, scope, now, DailyQuota::Exempt).await
}

/// Whether a request is refused when the key's audit rows of the day are used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DailyQuota {
    Checked,
    Exempt,
}

async fn admit(
    services: &Services,
    presented: Option<&str>,
    peer: IpAddr,
    scope: Scope,
    now: Timestamp,
    daily: DailyQuota,
) -> Result<AdmittedCaller<AgentCaller>, Box<RefusedCaller>> {
    let (KnownKey { key, audit }, shown, epoch) =
        identify(services, presented, peer, now).await.map_err(RefusedCaller::stranger)?;
    let principal = Principal::agent(key.key_id.clone(), key.agent_id.clone());
    let per_window = key.rate_per_minute.unwrap_or(services.settings.rate_per_minute);
    let limit = Limit::per_minute(per_window);
    let decision = services.auth.limiter.check(key.key_id.as_str(), limit).await;
    let refuse = |error: ServiceError| {
        Box::new(RefusedCaller { error, principal: Some(principal.clone()), limit: Some(decision) })
    };
    if !decision.admitted {
        let what = format!("the key's {per_window} requests in 60 seconds are used up");
        let error = ServiceError::new(Code::RateLimited, what);
        return Err(refuse(error.with_retry_after(decision.retry_after_seconds())));
    }
    if daily == DailyQuota::Checked {
        let limits = key.quotas.over(services.settings.quotas);
        // The bytes read with the key, or those that this process has committed since: both only grow within a day.
        let committed = services.store.audit_usage(&key.key_id).unwrap_or_default();
        may_log(&limits, audit, now).and_then(|()| may_log(&limits, committed, now)).map_err(refuse)?;
    }
    check_scope(&key, scope).map_err(refuse)?;
    let caller = AgentCaller(KeyRights::new(key, shown, scope, epoch));
    Ok(AdmittedCaller { caller, principal, limit: Some(decision) })
}

/// Key that was presented, with the MAC of its secret and the store's epoch before its row was read.
async fn identify(
    services: &Services,
    presented: Option<&str>,
    peer: IpAddr,
    now: Timestamp,
) -> Result<(KnownKey, KeyMac, Option<u64>), ServiceError> {
    let Some(text) = presented else {
        return Err(fail(services, peer, Code::MissingCredentials, "the request has no key"));
    };
    let Ok(presented) = PresentedKey::parse(text) else {
        return Err(fail(services, peer, Code::MalformedKey, "the key is damaged"));
    };
    let (key_id, mac) = presented.identify(&services.auth.pepper);
    let Some((known, epoch)) = find(services, &key_id).await? else {
        let (code, what) = told(KeyRefusal::Unknown);
        return Err(fail(services, peer, code, what));
    };
    known.key.check(&mac, now).map_err(|refusal| {
        let (code, what) = told(refusal);
        fail(services, peer, code, what)
    })?;
    Ok((known, mac, epoch))
}

/// Counts a failed authentication. Above the limit of its address, the reason is replaced by the advice to wait.
pub(crate) fn fail(services: &Services, peer: IpAddr, code: Code, what: &str) -> ServiceError {
    if let Some(seconds) = services.auth.failures.blocked(peer) {
        return too_many(seconds);
    }
    services.auth.failures.record(peer);
    ServiceError::new(code, what)
}

pub(crate) fn too_many(seconds: u64) -> ServiceError {
    ServiceError::new(Code::TooManyFailures, "too many failed authentications came from this address")
        .with_retry_after(seconds)
}

/// Returns the key with this id, and the store's epoch before its row was read; a static key has no epoch.
async fn find(services: &Services, id: &KeyId) -> Result<Option<(KnownKey, Option<u64>)>, ServiceError> {
    if let Some(key) = services.auth.static_keys.get(id) {
        return Ok(Some((KnownKey { key, audit: DayUsage::default() }, None)));
    }
    // The epoch is read before the row: a change in between makes the entry stale, never wrongly fresh.
    let watch = services.store.watch();
    if let Some(known) = services.auth.keys.fresh(id, watch, services.clock.monotonic_micros()) {
        return Ok(Some((known, Some(watch.epoch))));
    }
    services.auth.key_reads.fetch_add(1, Ordering::Relaxed);
    let found = read_key(services, id).await.map_err(|error| {
        let what = "the server can't see whether the key holds";
        let unavailable = ServiceError::new(Code::AuthUnavailable, what).with_retry_after(1);
        ServiceError { cause: Some(error.to_string()), ..unavailable }
    })?;
    services.auth.keys.put(id, found.as_ref(), watch.epoch);
    Ok(found.map(|known| (known, Some(watch.epoch))))
}

/// Reads a key by its id, with its audit bytes, on this thread when that can't wait. It never uses a connection for
/// scans, nor a share of the readers: whatever others read, a caller can authenticate.
async fn read_key(services: &Services, id: &KeyId) -> Result<Option<KnownKey>, StoreError> {
    if !services.store.reads_block() {
        match services.store.read_point(ReadLane::Serving, |view| known_key(view, id)) {
            Err(StoreError::NoReader) => {}
            answered => return answered,
        }
    }
    let (store, id) = (Arc::clone(&services.store), id.clone());
    let read = move || store.read_point(ReadLane::Blocking, |view| known_key(view, &id));
    tokio::task::spawn_blocking(read)
        .await
        .unwrap_or_else(|error| Err(StoreError::Panicked(error.to_string())))
}

fn known_key(view: &dyn View, id: &KeyId) -> Result<Option<KnownKey>, StoreError> {
    let Some(key) = view.key(id)? else { return Ok(None) };
    Ok(Some(KnownKey { key: Arc::new(key), audit: view.key_usage(id)?.audit }))
}
