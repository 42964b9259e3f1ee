//! Answers for a finding.

use super::*;

#[test]
fn an_annotation_on_the_first_row_answers_for_every_finding_there() {
    let case = case(&format!("import os; x  {}\n", tag("i", "F401"))).on("F401", 1, 1).on("F821", 1, 1);
    let report = case.check();
    assert_eq!(case.answers(), [annotated("i"), annotated("i")]);
    assert_eq!(report.quality_issues.len(), 1);
    assert_eq!(report.quality_issues[0].problems, ["annotation code 'F401' != ruff code 'F821'"]);
    assert_eq!(report.status, CheckVerdict::Fail);
}

#[test]
fn an_annotation_further_down_the_finding_answers_only_for_its_own_code() {
    let source = format!("from x import (\n  a,  {}\n  b,\n)  {}\n", tag("in", "F401"), tag("end", "E702"));
    let case = case(&source).on("F401", 1, 4).on("E702", 1, 4).on("B008", 1, 4).on("F401", 1, 1);
    assert_eq!(case.answers(), [annotated("in"), annotated("end"), NONE, NONE]);
    assert!(case.check().stale.is_empty());
}

#[test]
fn of_several_the_same_code_goes_first_then_the_nearest() {
    let source = format!(
        "x = (\n 1, {}\n 2, {}\n 3, {}\n)\n",
        tag("unknown", "UNKNOWN"),
        tag("near", "F401"),
        tag("far", "F401")
    );
    assert_eq!(case(&source).on("F401", 1, 5).answers(), [annotated("near")]);
    assert_eq!(case(&source).on("B008", 1, 5).answers(), [annotated("unknown")]);
    let two = format!("x {} {}\n", tag("a", "F401"), tag("b", "E702"));
    assert_eq!(case(&two).on("E702", 1, 1).on("F401", 1, 1).answers(), [annotated("b"), annotated("a")]);
}

#[test]
fn own_comment_lines_right_above_answer_for_their_code() {
    let stack = format!("{}\n# why\n{}\nx = 1\ny = 2\n", tag("a", "F401"), tag("b", "E702"));
    let found = case(&stack).on("F401", 4, 4).on("E702", 4, 4).on("B008", 4, 4).on("F401", 5, 5);
    assert_eq!(found.answers(), [annotated("a"), annotated("b"), NONE, NONE]);
    let blank = format!("{}\n\nx = 1\n", tag("a", "F401"));
    assert_eq!(case(&blank).on("F401", 3, 3).answers(), [NONE]);
    let trailing = format!("y = 1  {}\nx = 1\n", tag("a", "F401"));
    assert_eq!(case(&trailing).on("F401", 2, 2).answers(), [NONE]);
}

#[test]
fn an_own_line_of_the_right_code_goes_before_the_wrong_code_on_the_row() {
    let source = format!("{}\nx = 1  {}\n", tag("above", "E702"), tag("on", "F401"));
    let case = case(&source).on("F401", 2, 2).on("E702", 2, 2);
    assert_eq!(case.answers(), [annotated("on"), annotated("above")]);
    assert_eq!(case.check().status, CheckVerdict::Pass);
}

#[test]
fn block_comments_stand_above_as_well() {
    let mut case = case("").on("F401", 4, 4).on("F401", 6, 6).on("F401", 8, 8);
    let tag = tag("i", "F401");
    let tag = tag.trim_start_matches("# ");
    let source = format!(
        "/* first\n   {tag} */\n// more\nx();\nlet y = 1; /* {tag} */\nx();\n/* a */ y(); /* {tag} */\nx();\n"
    );
    case.sources = BTreeMap::from([("a.rs".to_owned(), source)]);
    case.findings.iter_mut().for_each(|known| "a.rs".clone_into(&mut known.finding.file));
    assert_eq!(case.answers(), [annotated("i"), NONE, NONE]);
}

#[test]
fn a_legacy_annotation_on_the_first_row_goes_before_a_unified_one_elsewhere() {
    let source = format!("from x import (  {LEGACY}\n  a,  {}\n)\n", tag("i", "F401"));
    let case = case(&source).on("F401", 1, 3);
    assert_eq!(case.answers()[0].0, FindingState::Legacy);
    let report = case.check();
    assert_eq!((report.summary.annotated, report.summary.legacy_format), (1, 1));
    assert!(report.stale.is_empty(), "its finding is not gone: {:?}", report.stale);
}

#[test]
fn a_legacy_annotation_answers_elsewhere_for_its_code_alone() {
    let lint = "# TODO[T4-LINT-ISSUE]: {\"code\": \"B008\", \"owner\": \"o\"}";
    let source = format!("{LEGACY}\nx = (\n  1,  {lint}\n)\n");
    let case = case(&source).on("F401", 2, 4).on("B008", 2, 4).on("E702", 2, 4);
    let states: Vec<_> = case.check().findings.iter().map(|found| found.state).collect();
    assert_eq!(states, [FindingState::Legacy, FindingState::Legacy, FindingState::Unannotated]);
}

#[test]
fn a_waiver_goes_before_everything_until_its_last_day() {
    use FindingState::{Annotated, Unannotated, Waived};

    let source = format!("x = 1  {}\ny = 1\n", tag("i", "F401"));
    let found = || case(&source).on("F401", 1, 1).on("E702", 2, 2);
    let states = |case: &Case| case.check().findings.iter().map(|found| found.state).collect::<Vec<_>>();
    assert_eq!(states(&found().waive(None, &[], "2026-11-21")), [Waived, Waived]);
    assert_eq!(states(&found().waive(None, &[], "2026-11-20")), [Annotated, Unannotated]);
    assert_eq!(states(&found().waive(Some(2), &[], "2026-12-21")), [Annotated, Waived]);
    assert_eq!(states(&found().waive(None, &["F401"], "2026-12-21")), [Waived, Unannotated]);
    assert_eq!(states(&found().waive(Some(1), &["E702"], "2026-12-21")), [Annotated, Unannotated]);
    let report = found().waive(None, &[], "2026-12-21").check();
    assert!(report.stale.is_empty() && report.warnings.is_empty(), "{report:?}");
    assert_eq!((report.summary.waived, report.status), (2, CheckVerdict::Pass));
    assert_eq!(report.findings[0].by.as_ref().map(|by| (by.kind, by.row)), Some(("waiver", 2)));
}

#[test]
fn an_intent_answers_when_nothing_in_the_tree_does() {
    let source = format!("x = (\n\n)\ny  {}\n", tag("i", "F401"));
    let found = || case(&source).on("F401", 1, 3).on("F401", 4, 4);
    let registered = |id: &str| (FindingState::Registered, Some(id.to_owned()));
    assert_eq!(found().intent(Some(2), "planned").answers(), [registered("Some(2)"), annotated("i")]);
    assert_eq!(found().intent(None, "accepted").answers()[0], registered("None"));
    let both = found().intent(None, "accepted").intent(Some(3), "committed").intent(Some(2), "implemented");
    assert_eq!(both.answers()[0], registered("Some(2)"));
    let mut spelled = found().intent(Some(2), "planned");
    spelled.registered[0].file = "./b/../a.py".to_owned();
    assert_eq!(spelled.answers()[0], registered("Some(2)"));
    assert_eq!(found().intent(Some(4), "planned").answers()[0], NONE);
    assert_eq!(found().intent(Some(1), "reserved").answers()[0], NONE);
    assert_eq!(found().intent(None, "expired").answers()[0], NONE);
}
