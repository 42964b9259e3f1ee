//! Secrets that a process knows by their value, and their removal from texts that leave it.
//!
//! Redaction by name and by shape (crate `audit`) guesses what a secret looks like. This module does not guess: it
//! replaces the exact values that the process holds, wherever a provider or a caller repeats them. Time is linear in
//! the length of the text, whatever the text is.
//!
//! Found are a value as it is, in any case of its letters, and behind any mixture of percent-encoding, JSON's and
//! JavaScript's escapes and HTML's numeric references, up to [`MAX_ROUNDS`] times over. Of a secret of the process
//! (not of a key that a request presents) its base64 in both alphabets, at every alignment, and its hexadecimal form
//! are found as well. Not found: other transformations, such as a reversed value, a hash, compression or a cipher.
//!
//! A text that was cut, or that goes on in another piece, may end with a part of a secret: [`KnownSecrets::clean_cut`]
//! and [`SecretStream`] are for those.

mod automaton;
mod encodings;
mod stream;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use automaton::{Automaton, AutomatonBuilder, Span};
use encodings::{Decoded, base64_forms, hex_form};
pub use stream::SecretStream;

/// What stands in place of a secret.
pub const REDACTED: &str = "[redacted]";

/// How often a text is decoded. A text that is encoded more often is taken for one that holds no secret.
pub const MAX_ROUNDS: usize = 4;

/// How much of a secret's beginning is taken for the secret at the end of a text that was cut, in bytes.
const LEAST_PART: usize = 8;

/// A set of secrets, to be removed from texts by value. Cloning it is cheap.
///
/// Secrets that are too short would remove ordinary words and are left out: see [`Self::LEAST_OWN`] and
/// [`Self::LEAST_KEY`].
#[derive(Clone, Default)]
pub struct KnownSecrets(Option<Arc<SecretLayer>>);

/// Secrets that became known together, on top of those that were known before.
struct SecretLayer {
    automaton: Automaton,
    below: KnownSecrets,
}

impl KnownSecrets {
    /// How many bytes a secret of the operator's has at least: a provider's key, the pepper, the admin token.
    pub const LEAST_OWN: usize = 8;
    /// How many bytes a key of an agent's has at least.
    pub const LEAST_KEY: usize = 16;

    /// The secrets of a process. `own` are the operator's; `keys` are agents' keys that stand in the configuration.
    pub fn new<'a>(own: impl IntoIterator<Item = &'a str>, keys: impl IntoIterator<Item = &'a str>) -> Self {
        let own = own.into_iter().map(str::trim).filter(|text| text.len() >= Self::LEAST_OWN);
        let keys = keys.into_iter().map(secret_part).filter(|text| text.len() >= Self::LEAST_KEY);
        let mut builder = AutomatonBuilder::default();
        for secret in own.chain(keys) {
            builder.add(secret.as_bytes());
            builder.add(&hex_form(secret.as_bytes()));
            for form in base64_forms(secret.as_bytes()) {
                builder.add(&form);
            }
        }
        Self::default().with(builder)
    }

    /// These secrets, and the credentials that one request presents. The public part of a T4 key stays visible.
    #[must_use]
    pub fn with_presented<'a>(&self, credentials: impl IntoIterator<Item = &'a str>) -> Self {
        let mut builder = AutomatonBuilder::default();
        for text in credentials {
            let secret = secret_part(text.trim());
            if secret.len() >= Self::LEAST_KEY {
                builder.add(secret.as_bytes());
            }
        }
        self.with(builder)
    }

    /// The secrets of both sets.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        match &other.0 {
            None => self.clone(),
            Some(layer) if self.0.is_some() => Self(Some(Arc::new(SecretLayer {
                automaton: layer.automaton.clone(),
                below: self.and(&layer.below),
            }))),
            Some(_) => other.clone(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a text holds one of the secrets.
    #[must_use]
    pub fn are_in(&self, text: &[u8]) -> bool {
        !self.spans(text, TextEnd::Whole).is_empty()
    }

    /// The text with [`REDACTED`] in place of every secret.
    #[must_use]
    pub fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        replace(text, &self.spans(text.as_bytes(), TextEnd::Whole))
    }

    /// As [`Self::clean`], for a text that was cut or may have been: the beginning of a secret at its end goes too.
    #[must_use]
    pub fn clean_cut<'t>(&self, text: &'t str) -> Cow<'t, str> {
        replace(text, &self.spans(text.as_bytes(), TextEnd::Cut))
    }

    fn with(&self, builder: AutomatonBuilder) -> Self {
        match builder.build() {
            None => self.clone(),
            Some(automaton) => Self(Some(Arc::new(SecretLayer { automaton, below: self.clone() }))),
        }
    }

    fn layers(&self) -> impl Iterator<Item = &Automaton> {
        let mut next = self;
        std::iter::from_fn(move || {
            let layer = next.0.as_deref()?;
            next = &layer.below;
            Some(&layer.automaton)
        })
    }

    /// The longest text of a secret that is expected, in bytes: each byte may be an escape of an escape.
    fn longest(&self) -> usize {
        const LONGEST_ESCAPE: usize = 16;
        self.layers().map(Automaton::longest).max().unwrap_or(0).saturating_mul(LONGEST_ESCAPE)
    }

    /// Where secrets stand in a text: ascending, without overlap.
    fn spans(&self, text: &[u8], end: TextEnd) -> Vec<Span> {
        let mut spans = Vec::new();
        let shortest = self.layers().map(Automaton::shortest).min();
        // An encoded secret is longer than the secret.
        if shortest.is_none_or(|shortest| text.len() < shortest && end == TextEnd::Whole) {
            return spans;
        }
        self.find(text, end, |span| spans.push(span));
        let mut known: Option<Decoded> = None;
        for _ in 0..MAX_ROUNDS {
            let from = known.as_ref().map_or(text, Decoded::bytes);
            let Some(decoded) = Decoded::of(from, known.as_ref()) else { break };
            self.find(decoded.bytes(), end, |span| spans.push(decoded.source(span)));
            known = Some(decoded);
        }
        merge(&mut spans);
        spans
    }

    fn find(&self, text: &[u8], end: TextEnd, mut found: impl FnMut(Span)) {
        for automaton in self.layers() {
            let mut begun = automaton.find(text, &mut found);
            let mut until = text.len();
            if end == TextEnd::Whole {
                continue;
            }
            // The cut may go through an escape.
            if begun < LEAST_PART
                && let Some(escape) = encodings::last_escape(text)
            {
                begun = automaton.find(text.get(..escape).unwrap_or_default(), |_| ());
                until = escape;
            }
            if begun >= LEAST_PART {
                found(Span { start: until.saturating_sub(begun), end: text.len() });
            }
        }
    }
}

impl fmt::Debug for KnownSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownSecrets(..)")
    }
}

/// Whether a text may end within a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextEnd {
    Whole,
    Cut,
}

/// The part of a key that is secret: of a T4 key what follows its public name, `t4_` and 12 characters.
fn secret_part(key: &str) -> &str {
    const PUBLIC: usize = 15;
    let (Some(public), Some(secret)) = (key.get(..PUBLIC), key.get(PUBLIC + 1..)) else { return key };
    let name = public.strip_prefix("t4_").filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric()));
    if name.is_some() && key.as_bytes().get(PUBLIC) == Some(&b'_') { secret } else { key }
}

/// Sorts spans and joins those that overlap.
fn merge(spans: &mut Vec<Span>) {
    spans.sort_unstable_by_key(|span| span.start);
    spans.dedup_by(|next, kept| {
        let overlaps = next.start <= kept.end;
        if overlaps {
            kept.end = kept.end.max(next.end);
        }
        overlaps
    });
}

fn replace<'t>(text: &'t str, spans: &[Span]) -> Cow<'t, str> {
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for span in spans {
        // A secret has whole characters; an encoded one could still end within a character of the text.
        let start = text.floor_char_boundary(span.start).max(copied);
        out.push_str(text.get(copied..start).unwrap_or_default());
        out.push_str(REDACTED);
        copied = text.ceil_char_boundary(span.end);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}
