//! Bodies of answers in small pieces. The HTTP layer copies each piece into its buffer and asks for the next one when
//! that buffer is nearly empty. So small pieces keep the buffer small, however slowly a client reads.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::{Bytes, BytesMut};

use crate::connection::ServingGuard;
use crate::memory::MemoryPermit;

/// Largest piece, in bytes.
pub(crate) const PIECE_BYTES: usize = 32 * 1024;

/// Text in pieces, each freed when it has been sent. It is written like a file.
#[derive(Debug, Default)]
pub struct PiecedText {
    full: VecDeque<Bytes>,
    last: BytesMut,
    bytes: u64,
}

impl PiecedText {
    /// Creates a text with an expected length in bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { last: BytesMut::with_capacity(bytes.min(PIECE_BYTES)), ..Self::default() }
    }
}

impl From<Vec<u8>> for PiecedText {
    fn from(text: Vec<u8>) -> Self {
        let bytes = u64::try_from(text.len()).unwrap_or_default();
        Self { full: VecDeque::from([Bytes::from(text)]), last: BytesMut::new(), bytes }
    }
}

impl io::Write for PiecedText {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let free = PIECE_BYTES - self.last.len().min(PIECE_BYTES);
        let (now, _) = text.split_at(text.len().min(free));
        self.last.extend_from_slice(now);
        if self.last.len() >= PIECE_BYTES {
            let next = BytesMut::with_capacity(PIECE_BYTES);
            self.full.push_back(std::mem::replace(&mut self.last, next).freeze());
        }
        self.bytes += u64::try_from(now.len()).unwrap_or_default();
        Ok(now.len())
    }

    /// JSON arrives in many short parts, nearly all of which fit unchanged.
    fn write_all(&mut self, text: &[u8]) -> io::Result<()> {
        if self.last.len() + text.len() < PIECE_BYTES {
            self.last.extend_from_slice(text);
            self.bytes += u64::try_from(text.len()).unwrap_or_default();
            return Ok(());
        }
        let mut left = text;
        while !left.is_empty() {
            let taken = self.write(left)?;
            left = left.split_at(taken).1;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MessageBody for PiecedText {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.bytes)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let text = self.get_mut();
        if let Some(piece) = text.full.pop_front() {
            return Poll::Ready(Some(Ok(piece)));
        }
        let last = std::mem::take(&mut text.last);
        Poll::Ready(if last.is_empty() { None } else { Some(Ok(last.freeze())) })
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        if self.full.is_empty() { Ok(self.last.freeze()) } else { Err(self) }
    }
}

/// Body of every answer. No piece is larger than 32 KiB, and the reserved memory shrinks as pieces are sent. As long
/// as it exists, its connection serves a request.
pub struct PacedBody {
    inner: BoxBody,
    /// Rest of a chunk that was too large.
    rest: Bytes,
    /// Length of that chunk: its memory is freed when the last of it has been sent.
    chunk: usize,
    memory: Option<MemoryPermit>,
    _serving: Option<ServingGuard>,
}

impl PacedBody {
    pub(crate) fn new(inner: BoxBody, memory: Option<MemoryPermit>, serving: Option<ServingGuard>) -> Self {
        Self { inner, rest: Bytes::new(), chunk: 0, memory, _serving: serving }
    }
}

impl MessageBody for PacedBody {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.inner.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let body = self.get_mut();
        while body.rest.is_empty() {
            match ready!(Pin::new(&mut body.inner).poll_next(context)) {
                Some(Ok(chunk)) => (body.chunk, body.rest) = (chunk.len(), chunk),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    body.memory = None;
                    return Poll::Ready(None);
                }
            }
        }
        let piece = body.rest.split_to(body.rest.len().min(PIECE_BYTES));
        if body.rest.is_empty()
            && let Some(memory) = &mut body.memory
        {
            memory.shrink(body.chunk);
        }
        Poll::Ready(Some(Ok(piece)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::task::Waker;

    use proptest::prelude::*;

    use super::*;
    use crate::memory::{DEFAULT_MEMORY_MIB, MemoryBudget, MemoryOwner};

    fn next(body: &mut PacedBody) -> Option<Bytes> {
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(body).poll_next(&mut context) {
            Poll::Ready(piece) => piece.map(|piece| piece.unwrap()),
            Poll::Pending => panic!("a text never waits"),
        }
    }

    fn held(bytes: usize) -> (MemoryBudget, MemoryPermit) {
        let budget = MemoryBudget::new(DEFAULT_MEMORY_MIB);
        let mut permit = budget.permit(MemoryOwner::Admin);
        permit.resize(bytes).unwrap();
        (budget, permit)
    }

    #[test]
    fn memory_is_given_back_piece_by_piece_as_a_text_leaves() {
        let text = "x".repeat(10 * PIECE_BYTES + 1);
        let mut pieces = PiecedText::default();
        pieces.write_all(text.as_bytes()).unwrap();
        let (budget, permit) = held(text.len());
        let mut body = PacedBody::new(BoxBody::new(pieces), Some(permit), None);
        for left in (0..10).rev() {
            assert_eq!(next(&mut body).unwrap().len(), PIECE_BYTES);
            assert_eq!(budget.used(), left * PIECE_BYTES + 1);
        }
        assert_eq!(next(&mut body).unwrap().len(), 1);
        assert_eq!((budget.used(), next(&mut body)), (0, None));
    }

    #[test]
    fn the_memory_of_one_large_chunk_is_held_until_the_last_of_it_has_left() {
        let text = Bytes::from(vec![7_u8; 2 * PIECE_BYTES + 5]);
        let (budget, permit) = held(text.len());
        let mut body = PacedBody::new(BoxBody::new(text.clone()), Some(permit), None);
        assert_eq!(next(&mut body).unwrap().len(), PIECE_BYTES);
        assert_eq!(next(&mut body).unwrap().len(), PIECE_BYTES);
        assert_eq!(budget.used(), text.len());
        assert_eq!(next(&mut body).unwrap().len(), 5);
        assert_eq!((budget.used(), next(&mut body)), (0, None));
    }

    #[test]
    fn a_body_that_is_dropped_gives_its_memory_back() {
        let (budget, permit) = held(1 << 20);
        let mut body = PacedBody::new(BoxBody::new(Bytes::from(vec![0_u8; 1 << 20])), Some(permit), None);
        next(&mut body).unwrap();
        drop(body);
        assert_eq!(budget.used(), 0);
    }

    proptest! {
        #[test]
        fn the_bytes_are_the_same_however_they_were_written(
            parts in prop::collection::vec(0_usize..70_000, 0..12), whole in any::<bool>()
        ) {
            let mut text = Vec::new();
            let mut pieces = PiecedText::with_capacity(512);
            for (index, length) in parts.into_iter().enumerate() {
                let part = vec![u8::try_from(index).unwrap(); length];
                pieces.write_all(&part).unwrap();
                text.extend_from_slice(&part);
            }
            prop_assert_eq!(pieces.size(), BodySize::Sized(text.len() as u64));
            let inner = if whole { BoxBody::new(text.clone()) } else { BoxBody::new(pieces) };
            let mut body = PacedBody::new(inner, None, None);
            let mut sent = Vec::new();
            while let Some(piece) = next(&mut body) {
                prop_assert!(piece.len() <= PIECE_BYTES && !piece.is_empty());
                sent.extend_from_slice(&piece);
            }
            prop_assert!(sent == text);
        }
    }
}
