//! A stream of frames over a body of server-sent events.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;

use super::{EventStreamEnd, Splitter};
use crate::http::AnswerBody;
use crate::provider::{Frame, FrameStream, ProviderError};

/// What a provider's events mean.
pub(crate) trait Decode {
    /// The frames that an event comes to, in order.
    ///
    /// # Errors
    /// [`ProviderError::BadAnswer`] when it can't be read, or says that the provider failed.
    fn event(&mut self, data: Bytes, out: &mut VecDeque<Frame>) -> Result<(), ProviderError>;

    /// The frames that are still owed when the stream ends before it says so.
    fn end(&mut self, out: &mut VecDeque<Frame>);
}

/// From bytes to frames, without the network.
pub(super) struct FrameReader<D> {
    splitter: Splitter,
    decode: D,
    ready: VecDeque<Frame>,
    /// Nothing more is to come.
    over: bool,
}

impl<D: Decode> FrameReader<D> {
    pub(super) fn new(decode: D) -> Self {
        Self { splitter: Splitter::default(), decode, ready: VecDeque::new(), over: false }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.splitter.push(chunk);
    }

    /// The next frame, of what has come. What follows the end or an error is not read.
    pub(super) fn next(&mut self) -> Option<Result<Frame, ProviderError>> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                if frame.done {
                    self.over = true;
                    self.ready.clear();
                }
                return Some(Ok(frame));
            }
            if self.over {
                return None;
            }
            let read = match self.splitter.next() {
                Ok(None) => return None,
                Ok(Some(data)) => self.decode.event(data, &mut self.ready),
                Err(error) => Err(error),
            };
            if let Err(error) = read {
                return Some(Err(self.fail(error)));
            }
        }
    }

    /// The body has ended.
    pub(super) fn finish(&mut self) -> Option<Result<Frame, ProviderError>> {
        if self.over {
            return None;
        }
        match self.splitter.finish() {
            EventStreamEnd::Broken => {
                let cause = "it ended in the middle of an event".to_owned();
                return Some(Err(self.fail(ProviderError::Broken(cause))));
            }
            EventStreamEnd::Done => {
                if let Err(error) = self.decode.event(Bytes::from_static(super::DONE), &mut self.ready) {
                    return Some(Err(self.fail(error)));
                }
            }
            EventStreamEnd::Clean => self.decode.end(&mut self.ready),
        }
        self.over = true;
        self.next()
    }

    fn fail(&mut self, error: ProviderError) -> ProviderError {
        self.over = true;
        self.ready.clear();
        error
    }
}

/// The frames of a body.
pub(crate) struct Frames<D> {
    body: Option<AnswerBody>,
    reader: FrameReader<D>,
}

impl<D: Decode + Send + Unpin + 'static> Frames<D> {
    pub(crate) fn over(body: AnswerBody, decode: D) -> FrameStream {
        Box::pin(Self { body: Some(body), reader: FrameReader::new(decode) })
    }

    /// After the last frame the rest of the body is read apart, so that nobody waits for it.
    fn close(&mut self, cx: &mut Context<'_>) {
        if let Some(body) = self.body.take() {
            body.release(cx);
        }
    }
}

impl<D: Decode + Send + Unpin + 'static> Stream for Frames<D> {
    type Item = Result<Frame, ProviderError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match this.reader.next() {
                Some(Ok(frame)) => {
                    if frame.done {
                        this.close(cx);
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
                Some(Err(error)) => {
                    this.body = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {}
            }
            let Some(body) = &mut this.body else { return Poll::Ready(None) };
            match body.poll_chunk(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(chunk))) => this.reader.push(&chunk),
                Poll::Ready(Some(Err(error))) => {
                    this.body = None;
                    return Poll::Ready(Some(Err(this.reader.fail(error))));
                }
                Poll::Ready(None) => {
                    this.body = None;
                    return Poll::Ready(this.reader.finish());
                }
            }
        }
    }
}
