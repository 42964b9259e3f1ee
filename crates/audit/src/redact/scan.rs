//! Finder of secrets in running text, by their shape.

use std::borrow::Cow;

use registry_core::KeyId;

use super::shapes::{ISSUED, ORIGINAL_KEY_LEN, T4_SECRET_MIN, is_alphanumeric, is_token68, is_url_safe};
use super::{REDACTED, SecretSpan, replace_spans};

/// Replaces every secret that is recognised by its shape: T4's keys (the key id is kept), the original service's
/// keys, tokens of well-known issuers, JSON Web Tokens, the token after `Bearer`, passwords in URLs, and private key
/// blocks.
///
/// A run of 43 url-safe characters directly after `sha-256:` is a digest and is kept.
#[must_use]
pub fn redact_text(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut run_end = 0;
    replace_spans(text, |from| next_secret(bytes, from, &mut run_end)).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Returns the first secret at or after `from`. It goes from run to run, a run being a longest range of url-safe
/// characters. `run_end` remembers the end of the last run, so that the time is linear in the length of the text,
/// however many secrets one run holds.
fn next_secret(bytes: &[u8], from: usize, run_end: &mut usize) -> Option<SecretSpan> {
    let mut at = from;
    while at < bytes.len() {
        if at < *run_end {
            let found = within_run(bytes, at, *run_end);
            if found.is_some() {
                return found;
            }
            at = *run_end;
            continue;
        }
        let end = at + count(bytes, at, is_url_safe);
        if end > at {
            *run_end = end;
            let found = whole_run(bytes, at, end);
            if found.is_some() {
                return found;
            }
            continue;
        }
        if starts_with(bytes, at, b"://")
            && let Some(span) = password_in_url(bytes, at + 3)
        {
            return Some(span);
        }
        at += 1;
    }
    None
}

/// Shapes that need the run as a whole.
fn whole_run(bytes: &[u8], start: usize, end: usize) -> Option<SecretSpan> {
    private_key_block(bytes, start, end)
        .or_else(|| web_token(bytes, start, end))
        .or_else(|| original_key(bytes, start, end))
        .or_else(|| bearer(bytes, start, end))
}

/// Shapes that may begin anywhere in a run.
fn within_run(bytes: &[u8], start: usize, end: usize) -> Option<SecretSpan> {
    (start..end).find_map(|at| t4_key(bytes, at).or_else(|| issued_token(bytes, at, end)))
}

fn private_key_block(bytes: &[u8], start: usize, end: usize) -> Option<SecretSpan> {
    const BEGIN: &[u8] = b"-----BEGIN";
    const END: &[u8] = b"-----END";
    bytes.get(start..end)?.ends_with(BEGIN).then_some(())?;
    let head = bytes.get(end..bytes.len().min(end + 64))?;
    find(head, b"PRIVATE KEY")?;
    // A block that is cut off reaches to the end of the text.
    let close = find(bytes.get(end..)?, END).map(|at| end + at + END.len());
    let span_end =
        close.and_then(|at| Some(at + find(bytes.get(at..)?, b"-----")? + 5)).unwrap_or(bytes.len());
    Some(SecretSpan { start, end: span_end })
}

/// A JSON Web Token: three parts with dots between, the first of which begins like the base64 of `{"`. An encrypted
/// one has five.
fn web_token(bytes: &[u8], start: usize, end: usize) -> Option<SecretSpan> {
    let part = |at: usize| (bytes.get(at) == Some(&b'.')).then(|| at + 1 + count(bytes, at + 1, is_url_safe));
    let second = part(end)?;
    find(bytes.get(start..end)?, b"eyJ")?;
    let mut last = (second > end + 1).then(|| part(second)).flatten()?;
    while let Some(next) = part(last).filter(|&next| next > last + 1) {
        last = next;
    }
    Some(SecretSpan { start, end: last })
}

fn original_key(bytes: &[u8], start: usize, end: usize) -> Option<SecretSpan> {
    let alone = end - start == ORIGINAL_KEY_LEN;
    (alone && !bytes.get(..start)?.ends_with(b"sha-256:")).then_some(SecretSpan { start, end })
}

fn bearer(bytes: &[u8], start: usize, end: usize) -> Option<SecretSpan> {
    bytes.get(start..end)?.eq_ignore_ascii_case(b"bearer").then_some(())?;
    let token = end + count(bytes, end, |b| b.is_ascii_whitespace());
    let token_end = token + count(bytes, token, is_token68);
    (token > end && token_end > token).then_some(SecretSpan { start: token, end: token_end })
}

/// A T4 key, anywhere in a text.
fn t4_key(bytes: &[u8], at: usize) -> Option<SecretSpan> {
    starts_with(bytes, at, KeyId::PREFIX.as_bytes()).then_some(())?;
    let end = at + KeyId::LEN;
    KeyId::split(std::str::from_utf8(bytes.get(at..end)?).ok()?)?;
    (bytes.get(end) == Some(&b'_')).then_some(())?;
    let start = end + 1;
    let secret = count(bytes, start, is_alphanumeric);
    (secret >= T4_SECRET_MIN).then_some(SecretSpan { start, end: start + secret })
}

fn issued_token(bytes: &[u8], at: usize, run_end: usize) -> Option<SecretSpan> {
    // Within a word such as `risk-assessment-of-the-release` it is not a prefix.
    if at.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let run = bytes.get(at..run_end)?;
    ISSUED.iter().find_map(|token| {
        let rest = count(run.strip_prefix(token.prefix)?, 0, token.rest);
        (rest >= token.min).then(|| SecretSpan { start: at, end: at + token.prefix.len() + rest })
    })
}

/// `user:password@` after `://`.
fn password_in_url(bytes: &[u8], at: usize) -> Option<SecretSpan> {
    /// Real users and passwords are not longer together; this limits the search.
    const MAX: usize = 512;
    let rest = bytes.get(at..bytes.len().min(at + MAX))?;
    let ends =
        |b: &u8| matches!(b, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>') || b.is_ascii_whitespace();
    let authority = rest.split(ends).next()?;
    let at_sign = authority.iter().rposition(|&b| b == b'@')?;
    let colon = authority.iter().position(|&b| b == b':').filter(|&colon| colon + 1 < at_sign)?;
    let span = SecretSpan { start: at + colon + 1, end: at + at_sign };
    // What is redacted already is not reported; any other end of the name means that there is no password.
    (bytes.get(span.start..span.end)? != REDACTED.as_bytes()).then_some(span)
}

/// Counts the bytes from `at` on for which a predicate holds.
pub(super) fn count(bytes: &[u8], at: usize, is: impl Fn(u8) -> bool) -> usize {
    bytes.get(at..).map_or(0, |rest| rest.iter().take_while(|&&b| is(b)).count())
}

pub(super) fn starts_with(bytes: &[u8], at: usize, what: &[u8]) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(what))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0000000000000000000000000000000000000000001";

    #[track_caller]
    fn gives(text: &str, expected: &str) {
        assert_eq!(redact_text(text), expected);
        assert_eq!(redact_text(expected), expected, "redacting twice changes nothing");
    }

    #[test]
    fn our_keys_keep_their_public_id() {
        gives(&format!("a t4_000000000001_{SECRET}0dLTI1."), "a t4_000000000001_[redacted].");
        gives(&format!("xt4_000000000001_{SECRET}0dLTI1-y"), "xt4_000000000001_[redacted]-y");
        gives(&format!("t4_000000000001_{}", SECRET.split_at(20).0), "t4_000000000001_[redacted]");
        gives("t4_000000000001", "t4_000000000001");
        gives("t4_000000000001_deleted", "t4_000000000001_deleted");
    }

    #[test]
    fn keys_of_the_original_service_are_found_when_they_stand_alone() {
        gives(&format!("<{SECRET}>"), "<[redacted]>");
        gives("Aa_-Aa_-Aa_-Aa_-Aa_-Aa_-Aa_-Aa_-Aa_-Aa_-Aa_", "[redacted]");
        gives(&format!("0{SECRET}"), &format!("0{SECRET}"));
        let short = SECRET.split_at(1).1;
        gives(short, short);
        gives(&format!("sha-256:{SECRET}"), &format!("sha-256:{SECRET}"));
        gives(&format!("é{SECRET}é"), "é[redacted]é");
    }

    #[test]
    fn tokens_of_well_known_issuers_are_found() {
        for token in [
            "sk-proj-abcDEF0123456789_x",
            "sk-ant-api03-abcdef0123",
            "gsk_abcdef0123456789ABCD",
            "ghp_abcdef0123456789ABCD",
            "github_pat_11ABCDEFG0abc_defghijk",
            "AKIAIOSFODNN7EXAMPLE",
            "xoxb-1234567890-abcdef",
            "xoxp-1234567890-abcdef",
        ] {
            gives(&format!("it is \"{token}\", yes"), "it is \"[redacted]\", yes");
        }
        for word in ["risk-assessment-of-the-release", "task-force", "AKIA", "ghp_short", "sk-short"] {
            gives(word, word);
        }
    }

    #[test]
    fn web_tokens_and_bearers_are_found() {
        gives("a=eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln;", "a=[redacted];");
        gives("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "[redacted]");
        gives("eyJhbGciOiJub25lIn0.a1.b2.c3.d4.", "[redacted].");
        gives("Authorization: Bearer hunter2", "Authorization: Bearer [redacted]");
        gives("bEARER \t a.b~c+d/e=, x", "bEARER \t [redacted], x");
        gives("Bearer", "Bearer");
        gives("eyJ.rs and eyJx.y", "eyJ.rs and eyJx.y");
    }

    #[test]
    fn private_key_blocks_are_found_even_when_cut_off() {
        gives("a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b", "a [redacted] b");
        gives("-----BEGIN PRIVATE KEY-----\\nMIIE", "[redacted]");
        let certificate = "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----";
        gives(certificate, certificate);
    }

    #[test]
    fn passwords_in_urls_are_found() {
        gives("redis://:hunter2@localhost:6379/0", "redis://:[redacted]@localhost:6379/0");
        gives("postgres://u:p@ss@db/x?a=b@c", "postgres://u:[redacted]@db/x?a=b@c");
        gives("http://[::1]:80/a@b", "http://[::1]:80/a@b");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the promise is about the time it takes")]
    fn time_stays_linear_on_hostile_text() {
        let start = std::time::Instant::now();
        for piece in [
            "eyJ",
            "eyJ.",
            "eyJ.a.",
            "t4_",
            "t4_000000000001_",
            "ghp_",
            "://",
            "://:",
            "-----BEGIN ",
            "Bearer ",
            "ghp_0123456789abcdef_",
        ] {
            let text = piece.repeat(400_000 / piece.len());
            let _ = redact_text(&text);
        }
        // Milliseconds when linear, minutes when quadratic.
        assert!(start.elapsed().as_secs() < 10);
    }
}
