//! The thread that makes the calls of a blocking client.

use std::future::Future;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::coop;

use crate::Error;

/// A thread with a runtime of its own. It also watches idle connections, so that one which the server has closed
/// is not used again. It ends when the last clone is gone.
#[derive(Debug, Clone)]
pub(crate) struct Runner {
    handle: Handle,
    _stop: Arc<oneshot::Sender<()>>,
}

impl Runner {
    pub(crate) fn start() -> Result<Self, Error> {
        let setup = |source: std::io::Error| Error::Setup {
            advice: "no thread or runtime can be started; look at this process's limits",
            source: Some(Box::new(source)),
        };
        let runtime = Builder::new_current_thread().enable_io().enable_time().build().map_err(setup)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("t4-policy-client".to_owned())
            .spawn(move || {
                // Ends with an error, by design, when the sender is dropped.
                let _ = runtime.block_on(stopped);
            })
            .map_err(setup)?;
        Ok(Self { handle, _stop: Arc::new(stop) })
    }

    /// Runs a call there and waits for it here.
    pub(crate) fn run<T, F>(&self, call: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        if inside_a_task() {
            return Err(Error::InAsyncContext);
        }
        let (give, take) = mpsc::sync_channel(1);
        self.handle.spawn(async move {
            // The receiver waits below; it can't be gone.
            let _ = give.send(call.await);
        });
        take.recv()
            .unwrap_or(Err(Error::Setup { advice: "the thread that makes the calls is gone", source: None }))
    }
}

/// Whether this thread is polling an async task of tokio's, which a wait would hold up with all its neighbours.
///
/// Threads of `spawn_blocking` belong to a runtime as well, but may wait. What tells them apart is the budget that
/// tokio gives to tasks alone: using it up here costs the task no more than giving way once.
fn inside_a_task() -> bool {
    /// More than tokio's budget of a task, which is 128.
    const MORE_THAN_A_BUDGET: usize = 1024;
    if Handle::try_current().is_err() {
        return false;
    }
    let mut context = Context::from_waker(Waker::noop());
    (0..MORE_THAN_A_BUDGET).any(|_| match coop::poll_proceed(&mut context) {
        Poll::Ready(used) => {
            used.made_progress();
            false
        }
        Poll::Pending => true,
    })
}
