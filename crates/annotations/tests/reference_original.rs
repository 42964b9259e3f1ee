//! Agreement of the check with the original checker on first rows, case by case.

use std::collections::BTreeMap;

use annotations::{Finding, FindingState, Input, KnownFinding, Place, Waivers, Weights, check};
use serde_json::{Value, json};

const CASES: &str = include_str!("../../../tests/gate/oracle/t4-check-cases.json");

/// Where the check finds the annotation of a finding that the original calls unannotated.
const BETTER: [&str; 6] = [
    // The original counted other rows than ruff.
    "formfeed",
    "formfeed_inline",
    "nel_0x85_in_comment",
    // A further comment stands behind the annotation.
    "noqa_after",
    // It stands in a line of its own, right above.
    "own_line_above",
    "u2028_in_string",
];

#[test]
fn every_finding_annotated_on_its_first_row_stands_as_the_original_says() {
    let cases: BTreeMap<String, Value> = serde_json::from_str(CASES).unwrap();
    let mut compared = 0;
    let mut differ = Vec::new();
    for (name, case) in &cases {
        let (Some(found), Some(files)) =
            (case["ruff_json_default_codes"].as_array(), case["files"].as_object())
        else {
            continue;
        };
        let original = &case["json"];
        if original["summary"].is_null() || !case["waiver"].is_null() || name.starts_with("codes_") {
            continue;
        }
        let findings: Vec<_> =
            found.iter().map(ruff::finding).filter(|one| one.file.starts_with("lukhas/")).collect();
        if original["summary"]["total_findings"] != findings.len() {
            continue;
        }
        let text = |text: &Value| text.as_str().unwrap().to_owned();
        let sources = files.iter().map(|(file, source)| (file.clone(), text(source))).collect();
        let known: Vec<_> = findings.into_iter().map(KnownFinding::from).collect();
        let input = Input {
            findings: &known,
            codes: &[],
            paths: &[],
            waivers: &Waivers::default(),
            owners: None,
            weights: &Weights::default(),
            today: time::Date::from_calendar_date(2026, time::Month::November, 21).unwrap(),
        };
        let report = check(input, &sources, &[]);
        compared += 1;
        let issues =
            original["quality_issues"].as_array().unwrap().iter().map(|issue| issue["issues"].clone());
        let own = report.quality_issues.iter().map(|issue| Value::from(issue.problems.clone()));
        let (summary, metrics) = (&original["summary"], &original["metrics"]);
        let theirs = json!([
            summary["annotated"],
            summary["unannotated"],
            summary["legacy_format"],
            issues.collect::<Vec<_>>(),
            metrics["annotation_quality_score"],
            metrics["weighted_total"],
        ]);
        let ours = json!([
            report.summary.annotated,
            report.summary.unannotated,
            report.summary.legacy_format,
            own.collect::<Vec<_>>(),
            report.metrics.annotation_quality_score,
            report.metrics.weighted_total,
        ]);
        let found = report.findings.iter().all(|found| found.state == FindingState::Annotated);
        let better = BETTER.contains(&name.as_str());
        if (theirs == ours) == better || (better && !found) {
            differ.push(format!("{name}: {theirs} {ours}"));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(compared >= 40, "{compared}");
}

#[cfg(test)]
mod ruff {
    use super::*;

    pub fn finding(one: &Value) -> Finding {
        let number = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
        let place =
            |name: &str| Place { row: number(&one[name]["row"]), column: number(&one[name]["column"]) };
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
}
