//! Counting an answer whose provider does not say what it billed.

use llm_policy::{Encoding, count_text};

/// How much text is kept in one piece before it is counted and let go, in bytes. Cutting text adds at most a token
/// for each cut, and a stream of any length takes no more memory than this.
const PIECE: usize = 16 * 1024;

/// The tokens of a whole answer's text. Without a tokenizer its bytes, but not more than it was allowed: both
/// are upper bounds.
pub(crate) fn count_whole(text: &str, encoding: Option<Encoding>, bound: u64) -> u64 {
    match encoding {
        Some(_) => count_text(text, encoding),
        None => count_text(text, None).min(bound),
    }
}

/// What a stream has brought so far.
#[derive(Debug)]
pub(crate) struct TokenTally {
    encoding: Option<Encoding>,
    /// Counted pieces.
    counted: u64,
    /// The piece that is not counted yet.
    piece: String,
    /// Frames with text: each is a token at least.
    frames: u64,
    /// Never less than the tokens so far; cheap to keep.
    at_most: u64,
    /// Whether `at_most` is kept by counting frames instead of bytes.
    near: bool,
}

impl TokenTally {
    pub(crate) fn new(encoding: Option<Encoding>) -> Self {
        Self { encoding, counted: 0, piece: String::new(), frames: 0, at_most: 0, near: false }
    }

    pub(crate) fn add(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.frames = self.frames.saturating_add(1);
        let more = if self.near {
            count_text(text, self.encoding)
        } else {
            u64::try_from(text.len()).unwrap_or(u64::MAX)
        };
        self.at_most = self.at_most.saturating_add(more);
        self.piece.push_str(text);
        if self.piece.len() > PIECE {
            self.counted = self.counted.saturating_add(count_text(&self.piece, self.encoding));
            self.piece.clear();
        }
    }

    fn tokens(&self) -> u64 {
        self.counted.saturating_add(count_text(&self.piece, self.encoding))
    }

    /// The tokens so far: as the tokenizer counts them, at least one for each frame with text. Without a tokenizer
    /// the bytes, but not more than `bound`, which the provider was told.
    pub(crate) fn count(&self, bound: u64) -> u64 {
        let tokens = if self.encoding.is_some() { self.tokens() } else { self.tokens().min(bound) };
        tokens.max(self.frames)
    }

    /// Whether more has come than `bound`. Text is counted only when its bytes do not settle the question.
    pub(crate) fn exceeds(&mut self, bound: u64) -> bool {
        if self.frames > bound {
            return true;
        }
        if self.encoding.is_none() || self.at_most <= bound {
            return false;
        }
        self.near = true;
        self.at_most = self.tokens();
        self.at_most > bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tally(encoding: Option<Encoding>, frames: &[&str]) -> TokenTally {
        let mut tally = TokenTally::new(encoding);
        for frame in frames {
            tally.add(frame);
        }
        tally
    }

    #[test]
    fn a_frame_with_text_is_a_token_at_least() {
        let one_word = ["h", "e", "l", "l", "o", ""];
        assert_eq!(count_text("hello", Some(Encoding::O200k)), 1);
        assert_eq!(tally(Some(Encoding::O200k), &one_word).count(100), 5);
    }

    #[test]
    fn without_a_tokenizer_bytes_count_up_to_what_was_allowed() {
        assert_eq!(tally(None, &["hello"]).count(100), 5);
        assert_eq!(tally(None, &["hello"]).count(3), 3);
        assert_eq!(tally(None, &["a", "b", "c", "d"]).count(3), 4);
        assert_eq!(count_whole("hello", None, 3), 3);
        assert_eq!(count_whole("hello hello hello", Some(Encoding::O200k), 1), 3);
    }

    #[test]
    fn text_beyond_the_bound_is_noticed_by_its_tokens() {
        let mut one_frame = tally(Some(Encoding::O200k), &[&"word ".repeat(50)]);
        assert!(one_frame.exceeds(40));
        assert!(!one_frame.exceeds(60));
        assert!(!tally(None, &[&"word ".repeat(50)]).exceeds(40));
        assert!(tally(None, &["a", "b", "c"]).exceeds(2));
    }

    proptest! {
        // Every step counts all text again, which is slow in a build for tests.
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn the_bound_is_never_passed_unnoticed(words in proptest::collection::vec("[a-z]{1,9} ", 1..50), bound in 1_u64..40) {
            let mut tally = TokenTally::new(Some(Encoding::O200k));
            for word in &words {
                tally.add(word);
                prop_assert_eq!(tally.exceeds(bound), tally.count(bound) > bound);
            }
        }
    }

    #[test]
    fn a_long_stream_is_counted_in_pieces() {
        let mut tally = TokenTally::new(Some(Encoding::O200k));
        let text = "word ".repeat(20);
        for _ in 0..1000 {
            tally.add(&text);
        }
        let whole = count_text(&text.repeat(1000), Some(Encoding::O200k));
        assert!((whole..=whole + 20).contains(&tally.count(0)), "{} {whole}", tally.count(0));
        assert!(tally.piece.len() <= PIECE + text.len());
    }
}
