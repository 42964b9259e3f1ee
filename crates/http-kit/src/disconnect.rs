//! Audit record for a client that disconnected mid-request: its handler is dropped before it could answer.

use std::sync::Arc;

use audit::{DraftSlot, Outcome, OwnedDraft};
use control_plane::Services;

/// Status in the log for a client that disconnected (nginx's number).
const CLIENT_GONE: u16 = 499;

/// Guard of a request that is being served. When it is dropped before [`done`](Self::done) is set, the client has
/// disconnected, and the request is recorded as such. A transaction that has the draft records it with its change; if
/// it fails, the draft returns and is recorded here.
pub(crate) struct DisconnectGuard {
    services: Arc<Services>,
    draft: DraftSlot,
    /// Whether the request was answered.
    pub done: bool,
}

impl DisconnectGuard {
    pub(crate) fn new(services: Arc<Services>, draft: DraftSlot) -> Self {
        Self { services, draft, done: false }
    }
}

impl Drop for DisconnectGuard {
    fn drop(&mut self) {
        if !self.done {
            record_when_returned(&self.services, &self.draft, Outcome::refused(CLIENT_GONE, "client_gone"));
        }
    }
}

/// Records a draft with this outcome when its holder gives it back, at once if nobody holds it. No answer waits for
/// the row.
pub(crate) fn record_when_returned(services: &Arc<Services>, slot: &DraftSlot, outcome: Outcome) {
    let services = Arc::clone(services);
    slot.bequeath(move |mut draft: OwnedDraft| {
        if let Some(record) = draft.close(&outcome, None, services.clock.monotonic_micros()) {
            let _ = services.audit.recorder.push(record);
        }
        draft.recorded();
    });
}
