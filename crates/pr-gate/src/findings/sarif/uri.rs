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
        let byte = escaped.and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
