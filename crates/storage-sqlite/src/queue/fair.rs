//! Fair queueing: callers take turns by the time that their jobs took.
//!
//! Start-time fair queueing (Goyal, Vin, Cheng, 1996). Every caller has a start, a point of virtual time that moves on
//! by the cost of each of its jobs; the caller with the earliest start goes next. An idle caller starts at the present, so
//! that no caller saves up time; a caller in debt keeps the debt until the others have caught up.

use std::collections::{BTreeSet, HashMap, VecDeque};

use storage::{Job, JobCaller};

/// How many callers without jobs are remembered for the time that they still owe. The caller that owes least is
/// forgotten first.
const MAX_DEBTORS: usize = 1024;

/// Jobs of many callers, each caller's in their order.
#[derive(Default)]
pub(super) struct FairQueue {
    callers: HashMap<JobCaller, CallerJobs>,
    /// Callers that wait for a turn, by their starts; equal starts go by arrival.
    turns: BTreeSet<(u64, u64, JobCaller)>,
    /// Callers that have no job and whose start is yet to come.
    debtors: BTreeSet<(u64, JobCaller)>,
    /// The start of the job that ran last. It never goes back.
    present: u64,
    arrivals: u64,
    depth: usize,
}

struct CallerJobs {
    jobs: VecDeque<Box<dyn Job>>,
    start: u64,
    /// Whether a job of this caller is running: its next start is not known yet.
    running: bool,
}

impl FairQueue {
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    pub(super) fn depth_of(&self, caller: &JobCaller) -> usize {
        self.callers.get(caller).map_or(0, |known| known.jobs.len())
    }

    pub(super) fn push(&mut self, job: Box<dyn Job>) {
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

    /// The job whose turn it is. Its caller has no other turn before [`charge`](Self::charge).
    pub(super) fn take(&mut self) -> Option<(JobCaller, Box<dyn Job>)> {
        let (start, _, caller) = self.turns.pop_first()?;
        let known = self.callers.get_mut(&caller)?;
        let job = known.jobs.pop_front()?;
        known.running = true;
        self.depth -= 1;
        self.present = self.present.max(start);
        Some((caller, job))
    }

    /// Moves a caller's start by what the job that it ran has cost.
    pub(super) fn charge(&mut self, caller: JobCaller, cost: u64) {
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

    /// Forgets callers that owe nothing any more, and those beyond the bound.
    fn forgive(&mut self) {
        while let Some((start, _)) = self.debtors.first()
            && (*start <= self.present || self.debtors.len() > MAX_DEBTORS)
            && let Some((_, caller)) = self.debtors.pop_first()
        {
            self.callers.remove(&caller);
        }
    }

    #[cfg(test)]
    pub(super) fn known_callers(&self) -> usize {
        self.callers.len()
    }
}
