//! Field names whose values are secrets.

/// Names whose values are secrets, in lower case with letters and digits only.
const WHOLE: [&str; 5] = ["key", "session", "sessionid", "bearer", "pwd"];

/// Endings that make a name secret.
const ENDS: [&str; 12] = [
    "passwd",
    "passphrase",
    "secret",
    "token",
    "authorization",
    "credential",
    "credentials",
    "cookie",
    "pepper",
    "apikey",
    "privatekey",
    "accesskey",
];

/// Whether the value of a field with this name is a secret.
///
/// Case, separators and digits at the end do not matter, nor does nesting (`user[token]`,
/// `http.header.authorization`). A name that ends with the word *key* counts, except for public keys. A name that
/// only begins with it (`key_id`) does not.
pub(super) fn is_secret_name(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let plain = plain.trim_end_matches(|c: char| c.is_ascii_digit());
    if plain.contains("password") || ENDS.iter().any(|end| plain.ends_with(end)) || WHOLE.contains(&plain) {
        return true;
    }
    ends_with_word_key(name, plain) || last_part_is_secret(name)
}

fn ends_with_word_key(name: &str, plain: &str) -> bool {
    if !plain.ends_with("key") || plain.ends_with("publickey") || plain.ends_with("pubkey") {
        return false;
    }
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || !c.is_ascii_alphanumeric());
    let mut backwards = name.bytes().rev().skip(2);
    let (k, before) = (backwards.next(), backwards.next());
    match before {
        None => true,
        Some(b) if !b.is_ascii_alphanumeric() => true,
        // `sshKey`, but not `monkey` or `MONKEY`.
        Some(b) => k == Some(b'K') && !b.is_ascii_uppercase(),
    }
}

fn last_part_is_secret(name: &str) -> bool {
    let parts = name.rsplit(['.', '[', ':']);
    let last = parts.map(|part| part.trim_end_matches(']')).find(|part| !part.is_empty());
    last.is_some_and(|last| WHOLE.iter().any(|whole| last.eq_ignore_ascii_case(whole)))
}

/// Whether the value of a header with this name is a secret up to the end of its line.
pub(super) fn is_header_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with("authorization") || name.ends_with("cookie")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_every_spelling() {
        for name in [
            "password",
            "PASSWORD",
            "passwd",
            "secret",
            "token",
            "api_key",
            "apikey",
            "api-key",
            "apiKey",
            "key",
            "Key",
            "authorization",
            "Proxy-Authorization",
            "credential",
            "credentials",
            "private_key",
            "access_key",
            "client_secret",
            "clientSecret",
            "admin_token",
            "ADMIN-TOKEN",
            "cookie",
            "Set-Cookie",
            "session",
            "pepper",
            "bearer",
            "refresh_token",
            "refreshToken",
            "db_password",
            "ssh_key",
            "sshKey",
            "X-T4-API-KEY",
            "x-t4-admin-token",
            "OPENAI_API_KEY",
            "T4_KEY_PEPPER",
            "user[password]",
            "user[token]",
            "http.request.header.cookie",
            "a.session",
            "key1",
            "token_2",
            "password_confirmation",
            "__key__",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn names_that_only_sound_like_secrets_are_left_alone() {
        for name in [
            "key_id",
            "public_key",
            "publicKey",
            "token_count",
            "max_tokens",
            "agent_id",
            "monkey",
            "MONKEY",
            "tokens",
            "keys",
            "keyboard",
            "secretary",
            "session_count",
            "owner",
            "author",
            "status",
            "id",
            "",
            "api_keys",
            "sha256",
            "é",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
