//! What a hostile tree or a careless setting may try: nothing of it lets a finding pass unseen, and nothing hangs.

use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::support::Repo;

const UNUSED: &str = "import os\n";

fn files(report: &Value) -> Vec<String> {
    let all = report["findings"].as_array().expect("a list");
    all.iter().map(|one| one["file"].as_str().expect("a file").to_owned()).collect()
}

fn found(repo: &Repo, arguments: &[&str]) -> Vec<String> {
    files(&repo.t4(&[&["check", "--json"], arguments].concat()).json())
}

#[test]
fn settings_that_look_at_nothing_are_refused() {
    let repo = Repo::new();
    repo.write("src/a.py", UNUSED);
    for check in ["paths = []", "codes = []", "paths = [\"/tmp\"]", "paths = [\"../x\"]", "paths = [\"\"]"] {
        repo.write("t4.toml", format!("[check]\n{check}\n"));
        assert!(repo.t4(&["check"]).ends(3).stderr.contains("t4.toml"), "{check}");
    }
}

#[test]
fn a_slash_behind_a_folder_in_the_settings_hides_no_finding_of_another_linter() {
    let repo = Repo::new();
    repo.write("src/a.py", UNUSED);
    let place = r#"{"row":1,"column":8}"#;
    let one = format!(
        r#"[{{"code":"F401","message":"m","filename":"src/a.py","location":{place},"end_location":{place}}}]"#
    );
    repo.write("found.json", one);
    for paths in ["src/", "./src", "./src/"] {
        repo.write("t4.toml", format!("[check]\npaths = [\"{paths}\"]\n"));
        assert_eq!(found(&repo, &["--from", "found.json"]), ["src/a.py"], "{paths}");
    }
}

#[test]
fn names_in_skipped_folders_pass_with_a_warning() {
    let repo = Repo::new();
    repo.write("labs/a.py", UNUSED);
    assert!(repo.t4(&["check", "labs"]).ends(0).stderr.contains("is in a skipped folder"));
}

#[test]
fn a_linter_that_ran_elsewhere_or_failed_gives_no_verdict() {
    let repo = Repo::new();
    repo.write("src/a.py", UNUSED);
    let elsewhere = r#"[{"code":"F401","message":"m","filename":"/elsewhere/src/a.py","location":null,
        "end_location":null}]"#;
    let run = |rest: &str| {
        format!(r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"x"}}}}{rest}}}]}}"#)
    };
    for (output, word) in [
        (elsewhere.to_owned(), "outside"),
        (r#"{"version":"2.1.0","runs":[]}"#.to_owned(), "no run"),
        (run(""), "no `results`"),
        (run(r#","results":[],"invocations":[{"executionSuccessful":false}]"#), "failed"),
    ] {
        repo.write("found", output);
        let run = repo.t4(&["check", "--from", "found"]).ends(3);
        assert!(run.stderr.contains(word), "{run:?}");
    }
    repo.write("found", run(r#","results":[],"invocations":[{"executionSuccessful":true}]"#));
    repo.t4(&["check", "--from", "found"]).ends(0);
}

#[test]
fn a_source_that_the_linter_can_not_read_does_not_pass() {
    let repo = Repo::new();
    repo.write("a.py", b"# coding: latin-1\nimport os  # \xe9\n");
    assert_eq!(repo.t4(&["check", "--json"]).ends(1).json()["findings"][0]["code"], "E902");
    // Nothing is written that would answer for all that it hides.
    let before = repo.bytes("a.py");
    repo.t4(&["annotate", "--apply"]);
    assert_eq!(repo.bytes("a.py"), before);
    repo.t4(&["check"]).ends(1);
}

#[test]
fn what_is_part_of_the_repository_is_not_hidden_by_an_ignore_file() {
    for name in [".gitignore", ".ignore"] {
        let repo = Repo::new();
        repo.write("src/a.py", UNUSED);
        repo.write("src/dist/b.py", UNUSED);
        repo.commit("begin");
        repo.write(&format!("src/{name}"), "*\n");
        assert_eq!(found(&repo, &[]), ["src/a.py"], "{name}: `dist` is excluded by the linter itself");
        assert_eq!(found(&repo, &["src/a.py"]), ["src/a.py"], "once");
        repo.write("src/untracked.py", UNUSED);
        assert_eq!(found(&repo, &["src"]), ["src/a.py"], "{name}: ignored and not part of it");
    }
}

#[test]
fn code_behind_a_link_within_the_tree_is_looked_at_once() {
    let repo = Repo::new();
    repo.write("a.txt", UNUSED);
    repo.write("labs/b.py", UNUSED);
    repo.write("c.py", UNUSED);
    symlink("a.txt", repo.path("a.py")).expect("a link");
    symlink("labs/b.py", repo.path("b.py")).expect("a link");
    symlink("c.py", repo.path("d.py")).expect("a link");
    assert_eq!(found(&repo, &[]), ["a.txt", "c.py", "labs/b.py"]);
}

#[test]
fn a_link_to_old_text_brings_new_findings() {
    let repo = Repo::new();
    repo.write("a.txt", UNUSED);
    repo.commit("begin");
    repo.git(&["switch", "-q", "-c", "change"]);
    symlink("a.txt", repo.path("a.py")).expect("a link");
    assert_eq!(found(&repo, &["--since", "main"]), ["a.txt"]);
    repo.commit("link");
    repo.git(&["branch", "-f", "main"]);
    assert_eq!(found(&repo, &["--since", "main"]), Vec::<String>::new());
}

#[test]
fn a_rename_out_of_where_nobody_looked_brings_new_findings() {
    let text = "import os\nimport re\n\n\ndef f():\n    return 1\n";
    for before in ["labs/x.py", "x.txt", "excluded/x.py", "elsewhere/x.py", "tests/x.py"] {
        let repo = Repo::new();
        repo.write("t4.toml", "[check]\npaths = [\"src\", \"excluded\", \"labs\", \"tests\"]\n");
        repo.write(
            "ruff.toml",
            "exclude = [\"excluded\"]\nlint.per-file-ignores = { \"tests/*\" = [\"F401\"] }\n",
        );
        repo.write(before, text);
        for folder in ["src", "excluded", "labs", "tests"] {
            repo.write(&format!("{folder}/keep"), "");
        }
        repo.commit("begin");
        repo.git(&["switch", "-q", "-c", "change"]);
        repo.git(&["mv", before, "src/y.py"]);
        assert_eq!(found(&repo, &["--since", "main"]), ["src/y.py", "src/y.py"], "{before}");
    }
}

#[test]
fn a_fix_in_one_cell_of_a_notebook_does_not_pay_for_a_regression_in_another() {
    let notebook = |cells: [&str; 2]| {
        let cell = |source| {
            serde_json::json!({"cell_type": "code", "execution_count": null, "metadata": {},
            "outputs": [], "source": [source]})
        };
        serde_json::json!({"cells": cells.map(cell), "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
            .to_string()
    };
    let repo = Repo::new();
    repo.write("n.ipynb", notebook(["import os", "print(1)"]));
    repo.commit("begin");
    repo.git(&["switch", "-q", "-c", "change"]);
    assert_eq!(found(&repo, &["--since", "main"]), Vec::<String>::new());
    repo.write("n.ipynb", notebook(["print(1)", "import re"]));
    assert_eq!(found(&repo, &["--since", "main"]), ["n.ipynb"]);
}

#[test]
fn a_link_to_a_device_is_refused_before_anybody_reads_it() {
    for name in ["t4.toml", ".gitignore", "src/.ignore", "ruff.toml", "a.py"] {
        let repo = Repo::new();
        repo.write("src/b.py", UNUSED);
        // A pipe would never end either; this end is empty, so that a failure of this test does not eat the memory.
        symlink("/dev/null", repo.path(name)).expect("a link");
        repo.git(&["add", "-A"]);
        for command in [&["check"][..], &["migrate"], &["annotate"]] {
            assert!(repo.t4(command).ends(3).stderr.contains("link"), "{name}");
        }
    }
}

#[test]
fn a_folder_that_looks_like_a_bare_repository_runs_nothing() {
    let repo = Repo::new();
    repo.write("a.py", UNUSED);
    repo.commit("begin");
    let owned = repo.path("owned");
    repo.write("fixture/evil.sh", format!("#!/bin/sh\ntouch {}\n", owned.display()));
    repo.git(&["init", "-q", "--bare", "fixture"]);
    let git = |arguments: &[&str]| repo.git(&[&["--git-dir=fixture"], arguments].concat());
    git(&["config", "core.bare", "false"]);
    git(&["config", "core.worktree", &repo.root().display().to_string()]);
    git(&["config", "core.fsmonitor", &format!("sh {}", repo.path("fixture/evil.sh").display())]);
    git(&["config", "user.name", "Ada"]);
    git(&["config", "user.email", "ada@example.com"]);
    git(&["-c", "core.fsmonitor=false", "commit", "-q", "--allow-empty", "-m", "x"]);
    let mut command = repo.command(&["check", "--since", "HEAD"]);
    let run = crate::support::Run::of(t4_tests::process::run(command.current_dir(repo.path("fixture"))));
    assert!(!owned.exists(), "{run:?}");
    run.ends(3);
}

#[test]
fn very_many_annotations_take_a_moment_and_no_more() {
    let repo = Repo::new();
    repo.write("rows.py", "# TODO[T4-UNUSED-IMPORT]: x\n".repeat(30_000));
    repo.write("row.py", format!("#{}\n", " # TODO[T4-UNUSED-IMPORT]: x".repeat(30_000)));
    repo.write("bytes.py", [b"# \xff ".to_vec(), "# T4: code=F401 | ".repeat(30_000).into_bytes()].concat());
    let begun = std::time::Instant::now();
    repo.t4(&["migrate", "--no-blame"]).ends(0);
    assert!(begun.elapsed().as_secs() < 90, "{:?}", begun.elapsed());
}
