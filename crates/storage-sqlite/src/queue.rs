//! Queue of the writer: bounded, fair between callers, with precedence for control work.
//!
//! Within one precedence the callers share the writer's *time*, not the number of jobs. The algorithm is start-time
//! fair queueing (Goyal, Vin, Cheng, 1996), which is deficit round robin without a quantum. Every caller has a start,
//! a point of virtual time that advances by the cost of each of its jobs. The caller with the earliest start is
//! served next. An idle caller starts at the present, so that it saves up no time; a caller in debt stays in debt
//! until the others have caught up.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use storage::{JobCaller, Precedence, StoreError};

use crate::writer::tx::WriterJob;

/// Longest run of control work while ordinary work waits, in microseconds. It keeps a crowd of settlements from
/// stopping everything else.
const CONTROL_TURN_MICROS: u64 = 10_000;
/// Share of the places that one key may take. Four keys that fill their shares leave room for others.
const SHARES: usize = 5;
/// Lowest cost of a job, in microseconds: a time too short for the clock is not free.
const LEAST_COST_MICROS: u64 = 10;

/// Number of callers without jobs whose debt is remembered. The caller with the least debt is forgotten first.
const MAX_DEBTORS: usize = 1024;

/// Queue of jobs for the writer.
pub(crate) struct Queue {
    inner: Mutex<QueueState>,
    filled: Condvar,
    places: usize,
    reserved: usize,
}

struct QueueState {
    control: FairQueue,
    ordinary: FairQueue,
    /// Control work since the last ordinary job, in microseconds.
    control_run: u64,
    /// Precedence and caller of the running job, until its cost is known.
    taken: Option<(Precedence, JobCaller)>,
    closed: bool,
    /// Whether the writer sleeps: waking it costs a system call, which is needless while a job is queued.
    asleep: bool,
}

impl Queue {
    /// Creates a queue with `places`. Ordinary jobs leave `reserved` of them free; keys leave half of these to the
    /// admins and the server, also for settlements.
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
        // Code that runs under this lock can't leave the queue half changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many jobs may wait before one of this kind is refused, in total and of its caller.
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

    /// Queues a job, or returns it with the reason for the refusal.
    pub(crate) fn push(&self, job: WriterJob) -> Result<(), (WriterJob, StoreError)> {
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

    /// Takes the next job. The cost of the previous one must have been charged.
    pub(crate) fn take(&self) -> Option<WriterJob> {
        self.lock().take()
    }

    /// Charges the run time to the caller of the job that was taken last.
    pub(crate) fn charge(&self, micros: u64) {
        self.lock().charge(micros);
    }

    /// Closes the queue for new jobs; waiting jobs still run.
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

    fn take(&mut self) -> Option<WriterJob> {
        // A job that was never charged still gives its caller the next turn.
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

/// Jobs of many callers, each caller's in order.
#[derive(Default)]
struct FairQueue {
    callers: HashMap<JobCaller, CallerJobs>,
    /// Callers that wait for a turn, by their starts; equal starts by arrival.
    turns: BTreeSet<(u64, u64, JobCaller)>,
    /// Callers without jobs whose start is in the future.
    debtors: BTreeSet<(u64, JobCaller)>,
    /// Start of the job that ran last. It never goes back.
    present: u64,
    arrivals: u64,
    depth: usize,
}

struct CallerJobs {
    jobs: VecDeque<WriterJob>,
    start: u64,
    /// Whether a job of this caller is running: its next start is not known yet.
    running: bool,
}

impl FairQueue {
    fn depth(&self) -> usize {
        self.depth
    }

    fn depth_of(&self, caller: &JobCaller) -> usize {
        self.callers.get(caller).map_or(0, |known| known.jobs.len())
    }

    fn push(&mut self, job: WriterJob) {
        self.depth += 1;
        let caller = job.caller().clone();
        if let Some(known) = self.callers.get_mut(&caller) {
            known.jobs.push_back(job);
            if known.jobs.len() > 1 || known.running {
                return;
            }
            self.debtors.remove(&(known.start, caller.clone()));
            known.start = known.start.max(self.present);
            self.turns.insert((known.start, self.arrivals, caller));
        } else {
            let start = self.present;
            let known = CallerJobs { jobs: VecDeque::from([job]), start, running: false };
            self.callers.insert(caller.clone(), known);
            self.turns.insert((start, self.arrivals, caller));
        }
        self.arrivals += 1;
    }

    /// Takes the next job. Its caller has no other turn before [`charge`](Self::charge).
    fn take(&mut self) -> Option<(JobCaller, WriterJob)> {
        let (start, _, caller) = self.turns.pop_first()?;
        let known = self.callers.get_mut(&caller)?;
        let job = known.jobs.pop_front()?;
        known.running = true;
        self.depth -= 1;
        self.present = self.present.max(start);
        Some((caller, job))
    }

    /// Advances a caller's start by the cost of its job.
    fn charge(&mut self, caller: JobCaller, cost: u64) {
        let Some(known) = self.callers.get_mut(&caller) else { return };
        known.running = false;
        known.start = known.start.saturating_add(cost);
        if known.jobs.is_empty() {
            self.debtors.insert((known.start, caller));
        } else {
            self.turns.insert((known.start, self.arrivals, caller));
            self.arrivals += 1;
        }
        self.forgive();
    }

    /// Forgets callers without a debt, and those beyond the maximum.
    fn forgive(&mut self) {
        while let Some((start, _)) = self.debtors.first()
            && (*start <= self.present || self.debtors.len() > MAX_DEBTORS)
            && let Some((_, caller)) = self.debtors.pop_first()
        {
            self.callers.remove(&caller);
        }
    }

    #[cfg(test)]
    fn known_callers(&self) -> usize {
        self.callers.len()
    }
}

#[cfg(test)]
mod tests;
