//! Answers of the original checker, case by case, computed from its findings.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail by panicking as well")]

use std::collections::BTreeMap;

use annotations::pyjson::{JsonObject, Value, dumps_indented, get, loads};
use annotations::{Compat, Finding, Place};

const CASES: &str = include_str!("../../../tests/gate/oracle/t4-check-cases.json");

/// Cases about the command line and ruff, which the test of the binary runs.
const ELSEWHERE: [&str; 4] = ["no_paths", "codes_bad", "codes_spaces", "codes_prefix"];

#[test]
fn every_answer_is_the_originals_byte_for_byte() {
    let cases = loads(CASES).unwrap();
    let mut checked = 0;
    for (name, case) in cases.as_object().unwrap() {
        let case = case.as_object().unwrap();
        let expected = get(case, "json").unwrap();
        if *expected == Value::Null || ELSEWHERE.contains(&name.as_str()) {
            continue;
        }
        let fields = expected.as_object().unwrap();
        let answer = check(case, text(fields, "timestamp")).unwrap();
        assert_eq!(answer.json, dumps_indented(expected), "{name}");
        assert_eq!(answer.passes, text(fields, "status") == "pass", "{name}");
        checked += 1;
    }
    assert_eq!(checked, 56);
}

#[test]
fn what_the_original_crashed_on_is_an_answer_or_an_error() {
    let cases = loads(CASES).unwrap();
    let cases = cases.as_object().unwrap();
    for (name, issue) in [
        ("reason_null_crash", "reason must be text"),
        ("reason_number_crash", "reason must be text"),
        ("status_list_crash", "status must be text"),
        ("code_list", "code must be text"),
    ] {
        let answer = check(get(cases, name).unwrap().as_object().unwrap(), "now").unwrap();
        assert!(!answer.passes && answer.json.contains(&format!("\"{issue}\"")), "{name}: {}", answer.json);
    }
    for name in
        ["waiver_nofile_crash", "waiver_null_crash", "waiver_list_top_crash", "waiver_line_str_bad_crash"]
    {
        let refused = check(get(cases, name).unwrap().as_object().unwrap(), "now");
        assert!(refused.is_err(), "{name}");
    }
}

#[test]
fn an_error_is_the_originals() {
    let cases = loads(CASES).unwrap();
    for name in ["no_paths", "codes_bad", "codes_spaces"] {
        let case = get(cases.as_object().unwrap(), name).unwrap().as_object().unwrap();
        let expected = get(case, "json").unwrap();
        let fields = expected.as_object().unwrap();
        let own = Compat::error(text(fields, "message"), text(fields, "timestamp"));
        assert_eq!(own, dumps_indented(expected), "{name}");
    }
}

#[test]
fn a_source_that_is_missing_is_unreadable() {
    let findings = [finding("a.py", "F401", 1, "m")];
    let answer = Compat::check(&findings, &BTreeMap::new(), None, "now").unwrap();
    assert!(answer.json.contains("\"message\": \"unreadable: "), "{}", answer.json);
    assert!(!answer.passes);
}

/// Runs a case of the oracle on its own findings.
fn check(case: &JsonObject, timestamp: &str) -> Result<Compat, String> {
    let Some(Value::List(found)) = get(case, "ruff_json_default_codes") else { panic!("{case:?}") };
    let findings: Vec<_> = found
        .iter()
        .map(|one| {
            let one = one.as_object().unwrap();
            let Some(Value::Number(row)) = get(get(one, "location").unwrap().as_object().unwrap(), "row")
            else {
                panic!("{one:?}");
            };
            finding(text(one, "filename"), text(one, "code"), row.parse().unwrap(), text(one, "message"))
        })
        .collect();
    let files = get(case, "files").unwrap().as_object().unwrap();
    let sources =
        files.iter().map(|(name, text)| (name.clone(), text.as_text().unwrap().as_bytes().to_owned()));
    // On Linux the original looked for `AUDIT`, whatever the file's folder was.
    let seen = text(case, "wpath").starts_with("AUDIT");
    let waivers = get(case, "waiver").and_then(Value::as_text).filter(|_| seen);
    Compat::check(&findings, &sources.collect(), waivers, timestamp)
}

fn finding(file: &str, code: &str, row: u32, message: &str) -> Finding {
    let place = Place { row, column: 1 };
    let (file, code, message) = (file.to_owned(), code.to_owned(), message.to_owned());
    Finding { file, code, message, start: place, end: place, url: None }
}

fn text<'a>(object: &'a JsonObject, name: &str) -> &'a str {
    get(object, name).unwrap().as_text().unwrap()
}
