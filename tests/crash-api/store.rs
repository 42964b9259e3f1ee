//! A store that kills its process at a named stage of a call's booking.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use registry_core::KeyId;
use storage::{DayUsage, Job, JobCaller, Precedence, Store, StoreError, StoreStats, Tx, View, Watch};

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
    fn submit(&self, job: Box<dyn Job>) {
        self.inner.submit(Box::new(CrashJob { job, stage: self.stage, held: false, settled: false }));
    }

    fn view(&self, f: &mut dyn FnMut(&dyn View) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.inner.view(f)
    }

    fn view_point(
        &self,
        patience: Duration,
        f: &mut dyn FnMut(&dyn View) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.inner.view_point(patience, f)
    }

    fn reads_block(&self) -> bool {
        self.inner.reads_block()
    }

    fn readers(&self) -> usize {
        self.inner.readers()
    }

    fn watch(&self) -> Watch {
        self.inner.watch()
    }

    fn bump_epoch(&self) {
        self.inner.bump_epoch();
    }

    fn audit_usage(&self, key: &KeyId) -> Option<DayUsage> {
        self.inner.audit_usage(key)
    }

    fn stats(&self) -> StoreStats {
        self.inner.stats()
    }

    fn close(&self, within: Duration) -> Result<(), StoreError> {
        self.inner.close(within)
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
