//! The calls of a gate that are under way.

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
    /// Ids that callers chose. A ledger gives the same ask the same hold, so two calls of one id at a time would
    /// leave one row for two requests.
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

    /// Counts a call; `None` once the gate is about to stop.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<OpenCall> {
        self.count.send_modify(|count| *count += 1);
        let call = OpenCall { calls: Arc::clone(self), id: None };
        // Counted first: a stop either sees this call or is seen by it.
        (!self.closing.load(Ordering::SeqCst)).then_some(call)
    }

    /// Takes no further calls and waits for those that are open; how many still are.
    pub(crate) async fn drain(&self, within: Duration) -> usize {
        self.closing.store(true, Ordering::SeqCst);
        let mut count = self.count.subscribe();
        // The sender lives as long as `self`, so waiting ends with nobody left or with the time.
        let _ = tokio::time::timeout(within, count.wait_for(|count| *count == 0)).await;
        *self.count.borrow()
    }
}

/// One call under way.
#[derive(Debug)]
pub(crate) struct OpenCall {
    calls: Arc<OpenCalls>,
    id: Option<CallId>,
}

impl OpenCall {
    /// Takes an id that a caller chose. False when another call under way has it.
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
