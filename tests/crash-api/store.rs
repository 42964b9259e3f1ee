//! A store that kills its process at a named stage of a call's booking.

use std::process::Command;
use std::sync::Arc;

use storage::{Job, JobCaller, Precedence, Store, StoreError, Tx};

use crate::tx::Watching;

/// A stage of a call's booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The hold is written, but not committed.
    InHold,
    /// The hold is committed; nobody has been told.
    AfterHold,
    /// The usage row is written, but not committed.
    InSettle,
    /// The usage row is committed; nobody has been told.
    AfterSettle,
}

impl Stage {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "in_hold" => Some(Self::InHold),
            "after_hold" => Some(Self::AfterHold),
            "in_settle" => Some(Self::InSettle),
            "after_settle" => Some(Self::AfterSettle),
            _ => None,
        }
    }
}

/// `kill -9` of this process.
pub fn die() -> ! {
    let pid = std::process::id().to_string();
    let killed = Command::new("kill").args(["-9", &pid]).status();
    unreachable!("nobody survives this: {killed:?}");
}

/// The store of the product, with an eye on its jobs.
pub struct CrashStore {
    pub inner: Arc<dyn Store>,
    pub stage: Stage,
}

impl Store for CrashStore {
    storage::delegate_store!(inner: view, view_point, reads_block, readers, watch, audit_usage, stats, close);

    fn submit(&self, job: Box<dyn Job>) {
        self.inner.submit(Box::new(CrashJob { job, stage: self.stage, held: false, settled: false }));
    }
}

struct CrashJob {
    job: Box<dyn Job>,
    stage: Stage,
    held: bool,
    settled: bool,
}

impl Job for CrashJob {
    fn run(&mut self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        let mut watching = Watching { tx, held: false, settled: false };
        let ran = self.job.run(&mut watching);
        (self.held, self.settled) = (watching.held, watching.settled);
        if (self.stage == Stage::InHold && self.held) || (self.stage == Stage::InSettle && self.settled) {
            die();
        }
        ran
    }

    fn done(self: Box<Self>, end: Result<(), StoreError>) {
        if (self.stage == Stage::AfterHold && self.held) || (self.stage == Stage::AfterSettle && self.settled)
        {
            die();
        }
        self.job.done(end);
    }

    fn gone(&self) -> bool {
        self.job.gone()
    }

    fn precedence(&self) -> Precedence {
        self.job.precedence()
    }

    fn caller(&self) -> &JobCaller {
        self.job.caller()
    }
}
