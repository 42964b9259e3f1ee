//! Counting the tokens of a text, and truncating a text to a number of tokens.

use bpe_openai::Tokenizer;

use crate::Encoding;

/// The longest text that is counted, in bytes. Longer texts are bounded by their length instead, so that no request
/// can use much processor time.
pub(crate) const LONGEST_COUNTED: usize = 256 * 1024;

/// The maximum number of characters that a cut drops from its end to get down to its number of tokens.
const MOST_TAKEN_BACK: usize = 16;

/// Returns the number of tokens of a text under a tokenizer. Names of special tokens count as plain text. Without a
/// tokenizer, and for texts of more than 256 KiB, it returns the number of bytes: a byte-level tokenizer never makes
/// more tokens than that.
#[must_use]
pub fn count_text(text: &str, encoding: Option<Encoding>) -> u64 {
    match encoding {
        Some(encoding) if text.len() <= LONGEST_COUNTED => count(tokenizer(encoding), text),
        Some(_) | None => bytes(text),
    }
}

/// Returns the start of a text that remains when a provider stops after `max_tokens` tokens. An incomplete character
/// at the end is dropped. [`count_text`] of the result is never more than `max_tokens`. Without a tokenizer, each byte
/// counts as one token.
#[must_use]
pub fn cut_text(text: &str, max_tokens: u64, encoding: Option<Encoding>) -> &str {
    let most = usize::try_from(max_tokens).unwrap_or(usize::MAX);
    let Some(encoding) = encoding.filter(|_| most < text.len()) else { return start(text, most) };
    if most >= LONGEST_COUNTED {
        return start(text, most);
    }
    let tokenizer = tokenizer(encoding);
    let head = start(text, LONGEST_COUNTED);
    let left = first_tokens(tokenizer, head, most);
    // A token may end inside a character. The complete characters before that point can take more tokens on their own,
    // so up to `MOST_TAKEN_BACK` characters are dropped. If that is not enough, the text is cut by bytes.
    std::iter::once(left.len())
        .chain(left.char_indices().rev().take(MOST_TAKEN_BACK).map(|(end, _)| end))
        .map(|end| start(left, end))
        .find(|left| count(tokenizer, left) <= max_tokens)
        .unwrap_or_else(|| start(text, most))
}

fn tokenizer(encoding: Encoding) -> &'static Tokenizer {
    match encoding {
        Encoding::O200k => bpe_openai::o200k_base(),
        Encoding::Cl100k => bpe_openai::cl100k_base(),
    }
}

fn count(tokenizer: &Tokenizer, text: &str) -> u64 {
    let mut rest = text.len();
    let mut tokens = 0_usize;
    for piece in tokenizer.split(text) {
        rest = rest.saturating_sub(piece.len());
        tokens += tokenizer.bpe.count(piece.as_bytes());
    }
    // If the split does not cover the text to its end, the remaining bytes bound the remaining tokens.
    u64::try_from(tokens + rest).unwrap_or(u64::MAX)
}

/// Returns the complete characters within the first tokens of a text.
fn first_tokens<'a>(tokenizer: &Tokenizer, text: &'a str, mut tokens: usize) -> &'a str {
    let mut end = 0_usize;
    for piece in tokenizer.split(text) {
        if tokens == 0 {
            break;
        }
        let ids = tokenizer.bpe.encode_via_backtracking(piece.as_bytes());
        end += ids.iter().take(tokens).map(|id| tokenizer.bpe.token_len(*id)).sum::<usize>();
        tokens = tokens.saturating_sub(ids.len());
    }
    start(text, end)
}

/// Returns the complete characters within the first bytes of a text.
fn start(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default()
}

pub(crate) fn bytes(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
