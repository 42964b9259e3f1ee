//! Model calls under way and the rights that they run under.
//!
//! A call may run for minutes after its hold was made. The background work [`cut_calls`](crate::jobs::cut_calls)
//! checks the keys of all calls and signals those whose key has lost its right; the gate then ends them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api_keys::KeyRecord;
use registry_core::{KeyId, Timestamp};
use tokio::sync::watch;

use crate::auth::KeyRights;
use crate::error::ServiceError;

/// Calls under way.
#[derive(Debug, Default)]
pub struct RunningCalls(Mutex<CallTable>);

#[derive(Debug, Default)]
struct CallTable {
    next: u64,
    calls: HashMap<u64, WatchedCall>,
}

#[derive(Debug)]
struct WatchedCall {
    rights: KeyRights,
    lost: watch::Sender<Option<ServiceError>>,
}

/// One call under way; it is watched until this is dropped.
#[derive(Debug)]
pub(crate) struct RunningCall {
    table: Arc<RunningCalls>,
    number: u64,
    lost: watch::Receiver<Option<ServiceError>>,
}

/// Rows of keys as they were read at an epoch; `None` for a key that is gone.
pub(crate) struct ReadKeys {
    pub rows: HashMap<KeyId, Option<KeyRecord>>,
    pub epoch: u64,
}

impl RunningCalls {
    fn lock(&self) -> MutexGuard<'_, CallTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches a call until the result is dropped.
    pub(crate) fn enter(self: &Arc<Self>, rights: KeyRights) -> RunningCall {
        let (lost, told) = watch::channel(None);
        let mut table = self.lock();
        let number = table.next;
        table.next += 1;
        table.calls.insert(number, WatchedCall { rights, lost });
        RunningCall { table: Arc::clone(self), number, lost: told }
    }

    /// Returns the keys of calls whose rows may have changed since they were read; all keys when the epoch can't be
    /// trusted.
    pub(crate) fn keys_to_read(&self, epoch: u64, trusted: bool) -> HashSet<KeyId> {
        let table = self.lock();
        let rights = table.calls.values().map(|call| &call.rights);
        let stale = rights.filter(|rights| rights.is_stale(epoch) || (!trusted && rights.has_row()));
        stale.map(|rights| rights.key.key_id.clone()).collect()
    }

    /// Checks every call again and signals those that have lost their right; returns how many.
    pub(crate) fn check(&self, read: &ReadKeys, now: Timestamp) -> u64 {
        let mut cut = 0;
        for call in self.lock().calls.values_mut() {
            if call.lost.borrow().is_some() {
                continue;
            }
            let renewed = match read.rows.get(&call.rights.key.key_id) {
                Some(row) if call.rights.has_row() => call.rights.renew(row.clone(), read.epoch),
                Some(_) | None => Ok(()),
            };
            if let Err(refusal) = renewed.and_then(|()| call.rights.check(now)) {
                call.lost.send_replace(Some(refusal));
                cut += 1;
            }
        }
        cut
    }
}

impl RunningCall {
    /// Returns when the call's key has lost its right.
    pub(crate) async fn right_lost(&self) -> ServiceError {
        let mut lost = self.lost.clone();
        let told = match lost.wait_for(Option::is_some).await {
            Ok(told) => told.clone(),
            Err(_) => None,
        };
        match told {
            Some(refusal) => refusal,
            // The table keeps the sender as long as this call is in it.
            None => std::future::pending().await,
        }
    }
}

impl Drop for RunningCall {
    fn drop(&mut self) {
        self.table.lock().calls.remove(&self.number);
    }
}
