//! Normal form of a file path. Intents are looked up by file, so `src/a.py`, `./src/a.py` and `src//a.py` must be one
//! key: otherwise an intent for one spelling would not cover the others.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use crate::text::{Limits, TextError, check_text};

/// The path in its one form: Unicode in NFC, one `/` between segments and none at the end, no `.`, and no `..` behind a
/// segment that it would leave.
///
/// Nothing on disk is looked at, so what a link would change is not seen. A path that leads out of the root keeps its
/// leading `..`, an absolute one its leading `/`; the root itself is `.` (or `/`). An empty text stays empty. The form
/// of a form is itself.
#[must_use]
pub fn normal_path(path: &str) -> Cow<'_, str> {
    let composed = if is_nfc(path) { Cow::Borrowed(path) } else { Cow::Owned(path.nfc().collect()) };
    if composed.is_empty() || has_form(&composed) {
        return composed;
    }
    let absolute = composed.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for segment in composed.split('/') {
        match segment {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => drop(kept.pop()),
            // The root has nothing above it.
            ".." if absolute => {}
            _ => kept.push(segment),
        }
    }
    let joined = kept.join("/");
    Cow::Owned(match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    })
}

/// Checks a path as a caller gives it, and gives its one form.
///
/// # Errors
/// [`TextError`] when it is empty, longer than [`Limits::FILE`] in either form, or has control characters.
pub fn file_path(path: &str) -> Result<Cow<'_, str>, TextError> {
    check_text(path, Limits::FILE, false)?;
    let normal = normal_path(path);
    check_text(&normal, Limits::FILE, false)?;
    Ok(normal)
}

/// Whether no segment of a composed path is empty, `.` or `..`. Nearly every path that comes is such a one.
fn has_form(path: &str) -> bool {
    let relative = path.strip_prefix('/').unwrap_or(path);
    relative.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling_of_a_path_has_the_same_form() {
        for (path, normal) in [
            ("a", "a"),
            ("./a", "a"),
            ("././a/.", "a"),
            ("a/", "a"),
            ("a//b", "a/b"),
            ("a/./b", "a/b"),
            ("a/../b", "b"),
            ("a/b/../../c", "c"),
            ("a/...", "a/..."),
            (".a/..b", ".a/..b"),
            ("cafe\u{301}.py", "caf\u{e9}.py"),
            ("./\u{212b}", "\u{c5}"),
            ("a\\..\\b", "a\\..\\b"),
            (" a /b", " a /b"),
        ] {
            assert_eq!(normal_path(path), normal, "{path}");
        }
    }

    #[test]
    fn what_leads_out_of_the_root_is_not_taken_for_what_is_in_it() {
        for (path, normal) in [
            ("../a", "../a"),
            ("a/../../b", "../b"),
            ("./../../a/./b", "../../a/b"),
            ("..", ".."),
            ("/a//b/../c", "/a/c"),
            ("/../a", "/a"),
            ("/", "/"),
            ("//", "/"),
            (".", "."),
            ("./", "."),
            ("a/..", "."),
            ("", ""),
        ] {
            assert_eq!(normal_path(path), normal, "{path}");
        }
    }

    #[test]
    fn a_path_is_checked_in_both_forms() {
        assert_eq!(file_path("./a").unwrap(), "a");
        assert_eq!(file_path(""), Err(TextError::Empty));
        assert_eq!(file_path("a\nb"), Err(TextError::Control));
        assert!(matches!(file_path(&"./".repeat(2049)), Err(TextError::TooLong { .. })));
        // Composed, this letter is two.
        assert!(matches!(file_path(&"\u{958}".repeat(4096)), Err(TextError::TooLong { got: 8192, .. })));
    }

    fn paths() -> impl Strategy<Value = String> {
        let segment = prop_oneof!["(|\\.|\\.\\.|a|b|\\.c)", "[ae\u{301}\u{e9}\u{958}\u{212b}]{1,3}"];
        prop::collection::vec(segment, 0..8).prop_map(|segments| segments.join("/"))
    }

    /// Where a path leads, by its segments from the root: how many levels up, then down.
    fn place(path: &str) -> (bool, usize, Vec<String>) {
        let (absolute, mut up, mut down) = (path.starts_with('/'), 0, Vec::new());
        for segment in path.split('/') {
            match segment {
                "" | "." => {}
                ".." if down.pop().is_some() => {}
                ".." => up += usize::from(!absolute),
                name => down.push(name.nfc().collect()),
            }
        }
        (absolute, up, down)
    }

    proptest! {
        #[test]
        fn two_paths_have_one_form_exactly_when_they_lead_to_one_place(one in paths(), other in paths()) {
            let (first, second) = (normal_path(&one), normal_path(&other));
            if !one.is_empty() && !other.is_empty() {
                prop_assert_eq!(first == second, place(&one) == place(&other), "{} {}", first, second);
            }
            prop_assert_eq!(place(&first), place(&one));
            prop_assert_eq!(normal_path(&first), first.clone(), "{}", one);
        }
    }
}
