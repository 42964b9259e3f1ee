//! Write functions of a store: a closure in, a value out. A write can't be called without its audit draft or without
//! its authority.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use audit::{Leafed, OwnedDraft};
use tokio::sync::oneshot;

use crate::{
    Authority, Decided, Job, JobCaller, JobClass, Precedence, Store, StoreError, Tx, View, read_shown,
};

/// Kind of thread that a read of a few rows runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadLane {
    /// Thread that serves requests: the read runs at once or not at all.
    Serving,
    /// Thread that may wait.
    Blocking,
}

impl ReadLane {
    /// Returns how long the read may wait for a connection.
    #[must_use]
    pub fn patience(self) -> Duration {
        match self {
            Self::Serving => Duration::ZERO,
            Self::Blocking => Duration::from_secs(2),
        }
    }
}

impl dyn Store + '_ {
    /// Runs `f` in a transaction, adds the record of the request to it, and returns after the commit is durable. `f`
    /// may run more than once, so ids, times and secrets are made before.
    ///
    /// Each run begins with `authority`: if it refuses, `f` does not run and the refusal is recorded. `class` is the
    /// caller that the time is charged to, and the precedence. `at_micros` is the monotonic time of the request, for
    /// the aggregation of refusals. The transaction owns `draft` until it has ended; a transaction that fails gives
    /// it back.
    ///
    /// # Errors
    /// A storage error; nothing was then changed, except after [`StoreError::OutcomeUnknown`].
    pub fn write<A, T, E, F>(
        &self,
        authority: A,
        class: JobClass,
        draft: OwnedDraft,
        at_micros: u64,
        f: F,
    ) -> impl Future<Output = Result<Result<T, E>, StoreError>> + Send + use<A, T, E, F>
    where
        A: Authority,
        T: Send + 'static,
        E: From<A::Refusal> + Send + 'static,
        F: FnMut(&mut dyn Tx, &A::Caller) -> Result<Decided<Result<T, E>>, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.submit(Box::new(Write { authority, f, class, draft, at_micros, value: None, reply }));
        async move { answer.await.unwrap_or(Err(StoreError::Closed)) }
    }

    /// Adds records without a change (reads, refusals of the HTTP layer, background work), as work of the server.
    ///
    /// # Errors
    /// A storage error; none of the records is then in the log.
    pub fn append(
        &self,
        records: Vec<Arc<Leafed>>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        self.submit(Box::new(Append { records, reply }));
        async move { answer.await.unwrap_or(Err(StoreError::Closed)) }
    }

    /// Runs `f` in a transaction without a request: upkeep of the server. What it changes must not matter to an
    /// auditor, or be recorded by `f`.
    ///
    /// # Errors
    /// A storage error; nothing was then changed.
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
    /// The error of `f`, or a storage error.
    pub fn read<T>(&self, f: impl FnMut(&dyn View) -> Result<T, StoreError>) -> Result<T, StoreError> {
        read_shown(|show| self.view(show), f)
    }

    /// Runs a read of a few rows by key on a connection that scans can't take.
    ///
    /// # Errors
    /// The error of `f`, or a storage error; [`StoreError::NoReader`] when no connection was free within the lane's
    /// patience, and `f` has not run then.
    pub fn read_point<T>(
        &self,
        lane: ReadLane,
        f: impl FnMut(&dyn View) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        read_shown(|show| self.view_point(lane.patience(), show), f)
    }
}

fn end<T>(reply: oneshot::Sender<Result<T, StoreError>>, value: Option<T>, end: Result<(), StoreError>) {
    let missing = || StoreError::Invariant("the job gave no value".to_owned());
    // A caller that has disconnected needs no answer.
    drop(reply.send(end.and_then(|()| value.ok_or_else(missing))));
}

struct Write<A, T, E, F> {
    authority: A,
    f: F,
    class: JobClass,
    draft: OwnedDraft,
    at_micros: u64,
    value: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<Result<T, E>, StoreError>>,
}

impl<A, T, E, F> Job for Write<A, T, E, F>
where
    A: Authority,
    T: Send,
    E: From<A::Refusal> + Send,
    F: FnMut(&mut dyn Tx, &A::Caller) -> Result<Decided<Result<T, E>>, StoreError> + Send,
{
    fn run(&mut self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        self.value = None;
        let decided = match self.authority.confirm(tx)? {
            Ok(caller) => (self.f)(tx, caller)?,
            Err(Decided { value, outcome, detail }) => {
                Decided { value: Err(E::from(value)), outcome, detail }
            }
        };
        if let Some(record) = self.draft.close(&decided.outcome, decided.detail, self.at_micros) {
            tx.append_audit(Leafed::new(record))?;
        }
        self.value = Some(decided.value);
        Ok(())
    }

    fn done(self: Box<Self>, ended: Result<(), StoreError>) {
        // The draft has its next owner before the caller learns of the end.
        match &ended {
            Ok(()) => self.draft.recorded(),
            Err(_) => drop(self.draft),
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
