//! Checks of single fields of the configuration.

/// Returns a number, or `standard` when it is absent. The error states the accepted range.
pub(super) fn number(value: Option<i64>, standard: u64, least: u64, most: u64) -> Result<u64, String> {
    let Some(value) = value else { return Ok(standard) };
    u64::try_from(value)
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("must be {least} to {most}, got {value}"))
}

/// Returns whether a text is 1 to 64 letters, digits, `.`, `_` and `-`.
pub(super) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Returns whether a text can be the name of an environment variable: capitals, digits and `_`. API keys of providers
/// contain lower-case letters, so a key that was pasted in place of a name is refused.
pub(super) fn is_variable(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit())
}
