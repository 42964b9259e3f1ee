//! Content of a waiver file.

use std::fmt::Write as _;

use super::*;

fn read(text: &str) -> Result<Vec<Waiver>, Unreadable> {
    Waivers::read(&[("w.yaml".to_owned(), text.to_owned())]).map(|waivers| waivers.list)
}

const REST: &str = "reason: r, owner: o, expires: 2027-01-31";

#[test]
fn a_waiver_is_read_with_its_row() {
    let text = "# ours\nwaivers:\n  - file: src/a.py\n    line: 3\n    codes: [F401, B008]\n    reason: why\n    \
                owner: \"@org/core\"\n\n  - {file: \"[id].tsx\", line: 0, reason: r, owner: o, expires: 2027-01-31}\n";
    let waivers = read(text).unwrap();
    assert_eq!(
        waivers[0],
        Waiver {
            at: ("w.yaml".to_owned(), 3),
            file: "src/a.py".to_owned(),
            line: Some(3),
            codes: vec!["F401".to_owned(), "B008".to_owned()],
            reason: "why".to_owned(),
            owner: "@org/core".to_owned(),
            expires: None,
        }
    );
    assert_eq!((waivers[1].at.1, waivers[1].line), (9, None));
    assert_eq!(waivers[1].expires.as_deref(), Some("2027-01-31"));
}

#[test]
fn a_file_without_waivers_waives_nothing() {
    for text in ["", "# none\n", "waivers:\n", "waivers: []\n", "waivers:\n  # - file: a.py\n"] {
        assert_eq!(read(text), Ok(Vec::new()), "{text}");
    }
}

#[test]
fn what_a_waiver_lacks_is_told_with_its_row() {
    for (entry, word) in [
        ("{reason: r, owner: o, expires: 2027-01-31}".to_owned(), "`file`"),
        ("{file: a.py, line: 1, owner: o}".to_owned(), "`reason`"),
        ("{file: a.py, line: 1, owner: o, reason: ' '}".to_owned(), "`reason`"),
        ("{file: a.py, line: 1, reason: r}".to_owned(), "`owner`"),
        ("{file: a.py, line: 1, reason: r, owner: ''}".to_owned(), "`owner`"),
        ("{file: a.py, reason: r, owner: o}".to_owned(), "`expires`"),
        ("{file: a.py, line: 0, reason: r, owner: o}".to_owned(), "`expires`"),
        (format!("{{file: a.py, codes: [], {REST}}}"), "`codes`"),
        (format!("{{file: a.py, codes: , {REST}}}"), "`codes`"),
        (format!("{{file: a.py, codes: [' '], {REST}}}"), "`codes`"),
        (format!("{{file: /a.py, {REST}}}"), "`file: /a.py`"),
        (format!("{{file: ./a.py, {REST}}}"), "from the root"),
        (format!("{{file: a/../b.py, {REST}}}"), "from the root"),
        (format!("{{file: 'src/*.py', {REST}}}"), "no `*`"),
        (format!("{{file: src/, {REST}}}"), "from the root"),
    ] {
        let problem = read(&format!("waivers:\n  - {{file: ok.py, {REST}}}\n  - {entry}\n")).unwrap_err();
        assert!(problem.problem.contains(word), "{entry}: {problem}");
        assert_eq!((problem.row, problem.entry.is_some()), (Some(3), true), "{entry}");
    }
}

#[test]
fn what_is_no_list_of_waivers_is_unreadable() {
    for (text, row) in [
        ("- file: a.py\n", Some(1)),
        ("waivers: 1\n", Some(1)),
        ("waivers:\n- a.py\n", Some(2)),
        ("waivers:\n- file: a.py\n  reson: x\n", Some(3)),
        ("waivers:\n- file: a.py\n  line: two\n", Some(3)),
        ("waivers:\n- file: a.py\n  line: -1\n", Some(3)),
        ("waivers:\n- file: a.py\n  file: b.py\n", Some(3)),
        ("waivers:\n- file: a.py\n  codes: F401\n", Some(3)),
        ("waivers:\n- {file: [a\n", None),
        ("waiver: []\n", Some(1)),
        ("waivers: []\n---\nwaivers: []\n", None),
        ("waivers: &a\n- *a\n", None),
    ] {
        let problem = read(text).expect_err(text);
        assert!(
            problem.entry.is_none() && problem.problem.contains("expected `waivers:`"),
            "{text}: {problem}"
        );
        assert!(row.is_none() || problem.row == row, "{text}: {problem:?}");
        assert_eq!(problem.problem.lines().count(), 1, "{problem}");
    }
}

#[test]
fn an_at_sign_without_quotes_is_explained() {
    let problem = read("waivers:\n- file: a.py\n  owner: @org/team\n").unwrap_err();
    assert_eq!(problem.row, Some(3), "{problem}");
    assert!(problem.problem.contains("needs quotes"), "{problem}");
}

#[test]
fn neither_aliases_nor_depth_blow_up() {
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (name, before) in ('b'..='z').zip('a'..) {
        let aliases = vec![format!("*{before}"); 9].join(",");
        writeln!(bomb, "{name}: &{name} [{aliases}]").unwrap();
    }
    assert!(read(&bomb).is_err());
    assert!(read(&format!("waivers: {}", "[".repeat(100_000))).is_err());
    assert!(read(&format!("waivers:\n{}", "- ".repeat(100_000))).is_err());
}

#[test]
fn a_date_that_is_no_day_has_passed_but_the_file_stays_readable() {
    let today = day::plain("2026-11-21").unwrap();
    for (expires, expired) in [
        ("2026-11-21", false),
        ("2026-11-20", true),
        ("2027-02-30", true),
        ("never", true),
        ("2027-01-31T00:00:00Z", true),
        ("''", true),
    ] {
        let waivers =
            read(&format!("waivers:\n- {{file: a.py, reason: r, owner: o, expires: {expires}}}")).unwrap();
        assert_eq!(waivers[0].is_expired(today), expired, "{expires}");
    }
    assert!(!read("waivers:\n- {file: a.py, line: 1, reason: r, owner: o}").unwrap()[0].is_expired(today));
}

#[test]
fn inspecting_tells_all_problems_and_keeps_what_can_be_read() {
    let files = [
        ("a.yaml".to_owned(), "waivers: 1".to_owned()),
        (
            "b.yaml".to_owned(),
            format!("waivers:\n- {{file: a.py}}\n- {{file: b.py, {REST}}}\n- {{file: c.py}}\n"),
        ),
    ];
    let (waivers, problems) = Waivers::inspect(&files);
    assert_eq!(waivers.list.len(), 1);
    let lacking: Vec<_> = problems.iter().map(|problem| (problem.row, problem.entry.is_some())).collect();
    assert_eq!(lacking, [(Some(1), false), (Some(2), true), (Some(4), true)]);
}
