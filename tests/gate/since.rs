//! `t4 check --since` on scripted histories.

use std::collections::BTreeSet;

use crate::support::Repo;

/// Two functions; the linter has something to say of the first.
const TWO: &str = "def f():\n    try:\n        return 1\n    except ValueError:\n        raise KeyError\n\n\n\
                   def g():\n    try:\n        return 2\n    except ValueError as e:\n        raise KeyError from e\n";

/// A repository whose `main` has one finding in `src/a.py`, and a branch on which nothing happened yet.
fn repo() -> Repo {
    let repo = Repo::new();
    repo.write("src/a.py", TWO);
    repo.commit("begin");
    repo.git(&["switch", "-q", "-c", "change"]);
    repo
}

/// The new findings: files, rows and codes.
fn new(repo: &Repo, further: &[&str]) -> BTreeSet<(String, u64, String)> {
    let arguments = [&["check", "--json", "--since", "main"], further].concat();
    let run = repo.t4(&arguments);
    let report = run.json();
    let findings = report["findings"].as_array().expect("a list");
    assert_eq!(report["summary"]["new_findings"], findings.len(), "{report:#}");
    assert_eq!(run.code, i32::from(!findings.is_empty()), "{report:#}");
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    findings
        .iter()
        .map(|one| (text(&one["file"]), one["start"]["row"].as_u64().expect("a row"), text(&one["code"])))
        .collect()
}

fn one(file: &str, row: u64, code: &str) -> BTreeSet<(String, u64, String)> {
    BTreeSet::from([(file.to_owned(), row, code.to_owned())])
}

#[test]
fn lines_that_moved_and_files_that_were_renamed_bring_nothing_new() {
    let repo = repo();
    assert_eq!(new(&repo, &[]), BTreeSet::new(), "nothing happened");
    repo.write("src/a.py", format!("\"\"\"Words.\"\"\"\n\n\n{TWO}"));
    assert_eq!(new(&repo, &[]), BTreeSet::new(), "moved, not committed");
    repo.git(&["mv", "src/a.py", "src/b c.py"]);
    repo.commit("move");
    assert_eq!(new(&repo, &[]), BTreeSet::new(), "renamed");
    let (f, g) = TWO.split_at(TWO.find("def g").expect("g"));
    repo.write("src/b c.py", format!("{g}\n\n{f}"));
    assert_eq!(new(&repo, &[]), BTreeSet::new(), "functions changed places");
}

#[test]
fn a_fix_does_not_pay_for_a_regression_of_the_same_code_in_the_same_file() {
    let repo = repo();
    let swapped = TWO.replacen("raise KeyError\n", "raise KeyError from None\n", 1).replace(
        "except ValueError as e:\n        raise KeyError from e",
        "except ValueError:\n        raise KeyError",
    );
    repo.write("src/a.py", swapped);
    assert_eq!(new(&repo, &[]), one("src/a.py", 12, "B904"));
    repo.commit("swap");
    assert_eq!(new(&repo, &[]), one("src/a.py", 12, "B904"));
}

#[test]
fn a_row_that_nobody_touched_can_have_a_new_finding() {
    let repo = repo();
    repo.git(&["switch", "-q", "main"]);
    repo.write("src/u.py", "import os\n\nprint(os)\n");
    repo.commit("use");
    repo.git(&["switch", "-q", "-C", "change"]);
    repo.write("src/u.py", "import os\n\n");
    assert_eq!(new(&repo, &[]), one("src/u.py", 1, "F401"));
}

#[test]
fn new_files_are_new_whether_git_knows_them_or_not() {
    let repo = repo();
    repo.write("src/n.py", "import os\n");
    assert_eq!(new(&repo, &[]), one("src/n.py", 1, "F401"), "untracked");
    repo.git(&["add", "-A"]);
    assert_eq!(new(&repo, &[]), one("src/n.py", 1, "F401"), "staged");
    repo.commit("add");
    assert_eq!(new(&repo, &[]), one("src/n.py", 1, "F401"), "committed");
    repo.write(".gitignore", "src/i.py\n");
    repo.write("src/i.py", "import re\n");
    assert_eq!(new(&repo, &["src/i.py"]), one("src/i.py", 1, "F401"), "ignored, but named");
}

#[test]
fn what_the_base_got_in_the_meantime_is_not_the_change() {
    let repo = repo();
    repo.write("src/n.py", "import os\n");
    repo.commit("mine");
    repo.git(&["switch", "-q", "main"]);
    repo.write("src/theirs.py", "import re\n");
    repo.write("src/a.py", format!("import json\n{TWO}"));
    repo.commit("theirs");
    repo.git(&["switch", "-q", "change"]);
    assert_eq!(new(&repo, &[]), one("src/n.py", 1, "F401"), "side by side");
    repo.git(&["merge", "-q", "--no-edit", "main"]);
    assert_eq!(new(&repo, &[]), one("src/n.py", 1, "F401"), "merged");
    repo.git(&["reset", "-q", "--hard", "HEAD^1"]);
    repo.git(&["rebase", "-q", "main"]);
    assert_eq!(new(&repo, &[]), one("src/n.py", 1, "F401"), "rebased");
}

#[test]
fn a_deleted_file_takes_its_findings_along() {
    let repo = repo();
    repo.git(&["rm", "-q", "src/a.py"]);
    repo.write("src/b.py", "x = 1\n");
    assert_eq!(new(&repo, &[]), BTreeSet::new());
}

#[test]
fn an_annotation_that_comes_or_goes_is_no_new_finding_of_its_row() {
    let repo = repo();
    let tag = "raise KeyError  # TODO[T4-ISSUE]: {\"id\":\"t4-1\",\"code\":\"B904\",\"reason\":\"callers want it\",\"status\":\"accepted\"}\n";
    repo.write("src/a.py", TWO.replacen("raise KeyError\n", tag, 1));
    assert_eq!(new(&repo, &[]), BTreeSet::new());
}

#[test]
fn names_with_quotes_spaces_and_line_ends_are_followed() {
    let repo = repo();
    for name in ["-x.py", "@y.py", "ä \"q\".py", "l\nine.py", "tab\t.py", "HEAD"] {
        repo.write(name, TWO);
    }
    repo.commit("names");
    repo.git(&["branch", "-f", "main"]);
    for name in ["-x.py", "@y.py", "ä \"q\".py", "l\nine.py", "tab\t.py"] {
        repo.write(name, format!("import os\n{TWO}"));
    }
    let all = new(&repo, &[]);
    let expected = ["-x.py", "@y.py", "ä \"q\".py", "l\nine.py", "tab\t.py"]
        .map(|name| (name.to_owned(), 1, "F401".to_owned()));
    assert_eq!(all, BTreeSet::from(expected));
}

#[test]
fn a_linters_output_is_compared_by_the_rows_that_the_change_touches() {
    let repo = repo();
    repo.write("src/a.py", format!("import os\n{TWO}"));
    let of = |code: &str, row: usize| {
        format!(
            r#"{{"code":"{code}","filename":"src/a.py","message":"m","location":{{"row":{row},"column":1}},"end_location":{{"row":{row},"column":9}}}}"#
        )
    };
    repo.write("out.json", format!("[{},{}]", of("F401", 1), of("B904", 6)));
    assert_eq!(new(&repo, &["--from", "out.json"]), one("src/a.py", 1, "F401"));
}

#[test]
fn a_base_that_can_not_be_compared_with_is_wrong_usage() {
    let repo = repo();
    for revision in ["nowhere", "--help", ""] {
        let run = repo.t4(&["check", &format!("--since={revision}")]).ends(2);
        assert!(run.stderr.contains("names no commit"), "{run:?}");
    }
    repo.git(&["checkout", "-q", "--orphan", "other"]);
    repo.commit("alone");
    let run = repo.t4(&["check", "--since", "main"]).ends(2);
    assert!(run.stderr.contains("share no commit"), "{run:?}");
    let bare = Repo::without_git();
    bare.write("a.py", "import os\n");
    assert!(bare.t4(&["check", "--since", "main"]).ends(2).stderr.contains("not a git repository"));
}

#[test]
fn a_submodule_is_what_its_commit_is() {
    let part = Repo::new();
    part.write("m.py", "import os\n");
    part.commit("part");
    let repo = repo();
    let from = part.root().to_str().expect("UTF-8");
    repo.git(&["switch", "-q", "main"]);
    repo.git(&["-c", "protocol.file.allow=always", "submodule", "add", "-q", "--", from, "part"]);
    repo.commit("part");
    repo.git(&["switch", "-q", "-C", "change"]);
    assert_eq!(new(&repo, &[]), BTreeSet::new(), "nothing happened");
    repo.git(&["config", "diff.ignoreSubmodules", "all"]);
    repo.write("part/n.py", "import re\n");
    repo.git(&["-C", "part", "add", "-A"]);
    repo.git(&[
        "-C",
        "part",
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@example.com",
        "commit",
        "-q",
        "-m",
        "more",
    ]);
    let expected = &one("part/m.py", 1, "F401") | &one("part/n.py", 1, "F401");
    assert_eq!(new(&repo, &[]), expected, "another commit: nobody knows what its files were");
}

#[test]
fn a_change_that_takes_an_annotation_away_is_refused_and_one_that_fixes_the_finding_is_not() {
    let repo = Repo::new();
    let annotated = "import os  # TODO[T4-ISSUE]: {\"id\":\"t4-1\",\"code\":\"F401\",\"reason\":\"a plugin needs it\",\"status\":\"accepted\"}\n";
    repo.write("src/a.py", annotated);
    repo.commit("begin");
    repo.t4(&["check", "src", "--since", "main"]).ends(0);
    repo.write("src/a.py", "import os\n");
    let report = repo.t4(&["check", "src", "--since", "main", "--json"]).ends(1).json();
    assert_eq!(report["summary"]["new_findings"], 1, "{report:#}");
    repo.write("src/a.py", "");
    repo.t4(&["check", "src", "--since", "main"]).ends(0);
}
