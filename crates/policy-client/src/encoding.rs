//! Percent-encoding of texts for paths and queries.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use registry_core::IntentId;

use crate::Error;

/// Everything but RFC 3986's unreserved characters is encoded, so `/`, `%` and `?` are mere text.
const UNSAFE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A text as one segment of a path.
///
/// # Errors
/// [`Error::InvalidArgument`] for an empty text and for `.` and `..`: URL software takes those for places in the
/// tree, encoded or not, and would ask for another route.
pub(crate) fn segment(what: &'static str, text: &str) -> Result<String, Error> {
    match text {
        "" => Err(Error::InvalidArgument { what, problem: "must not be empty" }),
        "." | ".." => {
            Err(Error::InvalidArgument { what, problem: "can't be `.` or `..`: no URL can carry it" })
        }
        _ => Ok(encode(text)),
    }
}

/// An intent's id as one segment of a path; a word that is a route is refused, as it would ask that route.
pub(crate) fn intent_segment(id: &str) -> Result<String, Error> {
    if IntentId::is_route_word(id) {
        return Err(Error::InvalidArgument {
            what: "intent id",
            problem: "is a word of the API's paths, so no intent can have it",
        });
    }
    segment("intent id", id)
}

/// Pairs as a query, without the `?`.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    pairs.join("&")
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, UNSAFE).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;
    use registry_core::BaseUrl;

    proptest! {
        /// Whatever the id, the server reads that id, and the route stays the same.
        #[test]
        fn any_id_arrives_as_it_is(id in "\\PC{1,40}|[./%?#\\\\a ]{1,12}") {
            if let Ok(segment) = intent_segment(&id) {
                let url = BaseUrl::parse("http://h:1/t4/").unwrap().join(&format!("/intents/{segment}")).unwrap();
                let last = url.path().strip_prefix("/t4/intents/").unwrap();
                prop_assert!(!last.contains('/'));
                prop_assert_eq!(percent_decode_str(last).decode_utf8().unwrap(), id);
                prop_assert!(url.query().is_none() && url.fragment().is_none());
            }
        }
    }

    #[test]
    fn texts_that_urls_rewrite_are_refused() {
        for id in ["", ".", "..", "stale", "by_file", "pre_pr_check"] {
            assert!(matches!(intent_segment(id), Err(Error::InvalidArgument { .. })), "{id}");
        }
    }
}
