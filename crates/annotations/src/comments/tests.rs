use proptest::prelude::*;

use super::*;

mod hashes;
mod slashes;

/// The comments of a source, each with its row.
fn said(source: &str, language: Language) -> Vec<(u32, &str)> {
    let found = comments(source, language);
    found.into_iter().map(|comment| (comment.row, source.get(comment.whole).unwrap())).collect()
}

/// Checks each source for its comments.
fn table(language: Language, cases: &[(&str, &[(u32, &str)])]) {
    for (source, expected) in cases {
        assert_eq!(said(source, language), *expected, "{language:?}: {source:?}");
    }
}

const ALL: [Language; 12] = [
    Language::Python,
    Language::Hash,
    Language::Shell,
    Language::Yaml,
    Language::Toml,
    Language::Rust,
    Language::C,
    Language::JavaScript,
    Language::Dash,
    Language::Lua,
    Language::Haskell,
    Language::Css,
];

#[test]
fn rows_end_at_lf_cr_and_crlf_alone() {
    table(
        Language::Python,
        &[
            ("#1\n#2\r\n#3\r#4\n\r#6", &[(1, "#1"), (2, "#2"), (3, "#3"), (4, "#4"), (6, "#6")]),
            ("\u{c}#\u{c}\u{85}\u{2028}\u{b}\n#2", &[(1, "#\u{c}\u{85}\u{2028}\u{b}"), (2, "#2")]),
            ("\u{feff}#1", &[(1, "#1")]),
            ("", &[]),
        ],
    );
}

#[test]
fn a_body_is_what_a_comment_says() {
    for (source, language, body) in [
        ("#a", Language::Python, "a"),
        ("// a", Language::Rust, " a"),
        ("/* a */", Language::C, " a "),
        ("/**/", Language::Css, ""),
        ("--[==[ a ]==]", Language::Lua, " a "),
        ("{- a -}", Language::Haskell, " a "),
    ] {
        let found = comments(source, language);
        assert_eq!(found.len(), 1, "{source}");
        assert_eq!(source.get(found[0].body.clone()).unwrap(), body);
        assert_eq!(found[0].block, !matches!(source.as_bytes()[1], b'a' | b'/'), "{source}");
    }
}

#[test]
fn long_hostile_sources_take_linear_time() {
    for language in ALL {
        for part in [
            "\"", "'", "`", "f'{", "<<a\n", "$(", "r#\"", "[[", "[=", "/*", "{-", "$a$", "|\n", "\\", "' \"",
            "R\"(", "#", "\r",
        ] {
            let _ = comments(&part.repeat(100_000), language);
        }
    }
}

proptest! {
    #[test]
    fn comments_are_sorted_disjoint_and_cut_no_character(parts in fragments()) {
        let source = parts.concat();
        for language in ALL {
            let mut at = 0;
            let mut row = 1;
            for comment in comments(&source, language) {
                prop_assert!(comment.whole.start >= at && comment.whole.start < comment.whole.end);
                prop_assert!(comment.whole.start <= comment.body.start && comment.body.end <= comment.whole.end);
                prop_assert!(source.get(comment.whole.clone()).is_some());
                let body = source.get(comment.body.clone());
                prop_assert!(body.is_some());
                prop_assert!(comment.block || !body.unwrap_or_default().contains(['\n', '\r']));
                prop_assert_eq!(comment.row, row + line_ends(source.as_bytes(), at..comment.whole.start));
                row = comment.row;
                at = comment.whole.start;
                row += line_ends(source.as_bytes(), at..comment.whole.end);
                at = comment.whole.end;
            }
            let _ = crate::scan(&source, language);
        }
    }
}

fn fragments() -> impl Strategy<Value = Vec<&'static str>> {
    let fragments = vec![
        "#",
        "\"",
        "'",
        "`",
        "\"\"\"",
        "'''",
        "\\",
        "\n",
        "\r",
        "\r\n",
        "/",
        "//",
        "/*",
        "*/",
        "--",
        "--[[",
        "]]",
        "[=[",
        "{-",
        "-}",
        "{",
        "}",
        "(",
        ")",
        "f\"",
        "rb'",
        "r#\"",
        "R\"x(",
        "$",
        "${",
        "$(",
        "$$",
        "<<",
        "EOF",
        "<<'",
        "|",
        ": ",
        "- ",
        " ",
        "\t",
        "é",
        "\u{2028}",
        "😀",
        "a",
        "1",
        "\u{feff}",
        "TODO[T4-ISSUE]",
        ": {\"a\":",
        "T4:",
        "code=",
        "!",
        "&",
        ":",
        "\0",
    ];
    proptest::collection::vec(proptest::sample::select(fragments), 0..40)
}
