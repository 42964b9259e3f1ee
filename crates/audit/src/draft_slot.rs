//! What the places that may record one draft share, so that exactly one of them does.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const OPEN: u8 = 0;
const SUBMITTED: u8 = 1;
const RECORDED: u8 = 2;

/// What was decided about the row of a draft.
#[derive(Debug, Default)]
pub(crate) enum RowDecision {
    /// Nothing yet.
    #[default]
    Open,
    /// It gets a row of its own.
    Row,
    /// It was counted under this name and code, and gets no row.
    Counted {
        /// Whose refusal it is.
        who: String,
        /// The code of the refusal.
        code: String,
    },
    /// It was counted as a request without credentials. Final, for no transaction carries such a draft.
    CountedAnonymous,
}

/// Where a draft stands, seen and set by all who hold a handle.
///
/// *Open*: nobody has recorded it; the HTTP edge must. *Submitted*: it travels with a transaction. *Recorded*: its
/// row, or its count, is safe; this is final.
#[derive(Debug, Clone, Default)]
pub struct DraftHandle(Arc<DraftSlot>);

#[derive(Debug, Default)]
struct DraftSlot {
    stage: AtomicU8,
    decision: Mutex<RowDecision>,
}

impl DraftHandle {
    /// The draft goes with a transaction. Changes nothing unless it is open.
    pub fn mark_submitted(&self) {
        let _: bool = self.claim();
    }

    /// Like [`mark_submitted`](Self::mark_submitted), and tells whether this call did it: of several callers, one
    /// gets `true`.
    #[must_use]
    pub fn claim(&self) -> bool {
        self.0.stage.compare_exchange(OPEN, SUBMITTED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The row is durable. Final.
    pub fn mark_recorded(&self) {
        self.0.stage.store(RECORDED, Ordering::Release);
    }

    /// The transaction failed, and somebody else has to record the draft. Changes nothing once it is recorded.
    pub fn mark_open(&self) {
        let _ = self.0.stage.compare_exchange(SUBMITTED, OPEN, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Whether nobody has recorded it and nobody is about to.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.stage.load(Ordering::Acquire) == OPEN
    }

    /// Whether it travels with a transaction that has not ended.
    #[must_use]
    pub fn is_submitted(&self) -> bool {
        self.0.stage.load(Ordering::Acquire) == SUBMITTED
    }

    /// Whether it is recorded.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.0.stage.load(Ordering::Acquire) == RECORDED
    }

    /// Whether the request was counted and has no row of its own.
    #[must_use]
    pub fn was_counted(&self) -> bool {
        matches!(*self.decision(), RowDecision::Counted { .. } | RowDecision::CountedAnonymous)
    }

    pub(crate) fn decision(&self) -> MutexGuard<'_, RowDecision> {
        self.0.decision.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_claims_one_wins() {
        let handle = DraftHandle::default();
        let wins: usize = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| usize::from(handle.clone().claim()))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(wins, 1);
        assert!(handle.is_submitted());
    }

    #[test]
    fn a_failed_transaction_gives_the_draft_back_but_a_recorded_one_stays_recorded() {
        let handle = DraftHandle::default();
        assert!(handle.is_open());
        handle.mark_submitted();
        handle.mark_open();
        assert!(handle.is_open());
        handle.mark_submitted();
        handle.mark_recorded();
        handle.mark_open();
        handle.mark_submitted();
        assert!(handle.is_recorded() && !handle.is_open() && !handle.is_submitted());
    }
}
