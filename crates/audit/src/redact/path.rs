//! Secrets in the path and query of a request.

use std::borrow::Cow;

use super::REDACTED;
use super::encoded::{hides_secret, is_secret_name_encoded};
use super::scan::redact_text;

/// Redacts path and query for the log. Values of secret names are replaced, and so is text with the shape of a
/// secret, percent-encoded or not. A part that hides a secret behind encoding is replaced as a whole.
#[must_use]
pub fn redact_path(path_and_query: &str) -> String {
    let mut out = String::with_capacity(path_and_query.len());
    let (path, query) = match path_and_query.split_once('?') {
        None => (path_and_query, None),
        Some((path, query)) => (path, Some(query)),
    };
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            out.push('/');
        }
        out.push_str(&part(segment, false));
    }
    let Some(query) = query else { return out };
    for (index, pair) in query.split('&').enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        let Some((name, value)) = pair.split_once('=') else {
            out.push_str(&part(pair, true));
            continue;
        };
        out.push_str(&part(name, true));
        out.push('=');
        out.push_str(&if is_secret_name_encoded(name) { Cow::Borrowed(REDACTED) } else { part(value, true) });
    }
    out
}

fn part(raw: &str, plus_is_space: bool) -> Cow<'_, str> {
    // With escapes in it, a secret may continue where its shape seems to end, so nothing of the part may stay.
    if raw.contains('%') {
        return Cow::Borrowed(if hides_secret(raw, plus_is_space) { REDACTED } else { raw });
    }
    let by_shape = redact_text(raw);
    if hides_secret(&by_shape, plus_is_space) { Cow::Borrowed(REDACTED) } else { by_shape }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "t4_000000000001_0000000000000000000000000000000000000000000dLTI1";

    #[track_caller]
    fn gives(path: &str, expected: &str) {
        assert_eq!(redact_path(path), expected);
        assert_eq!(redact_path(expected), expected, "redacting twice changes nothing");
    }

    #[test]
    fn ordinary_paths_stay_as_they_are() {
        for path in [
            "/",
            "",
            "/intents/T4-0123456789abcdefghjkmnpqrs",
            "/intents/by_file?file=src%2Fa%20b.py&limit=5",
            "/intents?code=F401&status=planned&owner=",
            "/a?b",
            "/a?",
            "/metrics?=&&",
            "*",
            "/x?q=a+b=c",
            "/admin/api_keys/t4_000000000001?key_id=7&max_tokens=5",
            "/%ff%zz%",
        ] {
            gives(path, path);
        }
    }

    #[test]
    fn values_of_secret_names_are_replaced() {
        gives("/a?admin_token=x&b=1", "/a?admin_token=[redacted]&b=1");
        gives("/a?b=1&key=x/y?z;w=v", "/a?b=1&key=[redacted]");
        gives("/a?ADMIN-Token=", "/a?ADMIN-Token=[redacted]");
    }

    #[test]
    fn encoded_names_do_not_slip_through() {
        gives("/a?admin%5Ftoken=x", "/a?admin%5Ftoken=[redacted]");
        gives("/a?%61dmin%255Ftoken=x", "/a?%61dmin%255Ftoken=[redacted]");
        gives("/a?user%5Bpassword%5D=x", "/a?user%5Bpassword%5D=[redacted]");
    }

    #[test]
    fn keys_are_replaced_wherever_they_stand() {
        gives(&format!("/admin/api_keys/{KEY}"), "/admin/api_keys/t4_000000000001_[redacted]");
        gives(&format!("/a?{KEY}"), "/a?t4_000000000001_[redacted]");
        gives(&format!("/a?{KEY}=1"), "/a?t4_000000000001_[redacted]=1");
        gives(&format!("/{}", "x".repeat(43)), "/[redacted]");
    }

    #[test]
    fn encoded_keys_do_not_slip_through() {
        let encoded: String = KEY.bytes().map(percent_encoding::percent_encode_byte).collect();
        let twice = encoded.replace('%', "%25");
        let nine_times = (0..9).fold(encoded.clone(), |text, _| text.replace('%', "%25"));
        for hidden in [encoded, twice, nine_times, KEY.replace('_', "%5F"), format!("%20{}", "x".repeat(43))]
        {
            gives(&format!("/a/{hidden}/b?c={hidden}&d"), "/a/[redacted]/b?c=[redacted]&d");
        }
        gives("/a?b=Bearer+hunter2", "/a?b=[redacted]");
        gives("/a?b=Bearer%20hunter2", "/a?b=[redacted]");
    }

    #[test]
    fn assignments_within_a_part_do_not_slip_through() {
        gives("/a;token=x/b", "/[redacted]/b");
        gives("/a%3Fadmin_token%3Dx", "/[redacted]");
        gives("/a?next=%2Fb%3Ftoken%3Dx", "/a?next=[redacted]");
        gives("/a?next=/b?c=1;token=x", "/a?next=[redacted]");
        gives("/a?filter=%7B%22password%22:%22x%22%7D", "/a?filter=[redacted]");
    }
}
