//! On first rows the check says what the original says: its answers, case by case.

use std::collections::BTreeMap;

use annotations::{Facts, Finding, Input, Place, State, Waivers, Weights, check};
use serde_json::Value;

const CASES: &str = include_str!("../../../tests/gate/oracle/t4-check-cases.json");

/// Where the check differs on purpose, and how the finding stands then.
const BETTER: [(&str, State); 6] = [
    // Above the finding, or further down.
    ("own_line_above", State::Annotated),
    ("multiline_import", State::Annotated),
    // A further comment behind the annotation.
    ("noqa_after", State::Annotated),
    // A tag in a string is no annotation.
    ("in_string_literal", State::Unannotated),
    // The original counted other rows than ruff.
    ("formfeed", State::Annotated),
    ("u2028_in_string", State::Annotated),
];

#[test]
fn every_finding_annotated_on_its_first_row_stands_as_the_original_says() {
    let cases: BTreeMap<String, Value> = serde_json::from_str(CASES).unwrap();
    let mut compared = 0;
    for (name, case) in &cases {
        let (Some(ruff), Some(files)) =
            (case["ruff_json_default_codes"].as_array(), case["files"].as_object())
        else {
            continue;
        };
        let original = &case["json"];
        if original["summary"].is_null() || !case["waiver"].is_null() || name.starts_with("codes_") {
            continue;
        }
        let findings: Vec<_> =
            ruff.iter().map(finding).filter(|one| one.file.starts_with("lukhas/")).collect();
        if original["summary"]["total_findings"] != findings.len() {
            continue;
        }
        let text = |text: &Value| text.as_str().unwrap().to_owned();
        let sources = files.iter().map(|(file, source)| (file.clone(), text(source))).collect();
        let facts = vec![Facts { new: true, ..Facts::default() }; findings.len()];
        let report = check(&Input {
            findings: &findings,
            facts: &facts,
            sources: &sources,
            codes: &[],
            paths: &[],
            waivers: &Waivers::default(),
            owners: None,
            registered: &[],
            weights: &Weights::default(),
            today: time::Date::from_calendar_date(2026, time::Month::November, 21).unwrap(),
        });
        compared += 1;
        if let Some((_, state)) = BETTER.iter().find(|(better, _)| better == name) {
            assert!(report.findings.iter().all(|found| found.state == *state), "{name}: {report:#?}");
            continue;
        }
        let summary = &original["summary"];
        for (count, own) in [
            ("annotated", report.summary.annotated),
            ("unannotated", report.summary.unannotated),
            ("legacy_format", report.summary.legacy_format),
            ("quality_issues", report.summary.quality_issues),
        ] {
            assert_eq!(summary[count], own, "{name}: {count} of {report:#?}");
        }
        let issues: Vec<_> = original["quality_issues"]
            .as_array()
            .unwrap()
            .iter()
            .map(|issue| issue["issues"].clone())
            .collect();
        let own: Vec<_> =
            report.quality_issues.iter().map(|issue| Value::from(issue.problems.clone())).collect();
        assert_eq!(own, issues, "{name}");
        assert_eq!(
            original["metrics"]["annotation_quality_score"].as_f64(),
            Some(report.metrics.annotation_quality_score),
            "{name}"
        );
        assert_eq!(original["metrics"]["weighted_total"], report.metrics.weighted_total, "{name}");
    }
    assert!(compared >= 40, "{compared}");
}

fn finding(one: &Value) -> Finding {
    let number = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
    let place = |name: &str| Place { row: number(&one[name]["row"]), column: number(&one[name]["column"]) };
    let text = |name: &str| one[name].as_str().unwrap().to_owned();
    Finding {
        file: text("filename"),
        code: text("code"),
        message: text("message"),
        start: place("location"),
        end: place("end_location"),
        url: None,
    }
}
