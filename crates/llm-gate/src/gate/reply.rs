//! The way back to the caller.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::{GateAnswer, GateError};

/// The caller's ear; it may be gone at any time.
#[derive(Debug)]
pub(crate) struct CallReply(Option<oneshot::Sender<Result<GateAnswer, GateError>>>);

impl CallReply {
    pub(crate) fn new(sender: oneshot::Sender<Result<GateAnswer, GateError>>) -> Self {
        Self(Some(sender))
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    /// Returns when nobody waits any more.
    pub(crate) async fn gone(&mut self) {
        if let Some(sender) = &mut self.0 {
            sender.closed().await;
        }
    }

    /// Answers. False when nobody took it.
    pub(crate) fn give(&mut self, answer: Result<GateAnswer, GateError>) -> bool {
        self.0.take().is_some_and(|sender| sender.send(answer).is_ok())
    }

    /// Waits. False when the caller left meanwhile.
    pub(crate) async fn pause(&mut self, wait: Duration) -> bool {
        if wait.is_zero() {
            return !self.is_gone();
        }
        tokio::time::timeout(wait, self.gone()).await.is_err()
    }
}
