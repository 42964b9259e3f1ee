//! Memory budget for callers' data: bodies being read, values parsed from them, unread answers, model calls under
//! way. There is one budget for the process, with a share for each caller.
//!
//! A request that finds no memory is refused at once. Nothing queues, so that a large request never blocks a small
//! one. The last quarter of the budget is for small needs only: callers that fill the rest can't keep others from
//! ordinary requests.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api_types::Code;
use audit::{Actor, Principal};
use control_plane::ServiceError;
use registry_core::{KeyId, Network};

use crate::error::ApiError;
use crate::shares;

/// Default and lowest budget: the largest body of a model call needs it.
pub const DEFAULT_MEMORY_MIB: u32 = 96;

/// Owner of memory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum MemoryOwner {
    /// The key of an agent.
    Key(KeyId),
    /// All admins together.
    Admin,
    /// Callers without credentials, by network.
    Network(Network),
}

impl MemoryOwner {
    pub(crate) fn of(principal: &Principal, client: IpAddr) -> Self {
        match (&principal.key_id, principal.actor) {
            (Some(key), _) => Self::Key(key.clone()),
            (None, Actor::Admin) => Self::Admin,
            (None, _) => Self::Network(Network::of(client)),
        }
    }

    /// Returns the name under which other shares of this caller are counted.
    fn caller(&self) -> String {
        match self {
            Self::Key(key) => key.as_str().to_owned(),
            Self::Admin => shares::ADMIN.to_owned(),
            Self::Network(network) => network.to_string(),
        }
    }
}

/// Memory budget of a process.
#[derive(Debug, Clone)]
pub(crate) struct MemoryBudget(Arc<BudgetCounts>);

#[derive(Debug)]
struct BudgetCounts {
    total: usize,
    used: Mutex<MemoryUse>,
    refusals: AtomicU64,
}

#[derive(Debug, Default)]
struct MemoryUse {
    all: usize,
    /// Callers without memory take no entry.
    by_owner: HashMap<MemoryOwner, usize>,
}

/// Part of the budget; freed when it is dropped.
#[derive(Debug)]
pub struct MemoryPermit {
    budget: MemoryBudget,
    owner: MemoryOwner,
    bytes: usize,
}

impl MemoryBudget {
    pub(crate) fn new(mib: u32) -> Self {
        let mib = usize::try_from(mib.max(DEFAULT_MEMORY_MIB)).unwrap_or(usize::MAX);
        let total = mib.saturating_mul(1 << 20);
        Self(Arc::new(BudgetCounts { total, used: Mutex::default(), refusals: AtomicU64::new(0) }))
    }

    fn lock(&self) -> MutexGuard<'_, MemoryUse> {
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the share of one key, or of all admins together: five eighths.
    pub(crate) fn share(&self) -> usize {
        self.0.total / 8 * 5
    }

    /// Returns the part of the last quarter that every caller may use, which is all that a network without
    /// credentials may have.
    pub(crate) fn small_share(&self) -> usize {
        self.0.total / 32
    }

    /// Creates an empty permit for a caller.
    pub(crate) fn permit(&self, owner: MemoryOwner) -> MemoryPermit {
        MemoryPermit { budget: self.clone(), owner, bytes: 0 }
    }

    /// Returns the bytes in use.
    pub(crate) fn used(&self) -> usize {
        self.lock().all
    }

    /// Returns how many requests found no memory.
    pub(crate) fn refusals(&self) -> u64 {
        self.0.refusals.load(Ordering::Relaxed)
    }

    fn fits(&self, owner: &MemoryOwner, own: usize, all: usize) -> bool {
        if own <= self.small_share() {
            return all <= self.0.total;
        }
        let share = match owner {
            MemoryOwner::Key(_) | MemoryOwner::Admin => self.share(),
            MemoryOwner::Network(_) => self.small_share(),
        };
        own <= share && all <= self.0.total / 4 * 3
    }
}

impl MemoryPermit {
    /// Returns its bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the name under which other shares of its caller are counted.
    pub(crate) fn caller(&self) -> String {
        self.owner.caller()
    }

    /// Grows or shrinks to `bytes`.
    ///
    /// # Errors
    /// 413 `body_too_large` for more than one caller can ever have, else 503 `server_busy`; the permit is then
    /// unchanged.
    pub fn resize(&mut self, bytes: usize) -> Result<(), ApiError> {
        if bytes > self.budget.share() {
            let what = format!(
                "the request needs {bytes} bytes of memory once it is read; one caller may have {}",
                self.budget.share()
            );
            return Err(ApiError::new(Code::BodyTooLarge, what));
        }
        if self.set(bytes, false) {
            return Ok(());
        }
        self.budget.0.refusals.fetch_add(1, Ordering::Relaxed);
        let error = ServiceError::new(Code::ServerBusy, "the server has no memory for this request now");
        Err(ApiError(error.with_retry_after(1)))
    }

    /// Grows to `bytes` even beyond the share: for the answer to a change that is made. Its size is limited, and
    /// until it is sent, the caller's next requests are refused.
    pub(crate) fn force(&mut self, bytes: usize) {
        self.set(bytes, true);
    }

    /// Gives bytes back.
    pub(crate) fn shrink(&mut self, by: usize) {
        self.set(self.bytes.saturating_sub(by), true);
    }

    fn set(&mut self, bytes: usize, force: bool) -> bool {
        if bytes == self.bytes {
            return true;
        }
        let mut used = self.budget.lock();
        let own = used.by_owner.get(&self.owner).copied().unwrap_or(0);
        let own = own.saturating_sub(self.bytes).saturating_add(bytes);
        let all = used.all.saturating_sub(self.bytes).saturating_add(bytes);
        if bytes > self.bytes && !force && !self.budget.fits(&self.owner, own, all) {
            return false;
        }
        used.all = all;
        if own == 0 {
            used.by_owner.remove(&self.owner);
        } else if let Some(place) = used.by_owner.get_mut(&self.owner) {
            *place = own;
        } else {
            used.by_owner.insert(self.owner.clone(), own);
        }
        drop(used);
        self.bytes = bytes;
        true
    }
}

impl Drop for MemoryPermit {
    fn drop(&mut self) {
        self.set(0, true);
    }
}

#[cfg(test)]
mod tests;
