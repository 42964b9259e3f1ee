//! Token counts of answers for which the provider reports no usage.

use llm_policy::{Encoding, count_text};

/// The size at which collected text is counted and dropped, in bytes. It limits the memory that a long stream needs.
/// Each split of the text adds at most one token to the count.
const PIECE: usize = 16 * 1024;

/// Returns the number of tokens of a complete answer. Without a tokenizer it returns the number of bytes, but at most
/// `bound`; both are upper bounds.
pub(crate) fn count_whole(text: &str, encoding: Option<Encoding>, bound: u64) -> u64 {
    match encoding {
        Some(_) => count_text(text, encoding),
        None => count_text(text, None).min(bound),
    }
}

/// A running token count of a streamed answer.
#[derive(Debug)]
pub(crate) struct TokenTally {
    encoding: Option<Encoding>,
    /// The tokens of the text that was dropped.
    counted: u64,
    /// The text that is not counted yet.
    piece: String,
    /// The number of frames with text. Each has at least one token.
    frames: u64,
    /// An upper bound of the tokens so far that is cheap to update.
    at_most: u64,
    /// Whether `at_most` grows by the tokens of each frame instead of its bytes.
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

    /// Returns the number of tokens so far, at least one for each frame with text. Without a tokenizer each byte counts
    /// as a token, up to `bound`, the maximum that the request stated.
    pub(crate) fn count(&self, bound: u64) -> u64 {
        let tokens = if self.encoding.is_some() { self.tokens() } else { self.tokens().min(bound) };
        tokens.max(self.frames)
    }

    /// Returns whether there are more tokens than `bound`. Text is counted only when its length in bytes does not
    /// already answer this.
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
    fn a_frame_with_text_counts_as_at_least_one_token() {
        let one_word = ["h", "e", "l", "l", "o", ""];
        assert_eq!(count_text("hello", Some(Encoding::O200k)), 1);
        assert_eq!(tally(Some(Encoding::O200k), &one_word).count(100), 5);
    }

    #[test]
    fn without_a_tokenizer_bytes_count_up_to_the_stated_maximum() {
        assert_eq!(tally(None, &["hello"]).count(100), 5);
        assert_eq!(tally(None, &["hello"]).count(3), 3);
        assert_eq!(tally(None, &["a", "b", "c", "d"]).count(3), 4);
        assert_eq!(count_whole("hello", None, 3), 3);
        assert_eq!(count_whole("hello hello hello", Some(Encoding::O200k), 1), 3);
    }

    #[test]
    fn more_text_than_the_maximum_is_detected() {
        let mut one_frame = tally(Some(Encoding::O200k), &[&"word ".repeat(50)]);
        assert!(one_frame.exceeds(40));
        assert!(!one_frame.exceeds(60));
        assert!(!tally(None, &[&"word ".repeat(50)]).exceeds(40));
        assert!(tally(None, &["a", "b", "c"]).exceeds(2));
    }

    proptest! {
        // Every step counts all text again, which is slow without optimization.
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn the_cheap_check_agrees_with_the_full_count(words in proptest::collection::vec("[a-z]{1,9} ", 1..50), bound in 1_u64..40) {
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
