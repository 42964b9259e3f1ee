//! The front of a store: closures in, values out. A write can't be called without its audit draft.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use audit::{Draft, DraftHandle, Outcome};
use tokio::sync::oneshot;

use crate::{Job, JobCaller, JobClass, Leafed, Precedence, Store, StoreError, Tx, View};

/// The kind of thread that a read of a few rows runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadLane {
    /// A thread that serves requests: the read runs at once or not at all.
    Serving,
    /// A thread that may wait.
    Blocking,
}

impl ReadLane {
    /// How long the read may wait for a connection.
    #[must_use]
    pub fn patience(self) -> Duration {
        match self {
            Self::Serving => Duration::ZERO,
            Self::Blocking => Duration::from_secs(2),
        }
    }
}

/// What a write decided. It commits, refusals included; only storage trouble rolls back.
#[derive(Debug)]
pub struct Decided<T> {
    /// For the caller.
    pub value: T,
    /// For the record.
    pub outcome: Outcome,
}

impl dyn Store + '_ {
    /// Runs `f` in a transaction, adds the record of the request to it, and answers after the commit is
    /// durable. `f` may run more than once: ids, times and secrets are made before it.
    ///
    /// `class` is the caller that the time is charged to, and the precedence. `at_micros` is the request's monotonic time, for the aggregation of
    /// refusals.
    ///
    /// # Errors
    /// Storage trouble; nothing was then changed, except after [`StoreError::OutcomeUnknown`].
    pub fn write<T, F>(
        &self,
        class: JobClass,
        record: Draft,
        at_micros: u64,
        mut f: F,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Tx) -> Result<Decided<T>, StoreError> + Send + 'static,
    {
        self.write_noted(class, record, at_micros, move |tx, _| f(tx))
    }

    /// Like `write` for `f` that adds to the record what only the transaction knows.
    ///
    /// # Errors
    /// As `write`.
    pub fn write_noted<T, F>(
        &self,
        class: JobClass,
        record: Draft,
        at_micros: u64,
        f: F,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Tx, &mut Draft) -> Result<Decided<T>, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let handle = record.handle();
        handle.mark_submitted();
        self.submit(Box::new(Write { f, class, record, at_micros, handle, value: None, reply }));
        async move { answer.await.unwrap_or(Err(StoreError::Closed)) }
    }

    /// Adds records that stand on their own (reads, refusals at the edge, jobs), as work of the
    /// platform.
    ///
    /// # Errors
    /// Storage trouble; none of the records is then in the log.
    pub fn append(
        &self,
        records: Vec<Arc<Leafed>>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        self.submit(Box::new(Append { records, reply }));
        async move { answer.await.unwrap_or(Err(StoreError::Closed)) }
    }

    /// Runs `f` in a transaction without a request behind it: the platform's own upkeep. What it changes must
    /// be of no interest to an auditor, or be recorded by `f` itself.
    ///
    /// # Errors
    /// Storage trouble; nothing was then changed.
    pub fn upkeep<T, F>(&self, f: F) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Tx) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.submit(Box::new(Upkeep { f, value: None, reply }));
        async move { answer.await.unwrap_or(Err(StoreError::Closed)) }
    }

    /// Runs `f` on one snapshot, on the calling thread, which may have to wait for a connection.
    ///
    /// # Errors
    /// What `f` returns, or storage trouble.
    pub fn read<T>(&self, mut f: impl FnMut(&dyn View) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut out = None;
        self.view(&mut |view| {
            out = Some(f(view)?);
            Ok(())
        })?;
        out.ok_or_else(|| StoreError::Unavailable("the view was not shown".to_owned()))
    }

    /// Runs a read of a few rows by key on a connection that scans can't take.
    ///
    /// # Errors
    /// What `f` returns, or storage trouble; [`StoreError::NoReader`] when no connection was free within the lane's
    /// patience, and `f` has not run then.
    pub fn read_point<T>(
        &self,
        lane: ReadLane,
        mut f: impl FnMut(&dyn View) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut out = None;
        self.view_point(lane.patience(), &mut |view| {
            out = Some(f(view)?);
            Ok(())
        })?;
        out.ok_or_else(|| StoreError::Unavailable("the view was not shown".to_owned()))
    }
}

fn end<T>(reply: oneshot::Sender<Result<T, StoreError>>, value: Option<T>, end: Result<(), StoreError>) {
    let missing = || StoreError::Unavailable("the job gave no value".to_owned());
    // A caller that is gone needs no answer.
    drop(reply.send(end.and_then(|()| value.ok_or_else(missing))));
}

struct Write<T, F> {
    f: F,
    class: JobClass,
    record: Draft,
    at_micros: u64,
    handle: DraftHandle,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Write<T, F>
where
    T: Send,
    F: FnMut(&mut dyn Tx, &mut Draft) -> Result<Decided<T>, StoreError> + Send,
{
    fn run(&mut self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        self.value = None;
        let decided = (self.f)(tx, &mut self.record)?;
        if let Some(record) = self.record.close(&decided.outcome, self.at_micros) {
            tx.append_audit(Leafed::new(record))?;
        }
        self.value = Some(decided.value);
        Ok(())
    }

    fn done(self: Box<Self>, ended: Result<(), StoreError>) {
        match &ended {
            Ok(()) => self.handle.mark_recorded(),
            Err(_) => self.handle.mark_open(),
        }
        end(self.reply, self.value, ended);
    }

    fn gone(&self) -> bool {
        !self.class.outlives_caller() && self.reply.is_closed()
    }

    fn precedence(&self) -> Precedence {
        self.class.precedence()
    }

    fn caller(&self) -> &JobCaller {
        self.class.caller()
    }
}

struct Append {
    records: Vec<Arc<Leafed>>,
    reply: oneshot::Sender<Result<(), StoreError>>,
}

impl Job for Append {
    fn run(&mut self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        self.records.iter().try_for_each(|record| tx.append_audit(Arc::clone(record)))
    }

    fn done(self: Box<Self>, ended: Result<(), StoreError>) {
        end(self.reply, Some(()), ended);
    }

    fn precedence(&self) -> Precedence {
        Precedence::Control
    }

    fn caller(&self) -> &JobCaller {
        &JobCaller::Platform
    }
}

struct Upkeep<T, F> {
    f: F,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Upkeep<T, F>
where
    T: Send,
    F: FnMut(&mut dyn Tx) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        self.value = Some((self.f)(tx)?);
        Ok(())
    }

    fn done(self: Box<Self>, ended: Result<(), StoreError>) {
        end(self.reply, self.value, ended);
    }

    fn precedence(&self) -> Precedence {
        Precedence::Control
    }

    fn caller(&self) -> &JobCaller {
        &JobCaller::Platform
    }
}
