//! The row of a request whose caller went away while it was served: its handler is dropped in the middle, and
//! exactly one of those who may record it must.

use std::sync::Arc;
use std::time::Duration;

use audit::{Draft, DraftHandle, Outcome};
use control_plane::Services;
use tokio::runtime::Handle;

use crate::request_layer::SharedRequestState;

/// The status that the log shows for a caller that went away (nginx's number).
const CLIENT_GONE: u16 = 499;

/// How long a transaction whose caller is gone is waited for; the store gives up on a lock long before.
const TRANSACTION_TIME: Duration = Duration::from_mins(1);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Leaves the row of a request whose caller went away while it was served.
pub(crate) struct DisconnectGuard {
    services: Arc<Services>,
    shared: SharedRequestState,
    pub handle: DraftHandle,
    /// Somebody else has recorded it.
    pub done: bool,
}

impl DisconnectGuard {
    pub(crate) fn new(services: Arc<Services>, shared: SharedRequestState, handle: DraftHandle) -> Self {
        Self { services, shared, handle, done: false }
    }
}

impl Drop for DisconnectGuard {
    fn drop(&mut self) {
        if self.done || self.handle.is_recorded() {
            return;
        }
        let Some(draft) = self.shared.borrow_mut().draft.take() else { return };
        let leaving =
            DisconnectRecord { services: Arc::clone(&self.services), handle: self.handle.clone(), draft };
        // A transaction that holds the draft records it with its change, unless it fails: then nobody else is left
        // to do it.
        if self.handle.is_submitted()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(leaving.after_its_transaction());
        }
    }
}

/// The record of a caller that went away; written when it is dropped, unless somebody else has the draft.
struct DisconnectRecord {
    services: Arc<Services>,
    handle: DraftHandle,
    draft: Draft,
}

impl DisconnectRecord {
    /// Waits until the transaction has ended. A draft's handle tells nobody when it moves, and this is rare.
    async fn after_its_transaction(self) {
        let ended = async {
            while self.handle.is_submitted() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        // Past that time the draft stays with whoever has it.
        drop(tokio::time::timeout(TRANSACTION_TIME, ended).await);
    }
}

impl Drop for DisconnectRecord {
    fn drop(&mut self) {
        if !self.handle.claim() {
            return;
        }
        let outcome = Outcome::refused(CLIENT_GONE, "client_gone");
        let at = self.services.clock.monotonic_micros();
        if let Some(record) = self.draft.close(&outcome, at) {
            // Nobody is left who could wait for it.
            let _ = self.services.recorder.push(record);
        }
        self.handle.mark_recorded();
    }
}
