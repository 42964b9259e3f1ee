//! Holds that nobody in this process will settle.

use std::sync::{Mutex, PoisonError};

use llm_policy::HoldId;

/// Holds whose settlement failed for good, or whose call ended without one. A server renews the leases of all its
/// holds, so these must be told apart: their leases run out, and they are settled as orphans.
///
/// A hold that is still in use after all may be here: then its settlement comes late and puts the numbers right.
#[derive(Debug, Default)]
pub struct AbandonedHolds(Mutex<Vec<HoldId>>);

impl AbandonedHolds {
    pub(crate) fn add(&self, holds: impl IntoIterator<Item = HoldId>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(holds);
    }

    pub(crate) fn take(&self) -> Vec<HoldId> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
