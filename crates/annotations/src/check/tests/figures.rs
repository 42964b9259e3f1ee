//! Verdict and figures of a whole report.

use super::*;

#[test]
fn old_findings_keep_annotations_alive_and_are_nobodys_fault() {
    let source = format!("x  {}\ny\nz  {}\n", tag("i", "F401"), tag("bad", "E702"));
    let case = case(&source).on("F401", 1, 1).old().on("B008", 2, 2).old().on("F401", 3, 3).old();
    let report = case.check();
    assert_eq!((report.status, report.findings.len()), (CheckVerdict::Pass, 0));
    assert_eq!((report.summary.total_findings, report.summary.new_findings), (3, 0));
    assert!(report.stale.is_empty() && report.quality_issues.is_empty());
    assert_eq!((report.metrics.coverage_percent, report.metrics.annotation_quality_score), (100.0, 100.0));
    assert!(report.metrics.counts_by_code.is_empty() && report.metrics.debt_by_owner.is_empty());
}

#[test]
fn stale_annotations_alone_do_not_fail() {
    let report = case(&format!("x  {}\n", tag("i", "F401"))).check();
    assert_eq!((report.status, report.summary.stale), (CheckVerdict::Pass, 1));
    assert_eq!(report.metrics.staleness_percent.to_string(), "100");
}

#[test]
fn debts_are_weighed_by_owner_and_age() {
    let source = format!(
        "a  {}\nb  {}\nc\n",
        with("F821", "\"owner\":\"core\""),
        with("E702", "\"owner\":\"core\",\"status\":\"planned\",\"ticket\":\"T-1\"")
    );
    let case = case(&source).on("F821", 1, 1).seen("2026-11-20").on("E702", 2, 2).seen("2025-01-01");
    let metrics = case.on("F401", 3, 3).check().metrics;
    let debts: Vec<_> = metrics
        .debt_by_owner
        .iter()
        .map(|debt| (debt.owner.as_deref(), debt.findings, debt.weight, debt.oldest.as_deref()))
        .collect();
    assert_eq!(debts, [(Some("core"), 2, 4, Some("2025-01-01")), (None, 1, 3, None)]);
    let ages: Vec<_> = metrics.debt_by_age.iter().map(|age| (age.age, age.findings, age.weight)).collect();
    assert_eq!(
        ages,
        [
            ("0-7 days", 1, 3),
            ("8-30 days", 0, 0),
            ("31-90 days", 0, 0),
            ("91-365 days", 0, 0),
            ("over a year", 1, 1),
            ("unknown", 1, 3)
        ]
    );
    assert_eq!((metrics.weighted_good, metrics.weighted_total), (4, 4));
    assert_eq!(metrics.coverage_percent.to_string(), "66.67");
}

#[test]
fn many_findings_on_many_annotations_take_no_time() {
    // Quadratic, this would be billions of steps: no test would come to its end.
    let count = 30_000;
    let source = format!("{}\n", tag("i", "UNKNOWN")).repeat(count);
    let mut case = case(&source);
    for row in 1..=u32::try_from(count).unwrap() {
        case = case.on("F401", row, 30_001);
    }
    assert_eq!(case.check().summary.annotated, count);
}

#[test]
fn the_word_of_a_state_is_what_the_json_writes() {
    use FindingState::{Annotated, Legacy, Registered, Unannotated, Waived};

    for state in [Unannotated, Annotated, Legacy, Waived, Registered] {
        assert_eq!(serde_json::to_value(state).unwrap(), state.word());
    }
}
