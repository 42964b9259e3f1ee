//! Removal of secrets from a text that arrives in pieces.

use std::borrow::Cow;

use super::automaton::Span;
use super::{KnownSecrets, Search, merge, replace};

/// Text that arrives in pieces; a secret may be split over two or more of them.
///
/// Each piece is cleaned at once, so that no piece waits for the next. Parts of secrets are removed as by
/// [`KnownSecrets::clean_parts`], and smaller parts when they continue the text before. For that, the last bytes are
/// kept: one less than the longest secret has.
#[derive(Debug)]
pub struct SecretStream {
    secrets: KnownSecrets,
    tail: String,
    longest: usize,
}

impl SecretStream {
    /// Creates the state for the beginning of a text.
    #[must_use]
    pub fn new(secrets: KnownSecrets) -> Self {
        let longest = secrets.longest();
        Self { secrets, tail: String::new(), longest }
    }

    /// Records a piece that is sent unchanged.
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

    /// Cleans a text that is not part of the stream, such as a member's name between two texts.
    #[must_use]
    pub fn aside<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.secrets.clean_parts(text)
    }

    /// Returns the piece without the secrets, and parts of secrets, that it completes.
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
