//! Counting tokens of a text, and cutting it to a number of them.

use bpe_openai::Tokenizer;

use crate::Encoding;

/// Texts that are longer are bounded by their bytes instead of counted, so that no request can buy much time.
pub(crate) const LONGEST_COUNTED: usize = 256 * 1024;

/// How many characters a cut gives up at most to come below its bound.
const MOST_TAKEN_BACK: usize = 16;

/// The tokens of a text as a provider with this tokenizer counts them, special tokens not read. Without a tokenizer,
/// and for texts of more than 256 KiB, its bytes: no byte-level tokenizer makes more tokens than that.
#[must_use]
pub fn count_text(text: &str, encoding: Option<Encoding>) -> u64 {
    match encoding {
        Some(encoding) if text.len() <= LONGEST_COUNTED => count(tokenizer(encoding), text),
        Some(_) | None => bytes(text),
    }
}

/// The start of a text that is left when a provider stops after `max_tokens` tokens, without a character that was
/// cut in two: [`count_text`] of it is never more than `max_tokens`. Without a tokenizer, as many bytes.
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
    // A token may end inside of a character, and what it has before that can be several tokens by itself. Some
    // characters less put that right; the bytes are the last resort.
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
    // Were there ever a text that the split does not cover to its end, its bytes would bound the rest.
    u64::try_from(tokens + rest).unwrap_or(u64::MAX)
}

/// The characters that lie wholly in the first tokens of a text.
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

/// The first bytes of a text, as far as they are whole characters.
fn start(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default()
}

pub(crate) fn bytes(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
