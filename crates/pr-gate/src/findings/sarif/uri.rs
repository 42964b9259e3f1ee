//! Where a file is, by its URI.

use std::path::Path;

use super::shape::{ArtifactLocation, SarifRun};

/// How many bases may stand on one another.
const BASES: usize = 8;

/// The path of a file: absolute, or from the root. `None` when none is named; a URI that is no file's is kept as it is,
/// and leads out of the root.
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
        // A base that is not said is the root.
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

/// A `file:` URI or a relative one as a path.
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
        // The machine's name, which may be empty.
        Some(rest) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => rest,
    };
    decoded(path)
}

/// Without `%` escapes. What does not decode to UTF-8 stays as it is.
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

/// The value of a hexadecimal digit.
fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// A path as a URI writes it: each byte as it is, where that is allowed, or escaped.
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
        fn a_path_is_read_back_from_every_way_to_write_it(path in "/([ -.0-~éß\n][ -~éß\n]{0,11})?", choices in vec(any::<bool>(), 1..9)) {
            let uri = written(&path, &choices);
            for start in ["file://", "file://host", "FILE:"] {
                prop_assert_eq!(of_uri(&format!("{start}{uri}")), path.clone(), "{}", uri);
            }
            // A relative one, whose first part has no colon of its own.
            prop_assert_eq!(of_uri(&format!("a{uri}")), format!("a{path}"));
        }

        #[test]
        fn a_uri_is_never_longer_as_a_path_but_by_the_mark_of_another_scheme(uri in "[a-z+.:/%0-9A-F]{0,20}|\\PC{0,12}") {
            let path = of_uri(&uri);
            prop_assert!(path.len() <= uri.len() + 1, "{}", path);
            if !uri.contains('%') && !uri.contains(':') {
                prop_assert_eq!(path, uri);
            }
        }
    }
}
