//! Incremental parser for server-sent events, by the rules of the HTML standard (section 9.2.6).

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use futures_core::Stream;

use crate::http::AnswerBody;
use crate::provider::{Frame, FrameStream, ProviderError};

/// The largest event, in bytes.
const MAX_EVENT: usize = 4 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The data that ends a stream in OpenAI's protocol.
pub(crate) const DONE: &[u8] = b"[DONE]";

/// The data of the current event so far.
#[derive(Debug, Default)]
enum EventData {
    #[default]
    Nothing,
    /// One line, as a range of the buffer.
    Line(Range<usize>),
    /// Several lines, joined.
    Lines(Vec<u8>),
}

/// How a stream ended.
#[derive(Debug, PartialEq, Eq)]
enum EventStreamEnd {
    /// Between two events.
    Clean,
    /// After `[DONE]`, without the blank line that ends an event.
    Done,
    /// In the middle of an event.
    Broken,
}

/// Splits bytes into the data of events. The result does not depend on how the network split the bytes.
#[derive(Debug, Default)]
struct Splitter {
    /// The bytes that are still needed. They begin with the first `data` line of the event, or with the current line.
    buffer: BytesMut,
    /// The start of the current line.
    line: usize,
    /// The position up to which the current line was searched for its end.
    seen: usize,
    data: EventData,
    /// Whether the position of the byte order mark has been passed.
    begun: bool,
    /// Whether the last line ended with a carriage return. A line feed that follows is a part of the same line end.
    after_cr: bool,
}

impl Splitter {
    fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// Returns the data of the next complete event.
    fn next(&mut self) -> Result<Option<Bytes>, ProviderError> {
        if !self.begun && !self.begin() {
            return Ok(None);
        }
        while let Some((end, byte)) = self.line_end() {
            check(end + 1)?;
            let empty = end == self.line;
            let belongs_to_cr =
                std::mem::replace(&mut self.after_cr, byte == b'\r') && empty && byte == b'\n';
            if empty && !belongs_to_cr {
                match std::mem::take(&mut self.data) {
                    EventData::Nothing => {}
                    EventData::Line(range) => {
                        let event = self.buffer.split_to(end + 1).freeze();
                        (self.line, self.seen) = (0, 0);
                        return Ok(Some(event.slice(range)));
                    }
                    EventData::Lines(data) => {
                        self.forget(end + 1);
                        return Ok(Some(data.into()));
                    }
                }
            } else if !belongs_to_cr {
                self.field(self.line..end);
            }
            match self.data {
                EventData::Nothing => self.forget(end + 1),
                EventData::Line(_) | EventData::Lines(_) => (self.line, self.seen) = (end + 1, end + 1),
            }
        }
        check(self.buffer.len())?;
        Ok(None)
    }

    /// Returns how the stream ended, when the connection has ended.
    fn finish(&mut self) -> EventStreamEnd {
        let broken = match self.data {
            EventData::Nothing => self.line < self.buffer.len(),
            EventData::Line(_) | EventData::Lines(_) => true,
        };
        self.push(b"\n\n");
        match self.next() {
            Ok(Some(data)) if data == DONE => EventStreamEnd::Done,
            _ if broken => EventStreamEnd::Broken,
            _ => EventStreamEnd::Clean,
        }
    }

    /// Skips a byte order mark. Returns `false` if more bytes are needed to detect it.
    fn begin(&mut self) -> bool {
        if self.buffer.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&self.buffer) {
            return false;
        }
        if self.buffer.starts_with(BYTE_ORDER_MARK) {
            self.forget(BYTE_ORDER_MARK.len());
        }
        self.begun = true;
        true
    }

    /// Returns the end of the current line, and the byte that ends it.
    fn line_end(&mut self) -> Option<(usize, u8)> {
        let rest = self.buffer.get(self.seen..).unwrap_or_default();
        let found = rest.iter().copied().enumerate().find(|(_, byte)| matches!(byte, b'\n' | b'\r'));
        if found.is_none() {
            self.seen = self.buffer.len();
        }
        found.map(|(at, byte)| (self.seen + at, byte))
    }

    /// Processes a line. Only `data` fields are used; comments and other fields are skipped.
    fn field(&mut self, line: Range<usize>) {
        let end = line.end;
        let value = match self.buffer.get(line.clone()).and_then(|line| line.strip_prefix(b"data")) {
            Some([]) => end..end,
            Some([b':', b' ', ..]) => line.start + 6..end,
            Some([b':', ..]) => line.start + 5..end,
            Some(_) | None => return,
        };
        let bytes = |range: &Range<usize>| self.buffer.get(range.clone()).unwrap_or_default();
        self.data = match std::mem::take(&mut self.data) {
            EventData::Nothing => EventData::Line(value),
            EventData::Line(first) => EventData::Lines([bytes(&first), b"\n", bytes(&value)].concat()),
            EventData::Lines(mut data) => {
                data.push(b'\n');
                data.extend_from_slice(bytes(&value));
                EventData::Lines(data)
            }
        };
    }

    fn forget(&mut self, bytes: usize) {
        self.buffer.advance(bytes);
        (self.line, self.seen) = (0, 0);
    }
}

fn check(bytes: usize) -> Result<(), ProviderError> {
    if bytes > MAX_EVENT {
        return Err(ProviderError::BadAnswer(format!("an event is longer than {} MiB", MAX_EVENT >> 20)));
    }
    Ok(())
}

/// Decoder from the events of a provider to frames.
pub(crate) trait Decode {
    /// Appends the frames of an event, in order.
    ///
    /// # Errors
    /// [`ProviderError::BadAnswer`] when the event can't be parsed, or reports that the provider failed.
    fn event(&mut self, data: Bytes, out: &mut VecDeque<Frame>) -> Result<(), ProviderError>;

    /// Appends the remaining frames when the stream ends without an end event.
    fn end(&mut self, out: &mut VecDeque<Frame>);
}

/// Conversion of bytes to frames, independent of the network.
struct FrameReader<D> {
    splitter: Splitter,
    decode: D,
    ready: VecDeque<Frame>,
    /// Whether no further frame follows.
    over: bool,
}

impl<D: Decode> FrameReader<D> {
    fn new(decode: D) -> Self {
        Self { splitter: Splitter::default(), decode, ready: VecDeque::new(), over: false }
    }

    fn push(&mut self, chunk: &[u8]) {
        self.splitter.push(chunk);
    }

    /// Returns the next frame from the bytes so far. Bytes after the end or an error are ignored.
    fn next(&mut self) -> Option<Result<Frame, ProviderError>> {
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

    /// Handles the end of the body. Returns the next frame, or the error if the body ended early.
    fn finish(&mut self) -> Option<Result<Frame, ProviderError>> {
        if self.over {
            return None;
        }
        match self.splitter.finish() {
            EventStreamEnd::Broken => {
                let cause = "it ended in the middle of an event".to_owned();
                return Some(Err(self.fail(ProviderError::Broken(cause))));
            }
            EventStreamEnd::Done => {
                if let Err(error) = self.decode.event(Bytes::from_static(DONE), &mut self.ready) {
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

/// The stream of frames of a body.
pub(crate) struct Frames<D> {
    body: Option<AnswerBody>,
    reader: FrameReader<D>,
}

impl<D: Decode + Send + Unpin + 'static> Frames<D> {
    pub(crate) fn over(body: AnswerBody, decode: D) -> FrameStream {
        Box::pin(Self { body: Some(body), reader: FrameReader::new(decode) })
    }

    /// Reads the rest of the body in the background, so that the caller does not wait for it.
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
