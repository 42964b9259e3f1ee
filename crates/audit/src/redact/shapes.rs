//! Shapes of secrets: prefixes that issuers put on their tokens.

/// Prefix that an issuer puts on its tokens, and what follows it.
pub(super) struct Issued {
    pub(super) prefix: &'static [u8],
    /// Whether a byte may be in the rest.
    pub(super) rest: fn(u8) -> bool,
    /// Shortest rest that counts as a token.
    pub(super) min: usize,
}

/// Letters, digits, `-` and `_`: the url-safe alphabet. Runs consist of these.
pub(super) const fn is_url_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

pub(super) const fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

const fn is_upper_or_digit(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

/// Characters of a bearer token (RFC 6750).
pub(super) const fn is_token68(byte: u8) -> bool {
    is_url_safe(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'=')
}

const fn issued(prefix: &'static [u8], rest: fn(u8) -> bool, min: usize) -> Issued {
    Issued { prefix, rest, min }
}

/// Known issuers. The minimum length is below that of real tokens, so that a truncated token is found too.
pub(super) const ISSUED: [Issued; 19] = [
    issued(b"sk-", is_url_safe, 16),
    issued(b"gsk_", is_alphanumeric, 16),
    issued(b"ghp_", is_alphanumeric, 16),
    issued(b"gho_", is_alphanumeric, 16),
    issued(b"ghu_", is_alphanumeric, 16),
    issued(b"ghs_", is_alphanumeric, 16),
    issued(b"ghr_", is_alphanumeric, 16),
    issued(b"github_pat_", is_url_safe, 16),
    issued(b"glpat-", is_url_safe, 16),
    issued(b"AKIA", is_upper_or_digit, 12),
    issued(b"ASIA", is_upper_or_digit, 12),
    issued(b"AIza", is_url_safe, 30),
    issued(b"xoxb-", is_url_safe, 10),
    issued(b"xoxp-", is_url_safe, 10),
    issued(b"xoxa-", is_url_safe, 10),
    issued(b"xoxr-", is_url_safe, 10),
    issued(b"xoxs-", is_url_safe, 10),
    issued(b"sk_live_", is_alphanumeric, 16),
    issued(b"hf_", is_alphanumeric, 24),
];

/// Length of the original service's keys: 32 random bytes in the url-safe alphabet.
pub(super) const ORIGINAL_KEY_LEN: usize = 43;
/// Number of the 49 secret characters from which on a text counts as a key: a mistyped or truncated key is a secret
/// too.
pub(super) const T4_SECRET_MIN: usize = 16;
