//! The body of an answer, with the time limits of reading it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::chain;
use crate::provider::ProviderError;

/// The most that is set aside before anything has come, in bytes: the length that an answer states may be a lie.
const MAX_AHEAD: u64 = 1 << 20;
/// How long the end of a body is waited for when its content is complete.
const LINGER: Duration = Duration::from_secs(1);
/// How much may still come then, in bytes.
const MAX_LINGER: usize = 64 << 10;

/// A body that is still coming. Dropping it before its end closes the connection.
pub(crate) struct AnswerBody {
    chunks: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    length: Option<u64>,
    timer: Pin<Box<Sleep>>,
    idle: Duration,
    total: Instant,
}

impl AnswerBody {
    pub(super) fn new(response: reqwest::Response, idle: Duration, total: Instant) -> Self {
        let length = response.content_length();
        let limit = total.min(Instant::now() + idle);
        Self {
            chunks: Box::pin(response.bytes_stream()),
            length,
            timer: Box::pin(sleep_until(limit)),
            idle,
            total,
        }
    }

    /// The next bytes; `None` at the end.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ProviderError>>> {
        let next = match self.chunks.as_mut().poll_next(cx) {
            Poll::Ready(next) => next,
            Poll::Pending => {
                return self.timer.as_mut().poll(cx).map(|()| {
                    let phase = if self.timer.deadline() < self.total { "idle" } else { "total" };
                    Some(Err(ProviderError::Timeout { phase }))
                });
            }
        };
        let now = Instant::now();
        Poll::Ready(match next {
            None => None,
            Some(Err(error)) => Some(Err(ProviderError::Broken(chain(&error.without_url())))),
            // A body that never pauses does not wait for the timer.
            Some(Ok(_)) if self.total <= now => Some(Err(ProviderError::Timeout { phase: "total" })),
            Some(Ok(chunk)) => {
                self.timer.as_mut().reset(self.total.min(now + self.idle));
                Some(Ok(chunk))
            }
        })
    }

    async fn chunk(&mut self) -> Option<Result<Bytes, ProviderError>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// All of it.
    ///
    /// # Errors
    /// [`ProviderError::BadAnswer`] when it is longer than `most` bytes; else what ended it too early.
    pub(crate) async fn read(&mut self, most: usize) -> Result<Bytes, ProviderError> {
        let too_long = || ProviderError::BadAnswer(format!("it is longer than {} MiB", most >> 20));
        let stated = self.length.unwrap_or(0);
        if usize::try_from(stated).is_ok_and(|stated| stated > most) {
            return Err(too_long());
        }
        let mut all = BytesMut::with_capacity(usize::try_from(stated.min(MAX_AHEAD)).unwrap_or(0));
        while let Some(chunk) = self.chunk().await {
            let chunk = chunk?;
            if all.len() + chunk.len() > most {
                return Err(too_long());
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    /// Its first `most` bytes, or what came of them.
    pub(super) async fn read_some(&mut self, most: usize) -> Bytes {
        let mut all = BytesMut::new();
        while all.len() <= most
            && let Some(Ok(chunk)) = self.chunk().await
        {
            all.extend_from_slice(&chunk);
        }
        all.truncate(most);
        all.freeze()
    }

    /// Reads the end of a body whose content is complete, so that the next call can have the connection.
    pub(crate) fn release(mut self, cx: &mut Context<'_>) {
        if let Poll::Ready(None | Some(Err(_))) = self.poll_chunk(cx) {
            return;
        }
        tokio::spawn(async move {
            let rest = self.read_some(MAX_LINGER);
            // Whoever does not end in time loses the connection, nothing else.
            let _ = timeout(LINGER, rest).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes without end and without a pause.
    struct Flood;

    impl Stream for Flood {
        type Item = reqwest::Result<Bytes>;

        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(Some(Ok(Bytes::from_static(b"x"))))
        }
    }

    #[tokio::test]
    async fn a_body_that_never_pauses_ends_at_its_total() {
        let idle = Duration::from_mins(1);
        let total = Instant::now() + Duration::from_millis(20);
        let timer = Box::pin(sleep_until(total));
        let mut body = AnswerBody { chunks: Box::pin(Flood), length: None, timer, idle, total };
        let last = tokio::time::timeout(idle, async {
            loop {
                if let Err(error) = body.chunk().await.unwrap() {
                    return error;
                }
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(last.await.unwrap(), ProviderError::Timeout { phase: "total" });
    }
}
