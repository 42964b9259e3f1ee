//! The removal of secrets from a text that comes in pieces.

use std::borrow::Cow;

use super::automaton::Span;
use super::{KnownSecrets, Search, merge, replace};

/// A text that comes in pieces, of which a secret may be split over two or more.
///
/// A piece is cleaned when it comes, so that nothing waits for the next one: parts of secrets are removed as by
/// [`KnownSecrets::clean_parts`], and smaller parts when they follow what came before. For that, of the text before as
/// many bytes are kept as the longest secret can have, less one.
#[derive(Debug)]
pub struct SecretStream {
    secrets: KnownSecrets,
    tail: String,
    longest: usize,
}

impl SecretStream {
    /// A text that begins.
    #[must_use]
    pub fn new(secrets: KnownSecrets) -> Self {
        let longest = secrets.longest();
        Self { secrets, tail: String::new(), longest }
    }

    /// Takes note of a piece that leaves unchanged.
    pub fn pass(&mut self, piece: &str) {
        if self.secrets.is_empty() {
            return;
        }
        let most = self.longest.saturating_sub(1);
        if piece.len() >= most {
            self.tail.clear();
        }
        self.tail.push_str(piece);
        let cut = self.tail.len().saturating_sub(most);
        if cut > 0 {
            self.tail.drain(..self.tail.ceil_char_boundary(cut));
        }
    }

    /// A text that belongs to no piece, such as the name of a member between two texts, without secrets and parts of
    /// them.
    #[must_use]
    pub fn aside<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.secrets.clean_parts(text)
    }

    /// The piece without the secrets, and the parts of secrets, that it brings.
    pub fn piece<'t>(&mut self, piece: &'t str) -> Cow<'t, str> {
        let before = self.tail.len();
        let joined = format!("{}{piece}", self.tail);
        let mut spans = self.secrets.spans(joined.as_bytes(), Search::Parts);
        spans.retain_mut(|span| {
            *span = Span { start: span.start.saturating_sub(before), end: span.end.saturating_sub(before) };
            span.end > 0
        });
        merge(&mut spans);
        self.pass(piece);
        replace(piece, &spans)
    }
}
