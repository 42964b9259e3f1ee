//! Bookkeeping of the calls in progress, so that a gate can stop gracefully.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use llm_policy::CallId;
use tokio::sync::watch;

/// The calls of a gate that are not settled yet.
#[derive(Debug)]
pub(crate) struct OpenCalls {
    count: watch::Sender<usize>,
    closing: AtomicBool,
    /// The ids that callers chose. Two concurrent calls with one id would get the same hold from the ledger, and so
    /// leave one usage row for two requests.
    chosen: Mutex<HashSet<CallId>>,
}

impl OpenCalls {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            count: watch::Sender::new(0),
            closing: AtomicBool::new(false),
            chosen: Mutex::new(HashSet::new()),
        })
    }

    /// Registers a call; `None` once the gate is stopping.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<OpenCall> {
        self.count.send_modify(|count| *count += 1);
        let call = OpenCall { calls: Arc::clone(self), id: None };
        // The call is counted before `closing` is read. So either `drain` sees the call, or the call sees `closing`.
        (!self.closing.load(Ordering::SeqCst)).then_some(call)
    }

    /// Refuses further calls and waits for those in progress. Returns the number of calls that remain.
    pub(crate) async fn drain(&self, within: Duration) -> usize {
        self.closing.store(true, Ordering::SeqCst);
        let mut count = self.count.subscribe();
        // The sender lives as long as `self`, so the wait ends only when no call is left or the time is over.
        let _ = tokio::time::timeout(within, count.wait_for(|count| *count == 0)).await;
        *self.count.borrow()
    }
}

/// One call in progress. Dropping it ends the call.
#[derive(Debug)]
pub(crate) struct OpenCall {
    calls: Arc<OpenCalls>,
    id: Option<CallId>,
}

impl OpenCall {
    /// Reserves an id that the caller chose. Returns `false` if another call in progress has it.
    pub(crate) fn take(&mut self, id: &CallId) -> bool {
        let mut chosen = self.calls.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = chosen.insert(id.clone());
        if fresh {
            self.id = Some(id.clone());
        }
        fresh
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        if let Some(id) = &self.id {
            self.calls.chosen.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        }
        self.calls.count.send_modify(|count| *count -= 1);
    }
}
