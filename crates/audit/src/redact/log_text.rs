//! Secrets in the text of a log line or a command line.

use std::borrow::Cow;

use super::assignments::next_assigned;
use super::encoded::hides_secret;
use super::path::redact_path;
use super::scan::redact_text;
use super::{REDACTED, replace_spans};

/// Replaces what [`redact_text`] finds, values that are assigned to secret names (`password=…`, `"token": "…"`,
/// `cookie: …` up to the end of the line), and words that hide a secret behind percent-encoding.
#[must_use]
pub fn redact_log_text(text: &str) -> Cow<'_, str> {
    // Encoded words first, while they are whole.
    let text = then(Cow::Borrowed(text), redact_encoded);
    let text = then(text, |text| match redact_text(text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(redacted) => Some(redacted),
    });
    then(text, |text| replace_spans(text, |from| next_assigned(text, from)))
}

fn then(text: Cow<'_, str>, step: impl Fn(&str) -> Option<String>) -> Cow<'_, str> {
    match step(&text) {
        None => text,
        Some(changed) => Cow::Owned(changed),
    }
}

/// Replaces words, between spaces and quotes, that hide a secret behind percent-encoding. Of a path, only those parts
/// are replaced.
fn redact_encoded(text: &str) -> Option<String> {
    let breaks = [' ', '\t', '\n', '\r', '"', '\'', '<', '>'];
    if !text.contains('%') {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(breaks) {
        let word = piece.trim_end_matches(breaks);
        if !word.contains('%') || !hides_secret(word, false) {
            out.push_str(piece);
            continue;
        }
        out.push_str(&if word.starts_with('/') {
            Cow::Owned(redact_path(word))
        } else {
            Cow::Borrowed(REDACTED)
        });
        out.push_str(piece.strip_prefix(word).unwrap_or_default());
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn gives(text: &str, expected: &str) {
        assert_eq!(redact_log_text(text), expected);
        assert_eq!(redact_log_text(expected), expected, "redacting twice changes nothing");
    }

    #[test]
    fn values_given_to_secret_names_are_replaced() {
        gives("password=hunter2 next", "password=[redacted] next");
        gives("GET /a?b=1&admin_token=hunter2&c=2 200", "GET /a?b=1&admin_token=[redacted]&c=2 200");
        gives(r#"{"token": "hun\"ter2", "a": 1}"#, r#"{"token": "[redacted]", "a": 1}"#);
        gives(
            r#"body="{\"password\":\"hunter2\",\"a\":1}""#,
            r#"body="{\"password\":\"[redacted]\",\"a\":1}""#,
        );
        gives("Cookie: a=b; c=d\nnext: 1", "Cookie: [redacted]\nnext: 1");
        gives("Authorization: Basic aHVudGVyMg==", "Authorization: [redacted]");
        gives("Key { secret: Some(\"hunter2\"), id: 3 }", "Key { secret: [redacted], id: 3 }");
        gives("credentials: { user: \"a\", pin: [1, 2] } x", "credentials: [redacted] x");
        gives("api_key => 'hunter2'", "api_key => '[redacted]'");
        gives("--admin-token=hunter2", "--admin-token=[redacted]");
        gives("passwordé=1, é password=é é", "passwordé=1, é password=[redacted] é");
    }

    #[test]
    fn secrets_behind_encoding_are_replaced() {
        gives("GET /a?admin%5Ftoken=hunter2 200", "GET /a?admin%5Ftoken=[redacted] 200");
        let hidden = format!("t4%5F000000000001%5F{}", "0".repeat(49));
        gives(&format!("\"GET /a/{hidden}\" 200"), "\"GET /a/[redacted]\" 200");
    }

    #[test]
    fn what_names_no_secret_stays() {
        for text in [
            "token::Foo at src/key.rs:7",
            "key_id=t4_000000000001",
            "100% of max_tokens=5",
            "a == b",
            "the key was revoked",
            "http://a/b",
            "secret",
            "password",
            "token=",
            "agent.id: 7",
        ] {
            gives(text, text);
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the promise is about the time it takes")]
    fn time_stays_linear_on_hostile_text() {
        let start = std::time::Instant::now();
        for piece in ["key=", "key:{", "token=\"", "% ", "%25", "secret: (\"", "cookie:"] {
            let _ = redact_log_text(&piece.repeat(200_000 / piece.len()));
        }
        // Milliseconds when linear, minutes when quadratic.
        assert!(start.elapsed().as_secs() < 10);
    }
}
