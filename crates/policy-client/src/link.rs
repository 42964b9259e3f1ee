//! The `Link` header (RFC 8288): where the next page is.

/// The target of the first link whose relation is `next`.
pub(crate) fn next_target(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let (target, after) = rest.split_once('<')?.1.split_once('>')?;
        let (mut parameters, more) = cut(after, ',');
        while !parameters.is_empty() {
            let (parameter, others) = cut(parameters, ';');
            if is_next(parameter) {
                return Some(target);
            }
            parameters = others;
        }
        rest = more;
    }
}

/// What stands before and after the first `separator` outside quotes.
fn cut(text: &str, separator: char) -> (&str, &str) {
    let mut quoted = false;
    let mut escaped = false;
    let at = text.find(|c| {
        let ends = c == separator && !quoted;
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && quoted && !escaped;
        ends
    });
    let (before, after) = at.and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""));
    (before, after.strip_prefix(separator).unwrap_or(after))
}

/// Whether a parameter is `rel` with `next` among its words.
fn is_next(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        let mut words = value.trim().trim_matches('"').split_ascii_whitespace();
        name.trim().eq_ignore_ascii_case("rel") && words.any(|word| word.eq_ignore_ascii_case("next"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_next_page_is_found_among_other_links() {
        for (header, next) in [
            ("</a?cursor=1>; rel=\"next\"", Some("/a?cursor=1")),
            ("</a>; rel=prev, </b>; REL=Next", Some("/b")),
            ("</a>; title=\"x, </z>; rel=next\"; rel=prev, </b?x=1,2>; rel=\"last next\"", Some("/b?x=1,2")),
            ("</a>; rel=prev", None),
            ("</a>; title=next", None),
            ("rel=next", None),
            ("<a", None),
            ("", None),
        ] {
            assert_eq!(next_target(header), next, "{header}");
        }
    }

    proptest! {
        /// A hostile header ends in an answer, whatever it holds.
        #[test]
        fn no_header_hangs_the_parser(header in "[<>,;\"\\\\=relnxt é]{0,60}") {
            let _ = next_target(&header);
        }
    }
}
