//! One promise of the check each.

use std::collections::BTreeMap;

use super::*;
use crate::day::plain as day;
use crate::{Place, Waiver};

/// A file, the findings in it, and what else is known.
struct Case {
    sources: BTreeMap<String, String>,
    findings: Vec<KnownFinding>,
    codes: Vec<String>,
    paths: Vec<String>,
    waivers: Waivers,
    owners: Option<CodeOwners>,
    registered: Vec<Registered>,
}

fn case(source: &str) -> Case {
    Case {
        sources: BTreeMap::from([("a.py".to_owned(), source.to_owned())]),
        findings: Vec::new(),
        codes: Vec::new(),
        paths: Vec::new(),
        waivers: Waivers::default(),
        owners: None,
        registered: Vec::new(),
    }
}

impl Case {
    /// A finding on rows `from` to `to`.
    fn on(mut self, code: &str, from: u32, to: u32) -> Self {
        let place = |row, column| Place { row, column };
        let finding = Finding {
            file: "a.py".to_owned(),
            code: code.to_owned(),
            message: "m".to_owned(),
            start: place(from, 1),
            end: place(to, 9),
            url: None,
        };
        self.findings.push(finding.into());
        self
    }

    /// The last finding is an old one.
    fn old(mut self) -> Self {
        self.findings.last_mut().unwrap().new = false;
        self
    }

    fn seen(mut self, text: &str) -> Self {
        self.findings.last_mut().unwrap().first_seen = day(text);
        self
    }

    fn waive(mut self, line: Option<u32>, codes: &[&str], expires: &str) -> Self {
        self.waivers.list.push(Waiver {
            at: ("w.yaml".to_owned(), 2),
            file: "a.py".to_owned(),
            line,
            codes: codes.iter().map(|code| (*code).to_owned()).collect(),
            reason: "r".to_owned(),
            owner: "waiver-owner".to_owned(),
            expires: Some(expires.to_owned()),
        });
        self
    }

    fn intent(mut self, line: Option<u32>, status: &str) -> Self {
        self.registered.push(Registered {
            id: format!("{line:?}"),
            file: "a.py".to_owned(),
            code: "F401".to_owned(),
            line,
            status: status.to_owned(),
            owner: Some("intent-owner".to_owned()),
            ..Registered::default()
        });
        self
    }

    fn check(&self) -> CheckReport {
        let input = Input {
            findings: &self.findings,
            codes: &self.codes,
            paths: &self.paths,
            waivers: &self.waivers,
            owners: self.owners.as_ref(),
            weights: &Weights::default(),
            today: day("2026-11-21").unwrap(),
        };
        check(input, &self.sources, &self.registered)
    }

    /// State and id of what answers, for each finding.
    fn answers(&self) -> Vec<(FindingState, Option<String>)> {
        self.check().findings.into_iter().map(|found| (found.state, found.by.and_then(|by| by.id))).collect()
    }
}

/// A unified annotation.
fn tag(id: &str, code: &str) -> String {
    format!(
        "# TODO[T4-ISSUE]: {{\"id\":\"{id}\",\"code\":\"{code}\",\"reason\":\"why\",\"status\":\"accepted\"}}"
    )
}

/// A unified annotation with other fields.
fn with(code: &str, fields: &str) -> String {
    format!(
        "# TODO[T4-ISSUE]: {{\"id\":\"i\",\"code\":\"{code}\",\"reason\":\"why\",\"status\":\"accepted\",{fields}}}"
    )
}

const LEGACY: &str = "# TODO[T4-UNUSED-IMPORT]: kept";

fn annotated(id: &str) -> (FindingState, Option<String>) {
    (FindingState::Annotated, Some(id.to_owned()))
}

const NONE: (FindingState, Option<String>) = (FindingState::Unannotated, None);

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
fn a_malformed_annotation_answers_for_nothing_and_is_told() {
    let report = case("x  # TODO[T4-ISSUE]: {\"id\": }\n").on("F401", 1, 1).check();
    assert_eq!((report.summary.unannotated, report.summary.warnings), (1, 1));
    assert_eq!((report.summary.quality_issues, report.summary.stale), (0, 0));
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
