//! Ownership of an audit draft: exactly one holder at a time may record it.
//!
//! The HTTP layer keeps a [`DraftSlot`] for each request. A use case takes the draft out, and the transaction that it
//! submits owns it until the commit. A draft that was not recorded returns to the slot when its holder is dropped: a
//! transaction that failed, or a handler whose client disconnected.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Draft;

/// Slot for one request's draft. Clones share the slot.
#[derive(Clone)]
pub struct DraftSlot(Arc<Mutex<Slot>>);

struct Slot {
    /// The draft, unless it is taken.
    draft: Option<Draft>,
    /// Receives the draft when its holder gives it back.
    heir: Option<Heir>,
    end: Option<DraftEnd>,
}

type Heir = Box<dyn FnOnce(OwnedDraft) + Send>;

/// End of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DraftEnd {
    /// Its row is in the log, or held by an owner that does not lose it.
    Recorded,
    /// It was counted in a row for many refusals, and has no row.
    Counted,
}

impl DraftSlot {
    /// Creates a slot with a draft.
    #[must_use]
    pub fn new(draft: Draft) -> Self {
        Self(Arc::new(Mutex::new(Slot { draft: Some(draft), heir: None, end: None })))
    }

    /// Takes the draft. `None` while another holder has it, and once it is recorded.
    #[must_use]
    pub fn take(&self) -> Option<OwnedDraft> {
        let draft = self.slot().draft.take()?;
        Some(OwnedDraft { draft, slot: Some(self.clone()), recorded: false })
    }

    /// Changes the draft, unless another holder has it.
    pub fn edit(&self, change: impl FnOnce(&mut Draft)) {
        if let Some(draft) = &mut self.slot().draft {
            change(draft);
        }
    }

    /// Passes the draft to `heir`: now, or when its holder gives it back. `heir` is dropped if that never happens. It
    /// runs on the thread that gives the draft back, so it must not wait.
    pub fn bequeath(&self, heir: impl FnOnce(OwnedDraft) + Send + 'static) {
        let mut slot = self.slot();
        if let Some(draft) = slot.draft.take() {
            // The heir may use the slot.
            drop(slot);
            heir(OwnedDraft { draft, slot: Some(self.clone()), recorded: false });
        } else if slot.end.is_none() {
            slot.heir = Some(Box::new(heir));
        }
    }

    /// Whether the draft has ended: its row is safe, or it was counted.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.slot().end.is_some()
    }

    /// Whether the draft ended without a row, because there were too many refusals like it.
    #[must_use]
    pub fn was_counted(&self) -> bool {
        self.slot().end == Some(DraftEnd::Counted)
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, end: DraftEnd) {
        let mut slot = self.slot();
        slot.end = Some(end);
        slot.heir = None;
    }

    fn give_back(&self, draft: Draft) {
        let mut slot = self.slot();
        match slot.heir.take() {
            None => slot.draft = Some(draft),
            Some(heir) => {
                // The heir may use the slot.
                drop(slot);
                heir(OwnedDraft { draft, slot: Some(self.clone()), recorded: false });
            }
        }
    }
}

impl std::fmt::Debug for DraftSlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let slot = self.slot();
        f.debug_struct("DraftSlot")
            .field("draft", &slot.draft)
            .field("end", &slot.end)
            .finish_non_exhaustive()
    }
}

/// A draft with the right to record it. When it is dropped, it returns to its slot, unless it was
/// [recorded](Self::recorded).
#[derive(Debug)]
pub struct OwnedDraft {
    draft: Draft,
    /// The slot that it was taken from; a draft without a request has none.
    slot: Option<DraftSlot>,
    recorded: bool,
}

impl OwnedDraft {
    /// Ends the draft: its row is durable or owned by the recorder, or it was counted.
    pub fn recorded(mut self) {
        self.recorded = true;
        if let Some(slot) = &self.slot {
            slot.end(if self.draft.was_counted() { DraftEnd::Counted } else { DraftEnd::Recorded });
        }
    }

    /// Puts the draft back and returns its slot, for a holder that takes it later or never.
    #[must_use]
    pub fn into_slot(mut self) -> DraftSlot {
        self.slot.get_or_insert_with(DraftSlot::empty).clone()
    }
}

impl DraftSlot {
    fn empty() -> Self {
        Self(Arc::new(Mutex::new(Slot { draft: None, heir: None, end: None })))
    }
}

impl From<Draft> for OwnedDraft {
    /// Wraps a draft without a request: of a tool, a job, or a further row of a request.
    fn from(draft: Draft) -> Self {
        Self { draft, slot: None, recorded: false }
    }
}

impl Deref for OwnedDraft {
    type Target = Draft;

    fn deref(&self) -> &Draft {
        &self.draft
    }
}

impl DerefMut for OwnedDraft {
    fn deref_mut(&mut self) -> &mut Draft {
        &mut self.draft
    }
}

impl Drop for OwnedDraft {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take().filter(|_| !self.recorded) {
            slot.give_back(std::mem::replace(&mut self.draft, Draft::blank()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use registry_core::{RequestId, Timestamp};

    use super::*;
    use crate::{Outcome, Refusals};

    fn draft() -> Draft {
        Draft::request(Timestamp::EPOCH, RequestId::sane("req-1").unwrap(), "GET", "/", None)
    }

    #[test]
    fn of_many_takers_one_gets_the_draft() {
        let slot = DraftSlot::new(draft());
        let taken: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| slot.take())).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(taken.len(), 1);
        assert!(slot.take().is_none());
    }

    #[test]
    fn a_dropped_draft_is_back_in_its_slot_and_a_recorded_one_is_not() {
        let slot = DraftSlot::new(draft());
        let mut taken = slot.take().unwrap();
        taken.set_route("/kept");
        drop(taken);
        assert!(!slot.has_ended());
        let mut taken = slot.take().unwrap();
        let record = taken.close(&Outcome::ok(200), None, 0).unwrap();
        assert_eq!(record.route.as_deref(), Some("/kept"));
        taken.recorded();
        assert!(slot.has_ended() && slot.take().is_none());
    }

    #[test]
    fn an_heir_gets_the_draft_at_once_or_when_it_is_given_back_and_never_after_its_end() {
        let got = Arc::new(AtomicUsize::new(0));
        let heir = || {
            let got = Arc::clone(&got);
            move |draft: OwnedDraft| {
                got.fetch_add(1, Ordering::Relaxed);
                draft.recorded();
            }
        };
        DraftSlot::new(draft()).bequeath(heir());
        assert_eq!(got.load(Ordering::Relaxed), 1);

        let slot = DraftSlot::new(draft());
        let taken = slot.take().unwrap();
        slot.bequeath(heir());
        assert_eq!(got.load(Ordering::Relaxed), 1);
        drop(taken);
        assert_eq!(got.load(Ordering::Relaxed), 2);
        assert!(slot.has_ended());

        let slot = DraftSlot::new(draft());
        let taken = slot.take().unwrap();
        slot.bequeath(heir());
        taken.recorded();
        slot.bequeath(heir());
        assert_eq!(got.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_draft_that_is_put_back_can_be_taken_again_with_or_without_a_request() {
        let slot = DraftSlot::new(draft());
        assert!(slot.take().unwrap().into_slot().take().is_some());
        assert!(slot.take().is_some());
        assert!(OwnedDraft::from(draft()).into_slot().take().is_some());
    }

    #[test]
    fn a_slot_tells_whether_its_draft_was_counted() {
        let refusals = Arc::new(Refusals::new());
        let counted = (0..20).filter(|_| {
            let slot = DraftSlot::new(draft());
            let mut taken = slot.take().unwrap();
            taken.set_aggregator(Arc::clone(&refusals));
            let row = taken.close(&Outcome::refused(404, "x"), None, 0);
            taken.recorded();
            assert_eq!(slot.was_counted(), row.is_none());
            row.is_none()
        });
        assert_eq!(counted.count(), 10);
    }
}
