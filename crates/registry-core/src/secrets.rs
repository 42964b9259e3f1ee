//! Removal of secrets that the process knows by value from texts that leave it.
//!
//! Redaction by name and by shape (crate `audit`) guesses what a secret looks like. This module does not guess: it
//! replaces the exact values that the process holds, wherever a provider or a caller repeats them. It takes time
//! linear in the length of the text.
//!
//! A value is found as it is, in any letter case, and behind any mixture of percent-encoding, escapes of JSON and
//! JavaScript, and numeric references of HTML, nested up to [`MAX_ROUNDS`] times. Of the process's secrets (not of a
//! key that a request presents), the base64 form in both alphabets and at every alignment and the hexadecimal form
//! are found too. Other transformations are not found: a reversed value, a hash, compression, encryption.
//!
//! An error text of a provider may be cut in the middle of a secret, or arrive in pieces.
//! [`KnownSecrets::clean_parts`] and [`SecretStream`] remove parts of secrets as well.

mod automaton;
mod encodings;
mod stream;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use automaton::{Automaton, AutomatonBuilder, Span, StartPairs};
use encodings::{Decoded, base64_forms};
pub use stream::SecretStream;

use crate::KeyId;

/// The text that replaces a secret.
pub const REDACTED: &str = "[redacted]";

/// How often a text is decoded. A text that is encoded more often is taken for one that holds no secret.
pub const MAX_ROUNDS: usize = 4;

/// How many bytes of a secret in a row are taken for the secret where parts are looked for.
const LEAST_PART: usize = 12;

/// How much of a text is looked through at a time, in bytes.
const STRETCH: usize = 32 * 1024;

/// A set of secrets, to be removed from texts by value. Cloning it is cheap.
///
/// Secrets that are too short would remove ordinary words and are left out: see [`Self::LEAST_OWN`] and
/// [`Self::LEAST_KEY`].
#[derive(Clone, Default)]
pub struct KnownSecrets(Option<Arc<SecretLayer>>);

impl KnownSecrets {
    /// How many bytes a secret of the operator's has at least: a provider's key, the pepper, the admin token.
    pub const LEAST_OWN: usize = 8;
    /// How many bytes a key of an agent's has at least.
    pub const LEAST_KEY: usize = 16;

    /// The secrets of a process. `own` are the operator's; `keys` are agents' keys that stand in the configuration.
    pub fn new<'a>(own: impl IntoIterator<Item = &'a str>, keys: impl IntoIterator<Item = &'a str>) -> Self {
        let own = own.into_iter().map(str::trim).filter(|text| text.len() >= Self::LEAST_OWN);
        let keys = keys.into_iter().map(secret_part).filter(|text| text.len() >= Self::LEAST_KEY);
        Self::default().with(own.chain(keys).map(str::as_bytes), SecretForms::All)
    }

    /// These secrets, and the credentials that one request presents. The public part of a T4 key stays visible.
    #[must_use]
    pub fn with_presented<'a>(&self, credentials: impl IntoIterator<Item = &'a str>) -> Self {
        let secrets = credentials.into_iter().map(|text| secret_part(text.trim()));
        let secrets = secrets.filter(|secret| secret.len() >= Self::LEAST_KEY);
        self.with(secrets.map(str::as_bytes), SecretForms::Plain)
    }

    /// The secrets of both sets.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        other.layers().fold(self.clone(), |all, layer| {
            let known = all.layers().any(|known| Arc::ptr_eq(&known.values, &layer.values));
            if known { all } else { Self(Some(Arc::new(layer.on(all)))) }
        })
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a text holds one of the secrets.
    #[must_use]
    pub fn are_in(&self, text: &[u8]) -> bool {
        !self.spans(text, Search::Whole).is_empty()
    }

    /// The text with [`REDACTED`] in place of every secret.
    #[must_use]
    pub fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        replace(text, &self.spans(text.as_bytes(), Search::Whole))
    }

    /// As [`Self::clean`], for a text that may be a piece of a longer one: 12 bytes in a row of a secret are removed
    /// as well.
    #[must_use]
    pub fn clean_parts<'t>(&self, text: &'t str) -> Cow<'t, str> {
        replace(text, &self.spans(text.as_bytes(), Search::Parts))
    }

    fn with<'a>(&self, secrets: impl Iterator<Item = &'a [u8]>, forms: SecretForms) -> Self {
        let secrets: Vec<Box<[u8]>> = secrets.map(Box::from).collect();
        if secrets.is_empty() {
            return self.clone();
        }
        let values = Arc::new(SecretValues::new(secrets, forms));
        Self(Some(Arc::new(SecretLayer { values, below: self.clone() })))
    }

    fn layers(&self) -> impl Iterator<Item = &SecretLayer> {
        let mut next = self;
        std::iter::from_fn(move || {
            let layer = next.0.as_deref()?;
            next = &layer.below;
            Some(layer)
        })
    }

    /// The longest text of a secret that is expected, in bytes: each byte may be an escape of an escape.
    fn longest(&self) -> usize {
        const LONGEST_ESCAPE: usize = 16;
        let lengths = self.layers().flat_map(|layer| layer.values.secrets.iter().map(|secret| secret.len()));
        lengths.max().unwrap_or(0).saturating_mul(LONGEST_ESCAPE)
    }

    /// Where secrets stand in a text: ascending, without overlap.
    fn spans(&self, text: &[u8], search: Search) -> Vec<Span> {
        let mut spans = Vec::new();
        // An encoded secret is longer than the secret.
        let long_enough = |layer: &SecretLayer| layer.values.shortest(search) <= text.len();
        if !self.layers().any(long_enough) {
            return spans;
        }
        // A stretch at a time, so that what is decoded needs little memory. They overlap by the longest secret.
        let overlap = self.longest();
        for start in (0..text.len()).step_by(STRETCH) {
            let end = text.len().min(start + STRETCH + overlap);
            let stretch = text.get(start..end).unwrap_or_default();
            self.spans_of_stretch(stretch, search, |span| {
                spans.push(Span { start: start + span.start, end: start + span.end });
            });
            if end == text.len() {
                break;
            }
        }
        merge(&mut spans);
        spans
    }

    fn spans_of_stretch(&self, text: &[u8], search: Search, mut found: impl FnMut(Span)) {
        let mut known: Option<Decoded> = None;
        for round in 0..=MAX_ROUNDS {
            let bytes = known.as_ref().map_or(text, Decoded::bytes);
            for layer in self.layers() {
                layer.values.find(bytes, search, |span| {
                    found(known.as_ref().map_or(span, |decoded| decoded.source(span)));
                });
            }
            let decoded = (round < MAX_ROUNDS).then(|| Decoded::of(bytes, known.as_ref())).flatten();
            let Some(decoded) = decoded else { break };
            known = Some(decoded);
        }
    }
}

impl fmt::Debug for KnownSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownSecrets(..)")
    }
}

/// Secrets that became known together, on top of those that were known before.
struct SecretLayer {
    values: Arc<SecretValues>,
    below: KnownSecrets,
}

impl SecretLayer {
    /// The same secrets on top of others.
    fn on(&self, below: KnownSecrets) -> Self {
        Self { values: Arc::clone(&self.values), below }
    }
}

/// The values of secrets, and what finds them. That is made when it is first needed: most requests never need it for
/// the key that they present.
struct SecretValues {
    secrets: Vec<Box<[u8]>>,
    forms: SecretForms,
    starts: StartPairs,
    whole: OnceLock<Automaton>,
    parts: OnceLock<Automaton>,
}

/// In which forms secrets are looked for, besides escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SecretForms {
    /// As they are.
    Plain,
    /// And in base64 and hexadecimal.
    All,
}

impl SecretForms {
    /// Every text that is looked for.
    fn of_each(self, secrets: &[Box<[u8]>], mut each: impl FnMut(&[u8])) {
        for secret in secrets {
            each(secret);
            if self == Self::All {
                each(hex::encode(secret).as_bytes());
                for form in base64_forms(secret) {
                    each(&form);
                }
            }
        }
    }
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Search {
    /// Secrets.
    Whole,
    /// Secrets, and parts of them of [`LEAST_PART`] bytes.
    Parts,
}

impl SecretValues {
    fn new(secrets: Vec<Box<[u8]>>, forms: SecretForms) -> Self {
        let mut starts = StartPairs::default();
        forms.of_each(&secrets, |form| {
            starts.add(form);
        });
        Self { secrets, forms, starts, whole: OnceLock::new(), parts: OnceLock::new() }
    }

    /// The shortest text that is found, in bytes.
    fn shortest(&self, search: Search) -> usize {
        let shortest = self.secrets.iter().map(|secret| secret.len()).min().unwrap_or(usize::MAX);
        match search {
            Search::Whole => shortest,
            Search::Parts => shortest.min(LEAST_PART),
        }
    }

    fn find(&self, text: &[u8], search: Search, mut found: impl FnMut(Span)) {
        if text.len() < self.shortest(search) {
            return;
        }
        if self.starts.next(text, 0).is_some() {
            self.whole.get_or_init(|| self.whole()).find(text, &mut found);
        }
        if search == Search::Parts {
            self.parts.get_or_init(|| self.parts()).find(text, &mut found);
        }
    }

    fn whole(&self) -> Automaton {
        let mut automaton = AutomatonBuilder::default();
        self.forms.of_each(&self.secrets, |form| automaton.add(form));
        automaton.build()
    }

    fn parts(&self) -> Automaton {
        let mut automaton = AutomatonBuilder::default();
        let parts = self.secrets.iter().flat_map(|secret| secret.windows(LEAST_PART));
        parts.for_each(|part| automaton.add(part));
        automaton.build()
    }
}

/// The part of a key that is secret: of a T4 key what follows its key id and a `_`.
fn secret_part(key: &str) -> &str {
    KeyId::split(key).and_then(|(_, secret)| secret.strip_prefix('_')).unwrap_or(key)
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
