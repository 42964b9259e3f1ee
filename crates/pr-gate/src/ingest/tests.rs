use annotations::{Annotated, AnsweredBy, CheckReport, Finding, FindingState, Place};

use super::{IngestPlan, IngestScope, KnownIntent, id_of, plan};

fn finding(file: &str, row: u32, code: &str, by: Option<AnsweredBy>) -> Annotated {
    let place = Place { row, column: 1 };
    Annotated {
        finding: Finding {
            file: file.to_owned(),
            code: code.to_owned(),
            message: "found".to_owned(),
            start: place,
            end: place,
            url: None,
        },
        fingerprint: format!("{code}-{row}"),
        state: if by.is_some() { FindingState::Annotated } else { FindingState::Unannotated },
        by,
        first_seen: None,
    }
}

fn by(id: &str, status: &str) -> AnsweredBy {
    let own = |text: &str| Some(text.to_owned());
    AnsweredBy {
        file: "a.py".to_owned(),
        row: 3,
        kind: "annotation",
        id: own(id),
        code: own("F401"),
        status: own(status),
        owner: own("@a"),
        ticket: own("GH-1"),
        reason: own("why"),
        eta: None,
    }
}

fn known(id: &str, status: &str) -> KnownIntent {
    KnownIntent {
        id: id.to_owned(),
        code: "F401".to_owned(),
        file: Some("a.py".to_owned()),
        line: Some(3),
        status: status.to_owned(),
        owner: Some("@a".to_owned()),
        ticket: Some("GH-1".to_owned()),
        reason: Some("why".to_owned()),
        eta: None,
        ingested: true,
    }
}

fn of(findings: Vec<Annotated>, held: &[KnownIntent]) -> IngestPlan {
    let report = CheckReport { findings, ..CheckReport::default() };
    let (paths, codes) = ([".".to_owned()], ["F".to_owned()]);
    plan(&report, held, IngestScope { paths: &paths, codes: &codes })
}

#[test]
fn a_second_plan_changes_nothing() {
    let findings =
        || vec![finding("a.py", 3, "F401", Some(by("t4-1", "planned"))), finding("b.py", 1, "F821", None)];
    let first = of(findings(), &[]);
    assert_eq!(first.create.len(), 2, "{first:?}");
    let held: Vec<_> = first
        .create
        .iter()
        .map(|new| KnownIntent {
            id: new.id.clone().unwrap(),
            code: new.code.clone(),
            file: new.file.clone(),
            line: new.line,
            status: new.status.clone().unwrap(),
            owner: new.owner.clone(),
            ticket: new.ticket.clone(),
            reason: new.reason.clone(),
            eta: new.eta.clone(),
            ingested: new.raw.as_deref() == Some(super::MARK),
        })
        .collect();
    let second = of(findings(), &held);
    assert_eq!((second.create.len(), second.update.len(), second.unchanged), (0, 0, 2), "{second:?}");
}

#[test]
fn an_open_intent_is_implemented_once_its_finding_is_gone() {
    let reserved = id_of(&finding("a.py", 9, "F401", None));
    for (held, expected) in [
        (known("t4-1", "planned"), true),
        (known("t4-1", "committed"), true),
        (known(&reserved, "reserved"), true),
        (KnownIntent { ingested: false, ..known("placeholder", "reserved") }, false),
        (known("t4-9", "reserved"), true),
        (known("t4-1", "accepted"), false),
        (known("t4-1", "implemented"), false),
        (KnownIntent { code: "B008".to_owned(), ..known("t4-1", "planned") }, false),
    ] {
        assert_eq!(
            of(Vec::new(), std::slice::from_ref(&held)).update.len(),
            usize::from(expected),
            "{held:?}"
        );
    }
    let still_there = of(vec![finding("a.py", 40, "F401", None)], &[known("t4-1", "planned")]);
    assert!(still_there.update.is_empty(), "{still_there:?}");
    let unreadable = of(vec![finding("a.py", 1, "invalid-syntax", None)], &[known("t4-1", "planned")]);
    assert!(unreadable.update.is_empty(), "the file could not be checked: {unreadable:?}");
}

#[test]
fn file_names_are_compared_in_normal_form() {
    let spelled = |id: &str| KnownIntent { file: Some("./b/../a.py".to_owned()), ..known(id, "planned") };
    let same = of(vec![finding("a.py", 3, "F401", Some(by("t4-1", "planned")))], &[spelled("t4-1")]);
    assert_eq!((same.unchanged, same.skipped.len()), (1, 0), "{same:?}");
    let still_there = of(vec![finding("a.py", 40, "F401", None)], &[spelled("t4-1")]);
    assert!(still_there.update.is_empty(), "{still_there:?}");
    let report = CheckReport::default();
    let (paths, codes) = (["src/cafe\u{301}".to_owned()], ["F".to_owned()]);
    let gone = KnownIntent { file: Some("src/caf\u{e9}/a.py".to_owned()), ..known("t4-1", "planned") };
    let plan = plan(&report, &[gone], IngestScope { paths: &paths, codes: &codes });
    assert_eq!(plan.update.len(), 1, "{plan:?}");
}

#[test]
fn an_annotation_that_the_registry_would_refuse_is_skipped_with_the_reason() {
    let lacking = AnsweredBy { ticket: None, ..by("t4-1", "planned") };
    let nameless = AnsweredBy { id: None, ..by("", "planned") };
    for (by, held, why) in [
        (lacking, vec![], "owner"),
        (nameless, vec![], "no id"),
        (by("t4-1", "reserved"), vec![known("t4-1", "accepted")], "can't become"),
        (
            by("t4-1", "planned"),
            vec![KnownIntent { file: Some("other.py".to_owned()), ..known("t4-1", "planned") }],
            "other.py",
        ),
    ] {
        let plan = of(vec![finding("a.py", 3, "F401", Some(by))], &held);
        assert!(plan.create.is_empty() && plan.skipped.len() == 1, "{plan:?}");
        assert!(plan.skipped[0].1.contains(why), "{plan:?}");
    }
}

#[test]
fn only_the_fields_that_differ_from_the_annotation_change() {
    let plan = of(
        vec![finding("a.py", 3, "F401", Some(by("t4-1", "committed")))],
        &[KnownIntent { eta: Some("2026-12-01".to_owned()), ..known("t4-1", "planned") }],
    );
    assert_eq!(plan.update.len(), 1);
    assert_eq!(plan.update[0].status.map(registry_core::Status::as_str), Some("committed"));
    assert_eq!((&plan.update[0].owner, &plan.update[0].eta), (&None, &None));
}

#[test]
fn the_reserved_intent_of_an_annotated_finding_expires() {
    let annotated = finding("a.py", 3, "F401", Some(by("t4-1", "planned")));
    let placeholder = known(&id_of(&annotated), "reserved");
    let plan = of(vec![annotated], &[known("t4-1", "planned"), placeholder]);
    let statuses: Vec<_> =
        plan.update.iter().filter_map(|one| one.status).map(registry_core::Status::as_str).collect();
    assert_eq!(statuses, ["expired"]);
}
