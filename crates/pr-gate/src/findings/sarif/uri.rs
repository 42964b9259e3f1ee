//! Paths of files from URIs.

use std::path::Path;

use super::shape::{ArtifactLocation, SarifRun};

/// The maximum length of a chain of base URIs.
const BASES: usize = 8;

/// Returns the path of a file: absolute, or relative to the root. Returns `None` when the location names no file. A URI
/// with another scheme than `file` becomes an absolute path, which is outside the root.
pub fn path(run: &SarifRun, location: &ArtifactLocation) -> Option<String> {
    let mut location = location;
    if location.uri.is_none() {
        let index = location.index.and_then(|index| usize::try_from(index).ok())?;
        location = run.artifacts.get(index)?.location.as_ref()?;
    }
    let mut path = of_uri(location.uri.as_deref()?);
    let mut base = location.uri_base_id.as_ref();
    for _ in 0..BASES {
        if is_absolute(&path) {
            break;
        }
        // A base without a URI is the root.
        let Some(above) = base.and_then(|base| run.original_uri_base_ids.get(base)) else { break };
        let Some(uri) = &above.uri else { break };
        path = format!("{}/{path}", of_uri(uri).trim_end_matches('/'));
        base = above.uri_base_id.as_ref();
    }
    Some(path)
}

fn is_absolute(path: &str) -> bool {
    Path::new(path).is_absolute() || path.contains("://")
}

/// Converts a `file:` URI or a relative URI to a path.
fn of_uri(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once(':') else { return decoded(uri) };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !is_scheme {
        return decoded(uri);
    }
    if !scheme.eq_ignore_ascii_case("file") {
        return format!("/{uri}");
    }
    let path = match rest.strip_prefix("//") {
        // Skips the host name, which may be empty.
        Some(rest) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => rest,
    };
    decoded(path)
}

/// Decodes `%` escapes. A text that does not decode to UTF-8 is returned unchanged.
fn decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%').then(|| after.get(..2)).flatten();
        let byte = escaped.and_then(|two| match two {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        });
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Returns the value of a hexadecimal digit.
fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Writes a path as a URI. `choices` decide which bytes are escaped, where both forms are allowed.
    fn written(path: &str, choices: &[bool]) -> String {
        let mut choices = choices.iter().cycle();
        let one = |byte: u8| {
            let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            let escape = byte != b'/' && (!plain || choices.next().copied().unwrap_or(true));
            if escape { format!("%{byte:02X}") } else { char::from(byte).to_string() }
        };
        path.bytes().map(one).collect::<Vec<_>>().concat()
    }

    #[test]
    fn an_escape_is_two_hexadecimal_digits() {
        for (uri, path) in [
            ("a%20b%2f", "a b/"),
            ("a%+5b", "a%+5b"),
            ("a%-1", "a%-1"),
            ("%4", "%4"),
            ("100%", "100%"),
            ("%ff", "%ff"),
        ] {
            assert_eq!(of_uri(uri), path);
        }
    }

    proptest! {
        #[test]
        fn a_path_is_read_back_from_every_spelling_of_its_uri(path in "/([ -.0-~éß\n][ -~éß\n]{0,11})?", choices in vec(any::<bool>(), 1..9)) {
            let uri = written(&path, &choices);
            for start in ["file://", "file://host", "FILE:"] {
                prop_assert_eq!(of_uri(&format!("{start}{uri}")), path.clone(), "{}", uri);
            }
            // A relative one, whose first segment has no colon.
            prop_assert_eq!(of_uri(&format!("a{uri}")), format!("a{path}"));
        }

        #[test]
        fn a_path_is_at_most_one_byte_longer_than_its_uri(uri in "[a-z+.:/%0-9A-F]{0,20}|\\PC{0,12}") {
            let path = of_uri(&uri);
            prop_assert!(path.len() <= uri.len() + 1, "{}", path);
            if !uri.contains('%') && !uri.contains(':') {
                prop_assert_eq!(path, uri);
            }
        }
    }
}
