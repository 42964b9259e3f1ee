use annotations::Place;

use super::*;

fn finding(file: &str, row: u32, from: u32, to: u32, message: &str) -> Finding {
    Finding {
        file: file.to_owned(),
        code: "B904".to_owned(),
        message: message.to_owned(),
        start: Place { row, column: from },
        end: Place { row, column: to },
        url: None,
    }
}

fn of(file: &str, source: &str, row: u32, message: &str) -> String {
    let text = source.lines().nth(row as usize - 1).unwrap_or_default();
    let column = |bytes: usize| u32::try_from(bytes).unwrap() + 1;
    let from = column(text.len() - text.trim_start().len());
    let all = [finding(file, row, from, column(text.len()), message)];
    let sources = BTreeMap::from([(file.to_owned(), source.to_owned())]);
    fingerprints(&all, &sources).remove(0)
}

const SOURCE: &str =
    "class A:\n    def f(self):\n        try:\n            x()\n        except E:\n            raise X\n";

#[test]
fn a_fingerprint_survives_moved_lines_renames_annotations_and_spaces() {
    let before = of("a.py", SOURCE, 6, "m from line 3");
    let moved = format!("import os\n\n\n{SOURCE}");
    assert_eq!(of("b/c.py", &moved, 9, "m from line 6"), before);
    let remarked = SOURCE.replace("raise X", "raise  X  # TODO[T4-ISSUE]: {\"id\":\"t4-1\"}");
    let wider = SOURCE.replace("def f(self)", "def f(self, more)").replace("except E", "except (E, F)");
    assert_eq!(of("a.py", &wider, 6, "m from line 3"), before);
    let text = |row: &str| normal(without_remarks(row));
    assert_eq!(text("raise  X  # TODO[T4-ISSUE]: {}"), text("raise X"));
    assert_eq!(text("raise X  # noqa: B904"), text("raise X  # NOQA"));
    assert_eq!(of("a.py", &remarked, 6, "m from line 3"), before);
}

#[test]
fn another_function_class_text_or_message_changes_the_fingerprint() {
    let before = of("a.py", SOURCE, 6, "m");
    assert_ne!(of("a.py", &SOURCE.replace("def f", "def g"), 6, "m"), before);
    assert_ne!(of("a.py", &SOURCE.replace("class A", "class B"), 6, "m"), before);
    assert_ne!(of("a.py", &SOURCE.replace("raise X", "raise Y"), 6, "m"), before);
    assert_ne!(of("a.py", SOURCE, 6, "n"), before);
}

#[test]
fn comments_and_empty_rows_neither_open_nor_close_a_block() {
    let source = "class A:\n    def f(self):\n        x()\n    def g(self):\n        raise X\n";
    let before = of("a.py", source, 5, "m");
    let remarked = source.replace("        raise", "# class B:\n\n        # def h():\n        raise");
    assert_eq!(of("a.py", &remarked, 8, "m"), before);
    assert_eq!(of("a.py", &source.replace("    def g", "\n    def g"), 6, "m"), before);
}

#[test]
fn hashed_parts_can_not_run_together() {
    let named = |code: &str, message: &str| {
        let mut one = finding("a.py", 1, 1, 2, message);
        one.code = code.to_owned();
        identity(&one, None)
    };
    assert_ne!(named("B904", "m"), named("B90", "4m"), "a rule and its message");
    let inside = finding("a.py", 2, 3, 4, "m");
    let mut over = finding("a.py", 1, 1, 2, "m");
    over.end.row = 2;
    let (block, rows) = ("def f():\n  x\n", "def f\nx\n");
    let (block, rows) = (Scopes::of("a.py", block), Scopes::of("a.py", rows));
    assert_ne!(identity(&inside, Some(&block)), identity(&over, Some(&rows)), "a function and the text");
}

#[test]
fn a_finding_of_zero_width_covers_its_row() {
    let source = |word: &str| BTreeMap::from([("a.py".to_owned(), format!("raise {word}\n"))]);
    for column in [0, 3] {
        let all = [finding("a.py", 1, column, column, "m")];
        assert_ne!(fingerprints(&all, &source("X")), fingerprints(&all, &source("Y")), "column {column}");
    }
}

#[test]
fn only_the_text_of_the_finding_is_hashed() {
    let all = [finding("a.py", 1, 7, 8, "m")];
    let name = |source: &str| fingerprints(&all, &BTreeMap::from([("a.py".to_owned(), source.to_owned())]));
    assert_eq!(name("raise X if a\n"), name("throw X or b\n"));
}

#[test]
fn legacy_annotations_are_not_hashed() {
    let bare = normal(without_remarks("raise X"));
    for remark in ["# T4: code=B904 | owner=a", "// TODO[T4-LINT-ISSUE]: {}", "#noqa"] {
        assert_eq!(normal(without_remarks(&format!("raise X  {remark}"))), bare, "{remark}");
    }
    let header = SOURCE.replace("def f(self):", "def f  # noqa");
    assert_eq!(of("a.py", &header, 6, "m"), of("a.py", SOURCE, 6, "m"));
}

#[test]
fn only_the_beginning_of_a_long_finding_is_hashed() {
    let source = |last: &str| format!("{}{last}\n", "row\n".repeat(ROWS));
    let mut long = finding("a.py", 1, 1, 9, "m");
    long.end.row = u32::MAX;
    let name = |source: String| fingerprints(&[long.clone()], &BTreeMap::from([("a.py".to_owned(), source)]));
    assert_eq!(name(source("a")), name(source("b")));
    assert_eq!(normal(&"ab ".repeat(ROW_BYTES)).len() / 8, ROW_BYTES / 8);
}

#[test]
fn equal_findings_of_a_file_are_numbered() {
    let source = "import os\nimport os\n";
    let all =
        [finding("a.py", 1, 8, 10, "m"), finding("a.py", 2, 8, 10, "m"), finding("b.py", 1, 8, 10, "m")];
    let sources = ["a.py", "b.py"].map(|file| (file.to_owned(), source.to_owned())).into();
    let names = fingerprints(&all, &sources);
    assert_eq!(names[1], format!("{}-2", names[0]));
    assert_eq!(names[2], names[0]);
}

#[test]
fn rows_end_as_linters_count_them() {
    let all: Vec<_> = rows("a\r\nb\rc\nd\u{2028}e\u{c}f").collect();
    assert_eq!(all, ["a", "b", "c", "d\u{2028}e\u{c}f"]);
}

#[test]
fn a_place_that_is_not_in_the_source_is_no_trouble() {
    for (row, from, to) in [(0, 0, 0), (99, 1, 2), (1, 99, 100), (1, 5, 1), (u32::MAX, u32::MAX, u32::MAX)] {
        let all = [finding("a.py", row, from, to, "m")];
        assert_eq!(fingerprints(&all, &BTreeMap::from([("a.py".to_owned(), "é".to_owned())])).len(), 1);
        assert_eq!(fingerprints(&all, &BTreeMap::new()).len(), 1);
    }
}
