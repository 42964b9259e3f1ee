//! A store that lets a test act after a request's key was checked and before its transaction runs, and hold back what
//! the store says of itself.

use std::sync::{Arc, Mutex, PoisonError};

use storage::{Job, JobCaller, Store, Watch};

use super::Setup;

type Act = Box<dyn FnOnce(&dyn Store) + Send>;

/// The test's hand on the store.
#[derive(Clone, Default)]
pub struct Between {
    act: Arc<Mutex<Option<Act>>>,
    frozen: Arc<Mutex<Option<Watch>>>,
}

struct Interposed {
    inner: Arc<dyn Store>,
    hand: Between,
}

impl Between {
    /// Puts itself between the use cases and the store.
    pub fn under(setup: &mut Setup) -> Self {
        let hand = Self::default();
        let given = hand.clone();
        setup.options.wrap_store = Some(Arc::new(move |inner| {
            Arc::new(Interposed { inner, hand: given.clone() }) as Arc<dyn Store>
        }));
        hand
    }

    /// Acts just before the next write of a key is queued.
    pub fn act(&self, act: impl FnOnce(&dyn Store) + Send + 'static) {
        *self.act.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(act));
    }

    /// Whether the act has not come to pass.
    pub fn waits(&self) -> bool {
        self.act.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// From now on the store says of itself what it says now: its look at other processes is paused.
    pub fn freeze(&self, store: &dyn Store) {
        *self.frozen.lock().unwrap_or_else(PoisonError::into_inner) = Some(store.watch());
    }
}

impl Store for Interposed {
    storage::delegate_store!(inner: view, view_point, reads_block, readers, audit_usage, stats, close);

    fn submit(&self, job: Box<dyn Job>) {
        if matches!(job.caller(), JobCaller::Key(_)) {
            let act = self.hand.act.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(act) = act {
                act(&*self.inner);
            }
        }
        self.inner.submit(job);
    }

    fn watch(&self) -> Watch {
        let frozen = *self.hand.frozen.lock().unwrap_or_else(PoisonError::into_inner);
        frozen.unwrap_or_else(|| self.inner.watch())
    }
}
