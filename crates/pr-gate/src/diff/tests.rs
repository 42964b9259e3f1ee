use std::path::Path;
use std::process::{Command, Output, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::*;

fn git(folder: &Path, arguments: &[&str], input: &str) -> Output {
    use std::io::Write as _;
    let mut git = Command::new("git");
    git.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    git.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = git.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Applies a diff to one file in a new folder. Returns the text of the file, or `None` when the diff was refused.
fn applied(name: &str, before: Option<&str>, diff: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    assert!(git(folder.path(), &["init", "-q"], "").status.success());
    if let Some(before) = before {
        write(folder.path(), name, before);
    }
    let output = git(folder.path(), &["apply", "-"], diff);
    let now = std::fs::read(folder.path().join(name)).ok().map(|bytes| String::from_utf8(bytes).unwrap());
    if output.status.success() {
        Some(now.unwrap())
    } else {
        assert_eq!(now.as_deref(), before, "a diff that is refused changes nothing");
        None
    }
}

/// Whether no line of a text is a command of a CI runner, and no character controls a terminal.
fn is_inert(text: &str) -> bool {
    inert_lines(text) && !text.replace("\r\n", "\n").chars().any(|c| c.is_control() && !"\n\t".contains(c))
}

fn inert_lines(text: &str) -> bool {
    text.split(['\n', '\r']).all(|line| {
        !line.trim_start().starts_with("::") && !["##[", "##vso["].iter().any(|mark| line.contains(mark))
    })
}

/// File names with characters that need quotes or escapes.
fn names() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "(::|##vso\\[x\\]|a/|\"|\\\\|é|漢| |-|\\.py|\\$|%0A)",
        "[\u{1}-\u{1f}\u{7f}\u{80}-\u{9f}\u{202e}\u{2066}\u{200b}\n\t\r\u{1b}]",
        "[a-z0-9@=~']{1,3}",
    ];
    prop::collection::vec(part, 1..6).prop_map(|parts| {
        let name = parts.concat();
        let parts = name.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
        parts.collect::<Vec<_>>().join("/") + "x"
    })
}

fn texts() -> impl Strategy<Value = String> {
    let row = prop_oneof![
        "[a-c]{0,2}",
        "( |\t)?::add-mask::[a-c]",
        "[a-c]##vso\\[[a-c]\\]",
        "[\u{1b}\u{9b}\u{202e}\r\u{c}]?[a-c]",
        "(--- a/x|\\+\\+\\+ b/x|@@ -1 \\+1 @@|\\\\ No newline at end of file)",
    ];
    let end = prop_oneof![8 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\r")];
    (prop::collection::vec((row, end), 0..12), any::<bool>()).prop_map(|(rows, ends)| {
        let text: String = rows.into_iter().map(|(row, end)| row + end).collect();
        if ends { text } else { text.trim_end_matches('\n').to_owned() }
    })
}

#[test]
fn names_are_quoted_as_git_quotes_them() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let folder = tempfile::tempdir().unwrap();
    assert!(git(folder.path(), &["init", "-q"], "").status.success());
    let mut all = std::collections::BTreeSet::new();
    for _ in 0..400 {
        all.insert(names().new_tree(&mut runner).unwrap().current());
    }
    // A name can't be that of a file and of a folder.
    let mut kept: Vec<String> = Vec::new();
    for name in all {
        if !kept.iter().any(|above| name.starts_with(&format!("{above}/"))) {
            write(folder.path(), &name, "a\n");
            kept.push(name);
        }
    }
    assert!(kept.len() > 300, "{}", kept.len());
    assert!(git(folder.path(), &["add", "-A"], "").status.success());
    for name in &kept {
        write(folder.path(), name, "b\n");
    }
    let output = git(folder.path(), &["-c", "core.quotePath=true", "diff"], "");
    let of_git = String::from_utf8(output.stdout).unwrap();
    let mut heads: Vec<_> =
        of_git.lines().filter(|line| line.starts_with("--- ") || line.starts_with("+++ ")).collect();
    let ours: Vec<_> = kept.iter().map(|name| unified(name, Some("a\n"), "b\n")).collect();
    let mut our_heads: Vec<_> = ours.iter().flat_map(|diff| diff.lines().take(2)).collect();
    heads.sort_unstable();
    our_heads.sort_unstable();
    assert_eq!(our_heads, heads);
}

#[test]
fn a_hunk_with_escapes_is_refused_by_git_apply() {
    for before in
        ["x = '\u{1b}[2J'\n", " ::add-mask::x\n", "# ##vso[task.x]y\n", "a\r::error::x\n", "\u{202e}\n"]
    {
        let after = format!("{before}more\n");
        let diff = unified("a.py", Some(before), &after);
        assert_eq!(applied("a.py", Some(before), &diff), Some(after), "{diff:?}");
        let shown = shown(&diff);
        assert!(is_inert(&shown) && shown.contains(NOTE_BEGIN), "{shown:?}");
        assert_eq!(applied("a.py", Some(before), &shown), None);
    }
    let crlf = unified("a.py", Some("a\r\nb\r\n"), "a\r\nc\r\n");
    assert_eq!(shown(&crlf), crlf);
}

const NOTE_BEGIN: &str = "\n| not exact";

#[test]
fn diffs_of_a_new_file_and_of_an_emptied_file_can_be_applied() {
    let diff = unified("d/é.py", None, "a\n");
    assert!(diff.starts_with("--- /dev/null\n+++ \"b/d/\\303\\251.py\"\n@@ -0,0 +1 @@\n+a\n"), "{diff}");
    assert_eq!(applied("d/é.py", None, &diff).as_deref(), Some("a\n"));
    let diff = unified("a b.py", Some("a\n"), "");
    assert_eq!(diff, "--- a/a b.py\t\n+++ b/a b.py\t\n@@ -1 +0,0 @@\n-a\n");
    assert_eq!(applied("a b.py", Some("a\n"), &diff).as_deref(), Some(""));
    assert_eq!(unified("a", Some("a"), "a"), "");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn git_apply_accepts_exact_diffs_and_no_others(name in names(), before in texts(), after in texts()) {
        let diff = unified(&name, Some(&before), &after);
        if !diff.is_empty() {
            prop_assert_eq!(applied(&name, Some(&before), &diff), Some(after.clone()), "{}", diff);
            let shown = shown(&diff);
            prop_assert!(is_inert(&shown), "{:?}", shown);
            if let Some(result) = applied(&name, Some(&before), &shown) {
                prop_assert_eq!(&result, &after, "{}", shown);
                prop_assert!(!shown.contains(NOTE_BEGIN));
            }
            prop_assert_eq!(!shown.contains(NOTE_BEGIN), applied(&name, Some(&before), &shown).is_some());
        }
    }
}
