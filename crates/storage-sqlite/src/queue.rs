//! The writer's queue: bounded, fair to callers, control before ordinary work.
//!
//! Within one precedence the callers share the writer's *time*, not its jobs: start-time fair queueing, which is
//! deficit round robin without a quantum. A caller that used much of the writer's time waits while the others run.

mod fair;

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use storage::{Job, JobCaller, Precedence, StoreError};

use fair::FairQueue;

/// How much control work may run in a row while ordinary work waits, in microseconds. It keeps a crowd of settlements
/// from stopping everything else.
const CONTROL_TURN_MICROS: u64 = 10_000;
/// A key's share of the places. Four keys that fill theirs leave room for the others.
const SHARES: usize = 5;
/// What the least job costs, in microseconds: time too short for the clock is not free.
const LEAST_COST_MICROS: u64 = 10;

/// Jobs that wait for the writer.
pub(crate) struct Queue {
    inner: Mutex<QueueState>,
    filled: Condvar,
    places: usize,
    reserved: usize,
}

struct QueueState {
    control: FairQueue,
    ordinary: FairQueue,
    /// The control work since the last ordinary job, in microseconds.
    control_run: u64,
    /// Precedence and caller of the job that the writer runs, until its cost is known.
    taken: Option<(Precedence, JobCaller)>,
    closed: bool,
    /// Whether the writer sleeps: waking it costs a system call, which a job behind another need not pay.
    asleep: bool,
}

impl Queue {
    /// A queue of `places`. Ordinary jobs leave `reserved` of them free; keys leave half of these to the admins and
    /// the platform, whatever they settle.
    pub(crate) fn new(places: usize, reserved: usize) -> Self {
        let inner = QueueState {
            control: FairQueue::default(),
            ordinary: FairQueue::default(),
            control_run: 0,
            taken: None,
            closed: false,
            asleep: false,
        };
        Self { inner: Mutex::new(inner), filled: Condvar::new(), places, reserved }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        // Nothing that runs under this lock can leave the queue half changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many jobs may wait before one of this kind is refused, and how many of its caller.
    fn bounds(&self, precedence: Precedence, caller: &JobCaller) -> (usize, usize) {
        let share = match caller {
            JobCaller::Platform | JobCaller::Admin => self.places,
            JobCaller::Key(_) => (self.places / SHARES).max(1),
        };
        let kept_free = match (precedence, caller) {
            (Precedence::Ordinary, _) => self.reserved,
            (Precedence::Control, JobCaller::Key(_)) => self.reserved / 2,
            (Precedence::Control, JobCaller::Platform | JobCaller::Admin) => 0,
        };
        (self.places.saturating_sub(kept_free), share)
    }

    /// Takes a job, or gives it back with the reason.
    pub(crate) fn push(&self, job: Box<dyn Job>) -> Result<(), (Box<dyn Job>, StoreError)> {
        let precedence = job.precedence();
        let (places, share) = self.bounds(precedence, job.caller());
        let mut inner = self.lock();
        if inner.closed {
            return Err((job, StoreError::Closed));
        }
        if inner.depth() >= places || inner.depth_of(job.caller()) >= share {
            return Err((job, StoreError::Busy));
        }
        inner.of(precedence).push(job);
        let wake = std::mem::take(&mut inner.asleep);
        drop(inner);
        if wake {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Waits for a job, at most `patience`, and returns how many there are. `None` when the queue is closed and
    /// empty.
    pub(crate) fn wait(&self, patience: Option<Duration>) -> Option<usize> {
        let mut inner = self.lock();
        if inner.depth() == 0 && !inner.closed {
            inner.asleep = true;
            let idle = |inner: &mut QueueState| inner.depth() == 0 && !inner.closed;
            inner = match patience {
                None => self.filled.wait_while(inner, idle).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let waited = self.filled.wait_timeout_while(inner, patience, idle);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            inner.asleep = false;
        }
        let depth = inner.depth();
        (depth > 0 || !inner.closed).then_some(depth)
    }

    /// The job whose turn it is. What the one before cost must have been charged by then.
    pub(crate) fn take(&self) -> Option<Box<dyn Job>> {
        self.lock().take()
    }

    /// Charges the caller of the job that was taken last for its time.
    pub(crate) fn charge(&self, micros: u64) {
        self.lock().charge(micros);
    }

    /// Takes no job any more; those that wait are still run.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    pub(crate) fn depth(&self) -> usize {
        self.lock().depth()
    }
}

impl QueueState {
    fn of(&mut self, precedence: Precedence) -> &mut FairQueue {
        match precedence {
            Precedence::Control => &mut self.control,
            Precedence::Ordinary => &mut self.ordinary,
        }
    }

    fn depth(&self) -> usize {
        self.control.depth() + self.ordinary.depth()
    }

    fn depth_of(&self, caller: &JobCaller) -> usize {
        self.control.depth_of(caller) + self.ordinary.depth_of(caller)
    }

    fn take(&mut self) -> Option<Box<dyn Job>> {
        // A job whose end was never charged still gives its caller the next turn.
        self.charge(0);
        let ordinary_turn = self.control.depth() == 0
            || (self.control_run >= CONTROL_TURN_MICROS && self.ordinary.depth() > 0);
        let precedence = if ordinary_turn { Precedence::Ordinary } else { Precedence::Control };
        let (caller, job) = self.of(precedence).take()?;
        self.taken = Some((precedence, caller));
        Some(job)
    }

    fn charge(&mut self, micros: u64) {
        let Some((precedence, caller)) = self.taken.take() else { return };
        let cost = micros.max(LEAST_COST_MICROS);
        self.control_run = match precedence {
            Precedence::Control => self.control_run.saturating_add(cost),
            Precedence::Ordinary => 0,
        };
        self.of(precedence).charge(caller, cost);
    }
}

#[cfg(test)]
mod tests;
