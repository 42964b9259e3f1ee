//! Faults that are reported about annotations and waivers.

use super::*;

#[test]
fn the_originals_complaints_come_in_its_order() {
    let source = "x  # TODO[T4-ISSUE]: {\"status\": \"planned\", \"reason\": \" Kept for Future \"}\n";
    let report = case(source).on("F401", 1, 1).check();
    assert_eq!(
        report.quality_issues[0].problems,
        [
            "missing id field",
            "missing code field",
            "generic reason: 'kept for future' - provide specific context",
            "status='planned' requires owner field",
            "status='planned' requires ticket field",
            "annotation code 'None' != ruff code 'F401'",
        ]
    );
    assert_eq!((report.metrics.annotation_quality_score, report.metrics.weighted_total), (0.0, 1));
}

#[test]
fn wrong_types_and_unknown_statuses_are_issues() {
    for (fields, problem) in [
        ("\"reason\": 1", "field 'reason' must be text, not a number"),
        ("\"owner\": []", "field 'owner' must be text, not a list"),
        ("\"ticket\": {}", "field 'ticket' must be text, not an object"),
        ("\"id\": true", "field 'id' must be text, not a boolean"),
        ("\"status\": [1]", "field 'status' must be text, not a list"),
        (
            "\"status\": \"done\"",
            "unknown status 'done' - use reserved, planned, committed, implemented, expired or accepted",
        ),
        ("\"reason\": null", "missing or empty reason"),
        ("\"status\": \"\"", "missing status field"),
        ("\"id\": \" \"", "missing id field"),
        ("\"reason\": \" \\u200b\"", "missing or empty reason"),
        (
            "\"status\": \"planned\", \"ticket\": \"T-1\", \"owner\": \" \\u3000\"",
            "status='planned' requires owner field",
        ),
    ] {
        let report = case(&format!("x  {}\n", with("F401", fields))).on("F401", 1, 1).check();
        assert_eq!(report.summary.quality_issues, 1, "{fields}");
        assert_eq!(report.quality_issues[0].problems, [problem], "{fields}");
    }
    for status in ["reserved", "implemented", "expired", "accepted"] {
        let fields = format!("\"status\": \"{status}\"");
        assert_eq!(
            case(&format!("x  {}\n", with("F401", &fields))).on("F401", 1, 1).check().status,
            CheckVerdict::Pass
        );
    }
}

#[test]
fn an_old_word_for_accepted_is_a_warning() {
    let source = format!("x  {}\n", with("F401", "\"status\": \"documented\""));
    let report = case(&source).on("F401", 1, 1).check();
    assert_eq!((report.status, report.summary.warnings), (CheckVerdict::Pass, 1));
    assert!(report.warnings[0].problems[0].contains("'accepted'"));
}

#[test]
fn an_annotation_without_its_finding_is_stale_when_somebody_looked() {
    let source = format!(
        "a  {}\nb  {}\nc  {}\nd  {LEGACY}\n",
        tag("gone", "F401"),
        tag("other", "E702"),
        tag("any", "UNKNOWN")
    );
    let rows = |case: &Case| case.check().stale.iter().map(|by| by.row).collect::<Vec<_>>();
    assert_eq!(rows(&case(&source)), [1, 2, 3, 4]);
    assert_eq!(rows(&case(&source).on("B008", 3, 3)), [1, 2, 4]);
    assert_eq!(rows(&case(&source).on("F401", 1, 4)), [2]);
    let mut looked = case(&source);
    looked.codes = vec!["F".to_owned()];
    assert_eq!(rows(&looked), [1, 3, 4]);
    looked.codes = vec!["E7".to_owned(), "F8".to_owned()];
    assert_eq!(rows(&looked), [2, 3]);
    assert_eq!(rows(&case(&source).on("invalid-syntax", 9, 9)), [] as [u32; 0]);
}

#[test]
fn the_letters_of_a_linter_are_not_the_beginning_of_another() {
    for (prefix, code, selected) in [
        ("F", "F401", true),
        ("F", "FBT001", false),
        ("E7", "E701", true),
        ("PL", "PLR0913", true),
        ("PLR", "PLR0913", true),
        ("ALL", "B008", true),
        ("F401", "F401", true),
        ("F401", "F4", false),
        ("S", "SIM102", false),
    ] {
        assert_eq!(selects(prefix, code), selected, "{prefix} {code}");
    }
}

#[test]
fn of_two_annotations_for_one_finding_neither_is_stale() {
    let source = format!("{}\nx  {}\n", tag("above", "F401"), tag("on", "F401"));
    assert!(case(&source).on("F401", 2, 2).check().stale.is_empty());
}

#[test]
fn a_day_that_has_passed_or_is_none_is_told_and_still_answers() {
    for (eta, expired) in [
        ("\"2026-11-20\"", Some(false)),
        ("\"2026-11-21\"", None),
        ("\"2026-11-20T23:00:00-02:00\"", None),
        ("\"2026-11-20T23:59:59Z\"", Some(false)),
        ("\"soon\"", Some(true)),
        ("\"\"", Some(true)),
        ("20261231", Some(true)),
        ("[]", Some(true)),
        ("null", None),
    ] {
        let report =
            case(&format!("x  {}\n", with("F401", &format!("\"eta\": {eta}")))).on("F401", 1, 1).check();
        assert_eq!((report.status, report.summary.annotated), (CheckVerdict::Pass, 1), "{eta}");
        assert_eq!(report.expired.first().map(|expired| expired.malformed), expired, "{eta}");
    }
    let waived = case("x\n").on("F401", 1, 1).waive(None, &[], "soon").check();
    assert_eq!((waived.status, waived.expired[0].by.kind), (CheckVerdict::Fail, "waiver"));
    assert!(waived.expired[0].malformed && waived.warnings.is_empty());
}

#[test]
fn an_id_that_is_used_twice_is_told_once() {
    let mut case = case(&format!("x  {}\ny  {}\n", tag("i", "F401"), tag("i", "F401")));
    case.sources.insert("b.py".to_owned(), format!("x  {}\nz  {}\n", tag("i", "F401"), tag("j", "F401")));
    let report = case.check();
    assert_eq!(report.summary.duplicates, 1);
    let told = &report.duplicates[0];
    assert_eq!((told.file.as_str(), told.row, told.id.as_deref()), ("a.py", 1, Some("i")));
    assert_eq!(told.problems, ["id 'i' is also used at a.py:2", "id 'i' is also used at b.py:1"]);
}

#[test]
fn owners_that_codeowners_does_not_know_are_doubted() {
    let source =
        format!("x  {}\ny  {}\n", with("F401", "\"owner\":\"core\""), with("F401", "\"owner\":\"ghost\""));
    let mut case = case(&source).on("F401", 1, 1).on("F401", 2, 2);
    assert_eq!(case.check().summary.warnings, 0);
    case.owners = Some(CodeOwners::read("* @org/core\n"));
    let report = case.waive(Some(1), &[], "2027-01-01").check();
    let told: Vec<_> = report.warnings.iter().map(|issue| (issue.row, issue.problems[0].as_str())).collect();
    assert_eq!(
        told,
        [(2, "owner 'ghost' is not in CODEOWNERS"), (2, "owner 'waiver-owner' is not in CODEOWNERS")]
    );
    assert_eq!(report.status, CheckVerdict::Pass);
}

#[test]
fn a_waiver_that_lets_nothing_pass_is_told_when_somebody_looked() {
    let warned = |case: &Case| case.check().summary.warnings;
    let mut idle = case("x\n").waive(Some(3), &["F401"], "2027-01-01");
    assert_eq!(warned(&idle), 1);
    idle.codes = vec!["E".to_owned()];
    assert_eq!(warned(&idle), 0);
    idle.codes = vec!["E".to_owned(), "F".to_owned()];
    idle.paths = vec!["src".to_owned(), "a".to_owned()];
    assert_eq!(warned(&idle), 0);
    idle.paths.push("a.py".to_owned());
    assert_eq!(warned(&idle), 1);
    assert_eq!(warned(&case("x\n").waive(Some(3), &[], "2026-01-01")), 0, "told as expired");
}

#[test]
fn a_malformed_annotation_answers_for_nothing_and_is_told() {
    let report = case("x  # TODO[T4-ISSUE]: {\"id\": }\n").on("F401", 1, 1).check();
    assert_eq!((report.summary.unannotated, report.summary.warnings), (1, 1));
    assert_eq!((report.summary.quality_issues, report.summary.stale), (0, 0));
}
