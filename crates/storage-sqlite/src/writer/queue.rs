//! The queue in front of the writer.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use storage::{Job, StoreError};

/// Jobs that wait for the writer, a bounded number of them.
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    filled: Condvar,
    places: usize,
    reserved: usize,
}

struct Inner {
    jobs: VecDeque<Box<dyn Job>>,
    closed: bool,
    /// Whether the writer sleeps: waking it costs a system call, which a job behind another need not pay.
    asleep: bool,
}

impl Queue {
    pub(crate) fn new(places: usize, reserved: usize) -> Self {
        let inner = Inner { jobs: VecDeque::with_capacity(places), closed: false, asleep: false };
        Self { inner: Mutex::new(inner), filled: Condvar::new(), places, reserved }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing that runs under this lock can leave the queue half changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a job, or gives it back with the reason.
    pub(crate) fn push(&self, job: Box<dyn Job>) -> Result<(), (Box<dyn Job>, StoreError)> {
        let places = if job.urgent() { self.places } else { self.places.saturating_sub(self.reserved) };
        let mut inner = self.lock();
        if inner.closed {
            return Err((job, StoreError::Closed));
        }
        if inner.jobs.len() >= places {
            return Err((job, StoreError::Busy));
        }
        inner.jobs.push_back(job);
        let wake = std::mem::take(&mut inner.asleep);
        drop(inner);
        if wake {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Fills `pending` up to `most` jobs. When there is none it waits for the first, at most `patience`. False when
    /// the queue is closed and all is done.
    pub(crate) fn take(
        &self,
        pending: &mut VecDeque<Box<dyn Job>>,
        most: usize,
        patience: Option<Duration>,
    ) -> bool {
        let mut inner = self.lock();
        if pending.is_empty() && inner.jobs.is_empty() && !inner.closed {
            inner.asleep = true;
            let idle = |inner: &mut Inner| inner.jobs.is_empty() && !inner.closed;
            inner = match patience {
                None => self.filled.wait_while(inner, idle).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let waited = self.filled.wait_timeout_while(inner, patience, idle);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            inner.asleep = false;
        }
        let wanted = most.saturating_sub(pending.len()).min(inner.jobs.len());
        pending.extend(inner.jobs.drain(..wanted));
        !(inner.closed && pending.is_empty())
    }

    /// Takes no job any more; those that wait are still run.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    pub(crate) fn depth(&self) -> usize {
        self.lock().jobs.len()
    }
}
