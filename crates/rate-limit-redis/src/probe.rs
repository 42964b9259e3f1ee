//! Background task that checks whether Redis is reachable.

use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::limiter::RedisLimiter;

impl RedisLimiter {
    /// Starts the task that notices a dead Redis without waiting for a call, and switches back when it answers again.
    /// It runs on the runtime of [`Self::connect`] and ends when the limiter is dropped. Start one.
    /// again. It runs on the runtime of [`Self::connect`] and ends when the limiter goes. Start one.
    pub fn spawn_probe(self: &Arc<Self>) -> JoinHandle<()> {
        let limiter = Arc::downgrade(self);
        self.home.spawn(async move {
            while let Some(limiter) = limiter.upgrade() {
                limiter.look().await;
                let pause = limiter.options.probe_every;
                drop(limiter);
                tokio::time::sleep(pause).await;
            }
        })
    }

    async fn look(&self) {
        if let Some(mut link) = self.link() {
            if let Err(reason) = self.try_out(&mut link).await {
                self.lose(&link, &reason);
            }
        } else if let Ok(connection) = self.dial().await {
            // The reason was logged when the connection was lost; repeating it four times a second does not help.
            self.install(connection);
        }
    }
}
