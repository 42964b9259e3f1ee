//! Secrets behind percent-encoding, at any depth.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::json::embedded_json_has_secret;
use super::names::is_secret_name;
use super::scan::redact_text;

/// How often a text is decoded before it is taken for a secret: nobody encodes this often who hides nothing.
const MAX_ROUNDS: usize = 8;

/// Whether a name, or what it decodes to, is that of a secret.
pub(super) fn is_secret_name_encoded(name: &str) -> bool {
    if !name.contains('%') {
        return is_secret_name(name);
    }
    any_round(Cow::Borrowed(name), is_secret_name)
}

/// Whether a part of a URL that was redacted by shape still hides a secret: behind encoding, as a nested
/// assignment (`next=/x?token=…`), or in JSON. `plus_is_space` as in a query.
pub(super) fn hides_secret(part: &str, plus_is_space: bool) -> bool {
    let plus = plus_is_space && part.contains('+');
    if !plus && !part.contains(['%', '=', '{', '"']) {
        return false;
    }
    let first = if plus { Cow::Owned(part.replace('+', " ")) } else { Cow::Borrowed(part) };
    any_round(first, |text| {
        matches!(redact_text(text), Cow::Owned(_))
            || has_secret_assignment(text)
            || embedded_json_has_secret(text)
    })
}

/// Whether `holds` is true of the text, or of what it decodes to after any number of rounds.
fn any_round(mut text: Cow<'_, str>, holds: impl Fn(&str) -> bool) -> bool {
    for _ in 0..MAX_ROUNDS {
        if holds(&text) {
            return true;
        }
        let decoded = match percent_decode_str(&text).decode_utf8_lossy() {
            Cow::Borrowed(_) => return false,
            Cow::Owned(decoded) => decoded,
        };
        text = Cow::Owned(decoded);
    }
    true
}

/// Whether a secret name is given a value between the separators of a URL.
fn has_secret_assignment(text: &str) -> bool {
    let pieces = text.split(['?', '&', ';', '#', '/', ' ', ',']);
    pieces.filter(|piece| piece.contains('=')).any(|piece| {
        // `next=token=x`: every `=` but the last may have a name before it.
        let mut names = piece.split('=').collect::<Vec<_>>();
        names.pop();
        names.iter().any(|name| is_secret_name(name))
    })
}
