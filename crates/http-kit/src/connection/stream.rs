//! Stream of a connection, which ends when its client neither sends nor reads.

use std::future::Future as _;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::{ConnectionCounts, ConnectionPlace, ConnectionState, READ_AHEAD};

/// How long bytes may stay unacknowledged, and how long a client may keep its window closed.
const USER_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes that are passed to the HTTP layer at a time while no body is read: it turns all of them into requests before
/// it checks whether there are too many.
const BURST: usize = 1024;
/// How long a client may take to send the head of a request that is not the first of its connection. (The HTTP layer
/// checks the first one.)
const LATER_HEAD_TIME: Duration = Duration::from_secs(15);
/// Interval in which the rate of a client that reads slowly is checked.
const WRITE_WINDOW: Duration = Duration::from_secs(10);
/// Bytes that such a client must take in that interval.
const WRITE_LEAST: usize = 40 * 1024;

/// Bytes of an unacknowledged answer that the system keeps. Otherwise it would let them grow to some megabytes per
/// connection.
const SEND_BUFFER: usize = 256 * 1024;

/// TCP connection with its limits.
pub(crate) struct GuardedStream<S = TcpStream> {
    inner: S,
    state: Rc<ConnectionState>,
    head: Option<HeadTimer>,
    write: Option<WriteWindow>,
    /// Bytes that were passed to the HTTP layer since it last waited.
    burst: usize,
    _place: Option<ConnectionPlace>,
}

/// Timer that starts with the first byte of a head.
struct HeadTimer {
    timer: Pin<Box<Sleep>>,
    /// Number of requests at that time.
    begun: u64,
}

/// Bytes that a client took since it last took less than it was given.
struct WriteWindow {
    timer: Pin<Box<Sleep>>,
    taken: usize,
}

impl GuardedStream {
    /// Accepts a connection; `None` when there are too many.
    pub(crate) fn admit(inner: TcpStream, peer: IpAddr, counts: &ConnectionCounts) -> Option<Self> {
        let place = counts.take(peer)?;
        // A frame of a stream is sent at once, not when the previous one was acknowledged. A connection that accepts
        // no options is broken, which its first read shows.
        let _ = inner.set_nodelay(true);
        let socket = socket2::SockRef::from(&inner);
        let _ = socket.set_tcp_user_timeout(Some(USER_TIMEOUT));
        let _ = socket.set_send_buffer_size(SEND_BUFFER);
        Some(Self { _place: Some(place), ..Self::over(inner) })
    }
}

impl<S> GuardedStream<S> {
    fn over(inner: S) -> Self {
        Self { inner, state: Rc::default(), head: None, write: None, burst: 0, _place: None }
    }

    /// Returns the state shared with the layers above.
    pub(crate) fn state(&self) -> Rc<ConnectionState> {
        Rc::clone(&self.state)
    }

    /// Starts the timer of a head at its first byte, and stops it when the request has begun.
    fn watch_head(&mut self, read: usize) {
        let begun = self.state.begun.get();
        if self.state.serving.get() || self.head.as_ref().is_some_and(|head| head.begun != begun) {
            self.head = None;
        }
        if read > 0 && begun > 0 && !self.state.serving.get() && self.head.is_none() {
            self.head = Some(HeadTimer { timer: Box::pin(sleep(LATER_HEAD_TIME)), begun });
        }
    }

    fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let Some(head) = &mut self.head else { return Poll::Pending };
        ready!(head.timer.as_mut().poll(context));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the head came too slowly"))
    }

    /// Checks the rate of a client that has not taken all.
    fn poll_write_rate(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let window =
            self.write.get_or_insert_with(|| WriteWindow { timer: Box::pin(sleep(WRITE_WINDOW)), taken: 0 });
        while window.timer.as_mut().poll(context).is_ready() {
            if window.taken < WRITE_LEAST {
                return Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the answer was not read"));
            }
            window.taken = 0;
            window.timer = Box::pin(sleep_until(Instant::now() + WRITE_WINDOW));
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for GuardedStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        stream.watch_head(0);
        if stream.state.reading_body.get() {
            return Pin::new(&mut stream.inner).poll_read(context, buffer);
        }
        let ahead = stream.state.ahead.get();
        let most = if stream.state.serving.get() { READ_AHEAD.saturating_sub(ahead) } else { BURST };
        if most == 0 {
            // The end of the request wakes this task.
            stream.state.reader.replace(Some(context.waker().clone()));
            return Poll::Pending;
        }
        if stream.burst >= BURST {
            stream.burst = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut bytes = [0; BURST];
        let (some, _) = bytes.split_at_mut(most.min(BURST - stream.burst).min(buffer.remaining()));
        let mut part = ReadBuf::new(some);
        match Pin::new(&mut stream.inner).poll_read(context, &mut part) {
            Poll::Pending => {
                stream.burst = 0;
                stream.poll_head(context).map(Err)
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {
                let read = part.filled().len();
                buffer.put_slice(part.filled());
                stream.burst += read;
                if stream.state.serving.get() {
                    stream.state.ahead.set(ahead + read);
                }
                stream.watch_head(read);
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for GuardedStream<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        match Pin::new(&mut stream.inner).poll_write(context, bytes) {
            Poll::Pending => stream.poll_write_rate(context).map(Err),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(count)) => {
                if let Some(window) = &mut stream.write {
                    window.taken = window.taken.saturating_add(count);
                }
                Poll::Ready(Ok(count))
            }
        }
    }

    /// The HTTP layer flushes when all that it had was taken: then the client is not slow.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        stream.write = None;
        Pin::new(&mut stream.inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
