//! `t4 check --compat`: every case of the original checker, with the real ruff.

use serde_json::{Map, Value};

use crate::support::{Repo, Run};

const CASES: &str = include_str!("oracle/t4-check-cases.json");

/// Where the original crashed: how T4 ends instead, and what it says about it. The last two are texts for people, which
/// need not be the original's: it could not finish its own on a tree without annotations.
const INSTEAD: [(&str, i32, &str); 12] = [
    ("reason_null_crash", 1, "reason must be text"),
    ("reason_number_crash", 1, "reason must be text"),
    ("status_list_crash", 1, "status must be text"),
    ("code_list", 1, "code must be text"),
    ("waiver_nofile_crash", 3, "waiver 1: `file` is missing"),
    ("waiver_null_crash", 3, "`waivers` must be a list"),
    ("waiver_list_top_crash", 3, "it must begin with `waivers:`"),
    ("waiver_line_str_bad_crash", 3, "`line` must be a number"),
    ("path_outside_crash", 2, "outside"),
    ("unknown_option", 2, "--nope"),
    ("human_output", 0, "status: fail"),
    ("human_pass", 0, "status: pass"),
];

/// Cases whose recorded findings are not those of ruff 0.14.2 on their files alone: the original ran with a
/// configuration that the record does not have (here, one that lets unused imports of an `__init__.py` pass). They are
/// run on their recorded findings.
const RECORDED: [&str; 1] = ["init_py"];

#[test]
fn every_case_of_the_original_has_its_answer_and_its_exit_code() {
    let cases = cases();
    assert_eq!(cases.len(), 72);
    let mut wrong = Vec::new();
    for (name, case) in &cases {
        if INSTEAD.iter().any(|(instead, ..)| instead == name) {
            continue;
        }
        let run = run(case, RECORDED.contains(&name.as_str()));
        let code = case["rc"].as_i64().expect("a code");
        let answer = serde_json::from_str(&run.stdout).map(without_time);
        if i64::from(run.code) != code
            || !answer.as_ref().is_ok_and(|own| *own == without_time(case["json"].clone()))
        {
            wrong.push(format!("{name}: {run:?}\nexpected {code} and {}", case["json"]));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn where_the_original_crashed_there_is_an_answer() {
    let cases = cases();
    for (name, code, says) in INSTEAD {
        let run = run(&cases[name], false);
        assert_eq!(run.code, code, "{name}: {run:?}");
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(said.contains(says), "{name}: {said}");
        assert!(!said.contains("panicked"), "{name}: {said}");
    }
}

fn cases() -> Map<String, Value> {
    serde_json::from_str(CASES).expect("the cases")
}

/// Runs a case in a tree of its own, with ruff or on its recorded findings.
fn run(case: &Value, recorded: bool) -> Run {
    let repo = Repo::without_git();
    for (file, text) in case["files"].as_object().expect("files") {
        repo.write(file, text.as_str().expect("a text"));
    }
    if let Some(waivers) = case["waiver"].as_str() {
        repo.write(case["wpath"].as_str().expect("a path"), waivers);
    }
    let mut arguments = vec!["check", "--compat"];
    arguments.extend(
        case["args"].as_array().expect("arguments").iter().map(|text| text.as_str().expect("a text")),
    );
    if recorded {
        repo.write("findings.json", case["ruff_json_default_codes"].to_string());
        arguments.extend(["--from", "findings.json"]);
    }
    repo.t4(&arguments)
}

/// The answer without its time, which has to be there.
fn without_time(mut answer: Value) -> Value {
    let time = answer["timestamp"].take();
    assert!(time.as_str().is_some_and(|time| time.ends_with("+00:00")), "{time}");
    answer
}
