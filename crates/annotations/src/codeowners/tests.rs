//! The rules that GitHub documents, one case each.

use super::*;

fn owns(pattern: &str, file: &str) -> bool {
    !CodeOwners::read(&format!("{pattern} @x")).of(file).is_empty()
}

#[test]
fn patterns_mean_what_github_says() {
    let cases: [(&str, &[&str], &[&str]); 17] = [
        ("*", &["a", "a/b/c.py"], &[]),
        ("*.js", &["a.js", "x/y/a.js"], &["a.jsx", "js"]),
        ("/build/logs/", &["build/logs/a", "build/logs/x/y"], &["x/build/logs/a", "build/logs"]),
        ("docs/*", &["docs/a.md"], &["docs/b/a.md", "x/docs/a.md", "docs"]),
        ("apps/", &["apps/a", "x/apps/y/a"], &["apps", "xapps/a"]),
        ("/docs/", &["docs/a", "docs/a/b"], &["x/docs/a"]),
        ("/scripts/", &["scripts/a"], &["scripts.py"]),
        ("**/logs", &["logs/a", "build/logs/a", "x/y/logs"], &["logsx/a"]),
        ("/apps/github", &["apps/github", "apps/github/a/b"], &["apps/githubx", "x/apps/github"]),
        ("core", &["core", "core/a", "x/core/a"], &["score/a"]),
        ("/a/**/z", &["a/z", "a/b/z", "a/b/c/z", "a/b/z/y"], &["a/zz", "z"]),
        ("a/**", &["a/b", "a/b/c"], &["a", "x/a/b"]),
        ("/*.md", &["a.md"], &["x/a.md"]),
        ("a?c", &["abc", "x/abc"], &["ac", "a/c"]),
        ("my\\ dir/a\\*b", &["my dir/a*b"], &["my dir/aXb"]),
        ("/", &[], &["a", "a/b"]),
        ("Case", &["Case"], &["case"]),
    ];
    for (pattern, yes, no) in cases {
        for file in yes {
            assert!(owns(pattern, file), "`{pattern}` owns `{file}`");
        }
        for file in no {
            assert!(!owns(pattern, file), "`{pattern}` does not own `{file}`");
        }
    }
}

#[test]
fn the_last_rule_counts_and_one_without_owners_takes_ownership_away() {
    let owners = CodeOwners::read("* @all\r\n\n/a/ @core me@example.com # why\n/a/free\n  # nothing\n");
    assert_eq!(owners.of("b"), ["@all"]);
    assert_eq!(owners.of("a/b"), ["@core", "me@example.com"]);
    assert!(owners.of("a/free/x").is_empty());
    assert_eq!(owners.rules.iter().map(|rule| rule.row).collect::<Vec<_>>(), [1, 3, 4]);
}

#[test]
fn lines_that_github_does_not_take_are_left_out() {
    for line in ["!a @x", "[ab] @x", "\\#a @x", "# a @x", "a nobody", "a @", "a @x @", ""] {
        assert!(CodeOwners::read(line).rules.is_empty(), "{line}");
    }
    assert!(owns("a\\#b", "a#b") && owns("a#b", "a#b"));
}

#[test]
fn owners_are_known_without_at_and_organisation_in_any_case() {
    let owners = CodeOwners::read("* @Org/Core-Team @ada ada@example.com\nx\n");
    for owner in ["@org/core-team", "core-team", "@core-team", " Org/core-team ", "ADA", "ada@example.com"] {
        assert!(owners.knows(owner), "{owner}");
    }
    for owner in ["", "@", "org", "@other/core-team", "example.com", "core"] {
        assert!(!owners.knows(owner), "{owner}");
    }
}

#[test]
fn no_pattern_takes_forever() {
    let pattern = format!("{}b", "*a".repeat(200));
    assert!(!owns(&pattern, &"a".repeat(4_000)));
    let folders = format!("/{}x/y", "**/a/".repeat(200));
    assert!(!owns(&folders, &"a/".repeat(2_000)));
}
