//! Checks of single fields of the configuration.

/// A number within its bounds, or what it takes.
pub(super) fn number(value: Option<i64>, standard: u64, least: u64, most: u64) -> Result<u64, String> {
    let Some(value) = value else { return Ok(standard) };
    u64::try_from(value)
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("takes {least} to {most}; it is {value}"))
}

/// Whether a text is 1 to 64 letters, digits, `.`, `_` and `-`.
pub(super) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Whether a text can be the name of an environment variable: capitals, digits and `_`. Keys of providers have
/// small letters, so that a key in the place of its variable's name is noticed.
pub(super) fn is_variable(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit())
}
