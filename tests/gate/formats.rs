//! The reports of `t4 check`: JSON by its schema, SARIF, GitHub's commands, the table.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::schema::violations;
use crate::support::{Repo, workspace};

/// A tree with a finding of each kind of answer, and annotations with something wrong.
fn repo() -> Repo {
    let repo = Repo::new();
    let tag = |fields: &str| format!("# TODO[T4-ISSUE]: {{{fields}}}");
    let full = r#""id":"t4-1","code":"F401","reason":"a plugin needs it","status":"planned","owner":"@ada","ticket":"GH-1""#;
    let lacking = r#""id":"t4-2","code":"F401","reason":"a plugin needs it","status":"planned""#;
    let gone = r#""id":"t4-3","code":"F401","reason":"it was needed","status":"accepted""#;
    let late =
        r#""id":"t4-4","code":"F401","reason":"until the move","status":"accepted","eta":"2020-01-31""#;
    repo.write(
        "src/a.py",
        format!(
            "import os  {}\nimport sys  {}\nimport re\nx = 1  {}\nimport io  {}\nimport ast  # TODO[T4-UNUSED-IMPORT]: old\nimport abc\n",
            tag(full),
            tag(lacking),
            tag(gone),
            tag(late),
        ),
    );
    repo.write(
        "audit/waivers/a.yaml",
        "waivers:\n  - {file: src/a.py, line: 7, codes: [F401], reason: until Friday, owner: '@ada'}\n",
    );
    repo.commit("begin");
    repo
}

#[test]
fn the_json_keeps_to_its_published_schema_and_every_state_is_told() {
    let schema = std::fs::read_to_string(workspace().join("docs/schemas/check.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let report = repo().t4(&["check", "src", "--json", "--age"]).ends(1).json();
    assert_eq!(violations(&schema, &report), Vec::<String>::new());
    let states: BTreeSet<_> =
        report["findings"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, BTreeSet::from(["annotated", "legacy", "unannotated", "waived"]));
    let count = |list: &str| report[list].as_array().unwrap().len();
    assert_eq!((count("stale"), count("expired"), count("quality_issues")), (1, 1, 1), "{report:#}");
    for list in ["stale", "expired", "quality_issues", "duplicates", "warnings"] {
        assert_eq!(report["summary"][list], count(list), "{list}");
    }
    // The schema is no rubber stamp.
    let mut wrong = report.clone();
    wrong["findings"][0]["state"] = "fine".into();
    assert_eq!(violations(&schema, &wrong).len(), 1);
    wrong["summary"].as_object_mut().unwrap().remove("stale");
    assert_eq!(violations(&schema, &wrong).len(), 2);
}

#[test]
fn sarif_has_every_finding_with_a_fingerprint_and_reads_back_without_the_suppressed_ones() {
    let repo = repo();
    let text = repo.t4(&["check", "src", "--sarif"]).ends(1);
    let log = text.json();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let linted: Vec<_> =
        results.iter().filter(|one| !one["ruleId"].as_str().unwrap().starts_with("t4-")).collect();
    let suppressed = linted.iter().filter(|one| !one["suppressions"].is_null()).count();
    assert_eq!((linted.len(), suppressed), (6, 5), "{log:#}");
    let prints: BTreeSet<_> =
        results.iter().map(|one| one["partialFingerprints"]["primaryLocationLineHash"].to_string()).collect();
    assert_eq!(prints.len(), results.len(), "each alert is told apart");
    repo.write("log.sarif", &text.stdout);
    let again = repo.t4(&["check", "--from", "log.sarif", "--json"]).ends(1).json();
    let open = |one: &&Value| one["state"] == "unannotated";
    let open: Vec<_> = again["findings"].as_array().unwrap().iter().filter(open).collect();
    assert_eq!(
        (open.len(), &open[0]["code"], &open[0]["start"]["row"]),
        (1, &"F401".into(), &3.into()),
        "{again:#}"
    );
}

#[test]
fn github_gets_as_many_remarks_as_it_shows_and_a_count_of_the_rest() {
    let repo = Repo::new();
    let imports: String = (0..25).map(|n| format!("import m{n}\n")).collect();
    repo.write("src/many.py", imports);
    let text = repo.t4(&["check", "src", "--github"]).ends(1).stdout;
    let commands: Vec<_> = text.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(commands.len(), 10, "{text}");
    assert!(
        commands[0].starts_with("::error file=src/many.py,line=1,endLine=1,col=8,title=F401::"),
        "{text}"
    );
    assert!(commands[9].contains("16 more in 1 files"), "{text}");
    assert!(text.contains("src/many.py:25:8"), "the log has them all: {text}");
}

#[test]
fn text_from_sources_gives_github_no_commands_and_the_terminal_no_escapes() {
    let repo = Repo::new();
    let hostile = r#"{"id":"x\n::error::injected","code":"F401","reason":"a\u001b[2Jb\r\n::set-output name=x::y","status":"accepted","owner":"::warning::boo"}"#;
    repo.write(
        "src/a.py",
        format!("import os  # TODO[T4-ISSUE]: {hostile}\nimport re\nx = 1  # TODO[T4-ISSUE]: {hostile}\n"),
    );
    repo.write("src/::error::b.py", "import re\n");
    let text = repo.t4(&["check", "src", "--github"]).ends(1).stdout;
    for line in text.lines().filter(|line| line.trim_start().starts_with("::")) {
        assert!(line.starts_with("::error file=") || line.starts_with("::warning file="), "{line}");
    }
    let human = repo.t4(&["check", "src"]).ends(1).stdout;
    for shown in [&text, &human] {
        assert!(!shown.contains('\u{1b}') && !shown.contains('\r'), "{shown:?}");
    }
}

#[test]
fn the_table_lists_who_answers_for_what_and_ends_with_what_is_to_be_done() {
    let text = repo().t4(&["check", "src"]).ends(1).stdout;
    for line in [
        "src/a.py:1:8",
        "annotation t4-1 planned @ada GH-1: a plugin needs it",
        "waiver",
        "src/a.py:3:8",
        "status='planned' requires owner field",
        "`2020-01-31` has passed",
        "t4-3",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
    let open = text.find("Unanswered (1)").expect("the open ones");
    assert!(open > text.find("Suppressed (5)").expect("the suppressed ones"), "{text}");
}
