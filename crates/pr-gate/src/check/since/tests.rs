use annotations::{Finding, KnownFinding, Place};
use proptest::prelude::*;

use super::compare::Pair;

/// Returns a finding for each row that contains `BAD`, at that word.
fn findings(source: &str) -> Vec<Finding> {
    let of_row = |(row, text): (usize, &str)| {
        let column = u32::try_from(text.find("BAD")? + 1).ok()?;
        let row = u32::try_from(row + 1).ok()?;
        let start = Place { row, column };
        let end = Place { row, column: column + 3 };
        let (file, code, message) = ("a.py".to_owned(), "X1".to_owned(), "m".to_owned());
        Some(Finding { file, code, message, start, end, url: None })
    };
    source.lines().enumerate().filter_map(of_row).collect()
}

/// Converts findings to known findings that are not marked as new.
fn known(findings: impl IntoIterator<Item = Finding>) -> Vec<KnownFinding> {
    findings.into_iter().map(|finding| KnownFinding { new: false, ..finding.into() }).collect()
}

/// Returns the rows of the findings that are marked as new.
fn rows_of_new(all: &[KnownFinding]) -> Vec<u32> {
    all.iter().filter(|known| known.new).map(|known| known.finding.start.row).collect()
}

/// Returns the rows of the new findings between two versions.
fn new_rows(before: &str, now: &str) -> Vec<u32> {
    let mut all = known(findings(now));
    Pair::of("a.py", before, now).compare(&findings(before), &mut all);
    rows_of_new(&all)
}

/// Same as [`new_rows`], without findings of the old version.
fn new_rows_by_text(before: &str, now: &str) -> Vec<u32> {
    let mut all = known(findings(now));
    Pair::of("a.py", before, now).compare_rows(&mut all);
    rows_of_new(&all)
}

const TWO: &str = "def f():\n    a = 1\n    BAD\n    return a\n\ndef g():\n    b = 2\n    ok\n    return b\n";

#[test]
fn moved_lines_have_no_new_findings() {
    let moved = format!("import os\n\n\n{TWO}");
    assert!(new_rows(TWO, &moved).is_empty());
    assert!(new_rows_by_text(TWO, &moved).is_empty());
    let (f, g) = TWO.split_at(TWO.find("def g").unwrap());
    let swapped = format!("{g}\n{f}");
    assert!(new_rows(TWO, &swapped).is_empty(), "functions changed places");
    assert!(new_rows_by_text(TWO, &swapped).is_empty());
}

#[test]
fn a_finding_is_new_when_it_loses_its_annotation_but_not_when_it_keeps_or_gets_one() {
    let tag = |id: u32| format!("# TODO[T4-ISSUE]: {{\"id\":\"{id}\",\"code\":\"X1\"}}");
    let trailing = TWO.replace("BAD\n", &format!("BAD  {}\n", tag(1)));
    let alone = TWO.replace("    BAD\n", &format!("    {}\n    BAD\n", tag(1)));
    let moved = |text: &str| {
        let (f, g) = text.split_at(text.find("def g").unwrap());
        format!("{g}\n{f}")
    };
    assert_eq!(new_rows(&trailing, TWO), [3]);
    assert_eq!(new_rows_by_text(&trailing, TWO), [3]);
    assert_eq!(new_rows(&alone, TWO), [3]);
    assert_eq!(new_rows(&trailing, &moved(TWO)).len(), 1, "moved, and the annotation left behind");
    let other = TWO.replace("BAD\n", &format!("BAD  {}\n", tag(2)));
    for (before, now) in [
        (TWO, &trailing),
        (&trailing, &other),
        (&trailing, &alone),
        (&alone, &trailing),
        (&trailing, &moved(&trailing)),
    ] {
        assert_eq!(new_rows(before, now), Vec::<u32>::new(), "{before}\n->\n{now}");
    }
}

#[test]
fn a_fix_does_not_hide_a_new_finding_in_another_function() {
    let now = TWO.replace("    ok\n", "    BAD\n").replacen("    BAD\n", "    good\n", 1);
    assert_eq!(new_rows(TWO, &now), [8]);
    assert_eq!(new_rows_by_text(TWO, &now), [8]);
    // A diff aligns the row `BAD`, but it is now in another function.
    let before = "def f():\n    BAD\n\ndef g():\n    pass\n";
    let now = "def f():\n    pass\n\ndef g():\n    BAD\n";
    assert_eq!(new_rows(before, now), [5]);
    assert_eq!(new_rows_by_text(before, now), [5]);
}

#[test]
fn a_second_finding_next_to_an_old_one_is_new() {
    let before = "def f():\n    BAD\n";
    assert_eq!(new_rows(before, "def f():\n    BAD\n    BAD\n").len(), 1);
    assert_eq!(new_rows_by_text(before, "def f():\n    BAD\n    BAD\n").len(), 1);
}

#[test]
fn a_renamed_function_keeps_its_findings() {
    let now = TWO.replace("def f():", "def other(x, y):");
    assert!(new_rows(TWO, &now).is_empty());
    assert!(new_rows_by_text(TWO, &now).is_empty());
}

#[test]
fn a_new_annotation_does_not_make_its_finding_new() {
    let now = TWO.replace("BAD\n", "BAD  # TODO[T4-ISSUE]: {\"id\":\"t4-1\"}\n");
    assert!(new_rows(TWO, &now).is_empty());
    assert!(new_rows_by_text(TWO, &now).is_empty());
}

#[test]
fn an_unchanged_row_can_have_a_new_finding() {
    // The import is now unused, because the change removed its use in another row.
    let before = "import BAD\nuse\n";
    let mut all = known(findings("import BAD\n"));
    Pair::of("a.py", before, "import BAD\n").compare(&[], &mut all);
    assert!(all[0].new);
}

#[test]
fn a_finding_over_several_rows_is_new_when_one_row_is() {
    let (before, now) = ("if a:\n    x\n", "if a:\n    if b:\n        x\n");
    let mut finding = findings("BAD\n").remove(0);
    finding.end = Place { row: 3, column: 10 };
    let mut all = known([finding]);
    Pair::of("a.py", before, now).compare_rows(&mut all);
    assert!(all[0].new);
}

#[test]
fn long_versions_with_little_in_common_are_compared_quickly() {
    let many =
        |word: &str| (0..40_000).map(|n| word.to_owned() + ["0\n", "1\n", "2\n"][n % 3]).collect::<String>();
    let before = format!("def f():\n    BAD\n{}", many("a"));
    let now = format!("{}def f():\n    BAD\n", many("b"));
    assert!(new_rows(&before, &now).is_empty());
}

#[test]
fn an_old_finding_matches_one_finding_of_its_row_and_prefers_the_same_column() {
    let two = findings("BAD\n");
    let later = |column: u32| {
        let mut finding = two[0].clone();
        finding.start.column += column;
        finding.end.column += column;
        finding
    };
    let source = "BAD BAD\n";
    for (old, expected) in [(0, [false, true]), (4, [true, false]), (9, [false, true])] {
        let mut all = known([later(0), later(4)]);
        Pair::of("a.py", source, source).compare(&[later(old)], &mut all);
        assert_eq!([all[0].new, all[1].new], expected, "the old one was {old} columns later");
    }
}

#[test]
fn all_findings_of_a_moved_row_are_old() {
    let (before, now) = ("a\nb\nBAD BAD\n", "BAD BAD\na\nb\n");
    let mut all = known([findings(now).remove(0), findings(now).remove(0)]);
    all[1].finding.start.column += 4;
    for one in &mut all {
        one.new = true;
    }
    Pair::of("a.py", before, now).compare_rows(&mut all);
    assert_eq!([all[0].new, all[1].new], [false; 2]);
}

#[test]
fn an_unchanged_row_that_is_now_in_another_class_is_new() {
    let before = "class A:\n    def f():\n        x\n        BAD\n";
    let now = "class A:\n    def f():\n        x\nclass B:\n    def f():\n        BAD\n";
    assert_eq!(new_rows(before, now), [6]);
    assert_eq!(new_rows_by_text(before, now), [6]);
}

fn source() -> impl Strategy<Value = String> {
    let row = prop::sample::select(vec![
        "def f():\n",
        "def g():\n",
        "    BAD\n",
        "    x\n",
        "BAD\n",
        "\n",
        "class A:\n",
        "    def f():\n",
        "        BAD\n",
    ]);
    prop::collection::vec(row, 0..14).prop_map(|rows| rows.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn at_most_as_many_findings_are_old_as_there_were_before(before in source(), now in source()) {
        let old = findings(&now).len() - new_rows(&before, &now).len();
        prop_assert!(old <= findings(&before).len());
    }

    #[test]
    fn a_version_compared_with_itself_has_nothing_new(source in source()) {
        prop_assert!(new_rows(&source, &source).is_empty());
        prop_assert!(new_rows_by_text(&source, &source).is_empty());
        let later = format!("# a comment\n{source}");
        prop_assert!(new_rows(&source, &later).is_empty());
    }
}
