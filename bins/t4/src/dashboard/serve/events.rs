//! Events that announce a new page (server-sent events, HTML standard, section 9.2).

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use registry_core::ServerSentEvent;
use tokio::sync::watch;

use super::Shown;

/// A line without meaning is sent so often: it finds out that nobody reads any more.
const ALIVE: Duration = Duration::from_secs(20);

type News = watch::Receiver<Arc<Shown>>;
type Waiting = Pin<Box<dyn Future<Output = Option<(News, Bytes)>>>>;

/// A body that never ends by itself: the number of the page now, then of each new one.
pub struct PageEvents {
    waiting: Waiting,
    listeners: Arc<AtomicUsize>,
}

impl PageEvents {
    /// For one listener.
    pub fn new(mut news: News, listeners: &Arc<AtomicUsize>) -> Self {
        listeners.fetch_add(1, Ordering::Relaxed);
        let waiting = Box::pin(async move {
            let now = event(&mut news);
            Some((news, now))
        });
        Self { waiting, listeners: listeners.clone() }
    }
}

impl Drop for PageEvents {
    fn drop(&mut self) {
        self.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for PageEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

fn event(news: &mut News) -> Bytes {
    let version = news.borrow_and_update().version.to_string();
    ServerSentEvent { name: Some("page"), retry_ms: Some(3000), data: version.as_bytes() }.to_bytes().into()
}

/// The next thing to send; `None` when the server stops.
async fn next(mut news: News) -> Option<(News, Bytes)> {
    let sent = match tokio::time::timeout(ALIVE, news.changed()).await {
        Ok(Ok(())) => event(&mut news),
        Ok(Err(_)) => return None,
        Err(_) => Bytes::from_static(b":\n\n"),
    };
    Some((news, sent))
}

impl MessageBody for PageEvents {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let Poll::Ready(sent) = self.waiting.as_mut().poll(cx) else { return Poll::Pending };
        let Some((news, bytes)) = sent else { return Poll::Ready(None) };
        self.waiting = Box::pin(next(news));
        Poll::Ready(Some(Ok(bytes)))
    }
}
