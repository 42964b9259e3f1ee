use std::path::Path;

use super::*;

mod generated;

fn project(root: &Path) -> Project {
    Project {
        tree: source_tree::SourceTree::at(root.to_owned()),
        settings: crate::settings::GateSettings::default(),
        ruff: None,
    }
}

fn read_at_root(text: &str) -> Output {
    read(&project(Path::new("/r")), text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn short(output: &Output) -> Vec<String> {
    let each = |f: &Finding| {
        format!("{} {} {}:{}-{}:{}", f.file, f.code, f.start.row, f.start.column, f.end.row, f.end.column)
    };
    output.findings.iter().map(each).collect()
}

fn ruff_json(filename: &str) -> String {
    format!(
        r#"{{"cell":null,"code":"F401","end_location":{{"column":10,"row":1}},"filename":"{filename}",
            "fix":{{"edits":[{{"content":"x","location":{{"row":1,"column":1}}}}]}},
            "location":{{"column":8,"row":1}},"message":"m","noqa_row":1,"url":"https://u"}}"#
    )
}

#[test]
fn names_are_relative_to_the_root_and_never_outside() {
    for (said, name) in [
        ("/r/a.py", Some("a.py")),
        ("b/./c/../a.py", Some("b/a.py")),
        ("/r/../etc/passwd", None),
        ("../a.py", None),
        ("/other/a.py", None),
        ("/r/labs/a.py", None),
        ("/r/labs.py", Some("labs.py")),
        ("/r", None),
        ("-x\\n@.py", Some("-x\n@.py")),
    ] {
        // The second file is inside the root: if every file were outside, the output would be refused.
        let output = read_at_root(&format!("[{},{}]", ruff_json(said), ruff_json("/r/z.py")));
        let mut files = output.findings.iter().map(|finding| finding.file.as_str());
        let found = files.find(|file| *file != "z.py");
        assert_eq!(found, name, "{said}");
        assert_eq!(output.warnings.is_empty(), name.is_some() || said == "/r/labs/a.py", "{said}");
    }
}

#[test]
fn a_skipped_folder_above_the_root_does_not_count() {
    let output = read(&project(Path::new("/x/reports/r")), ruff_json("/x/reports/r/a.py").as_bytes());
    assert!(output.is_err(), "an object is not a list");
    let text = format!("[{}]", ruff_json("/x/reports/r/a.py"));
    let output = read(&project(Path::new("/x/reports/r")), text.as_bytes()).expect("ruff's JSON");
    assert_eq!(short(&output), ["a.py F401 1:8-1:10"]);
}

#[test]
fn a_source_that_does_not_parse_has_a_code() {
    let text = r#"[{"code":null,"filename":"a.py","message":"m","location":{"row":0,"column":0},"end_location":null}]"#;
    assert_eq!(short(&read_at_root(text)), ["a.py invalid-syntax 1:0-1:0"]);
}

#[test]
fn findings_are_sorted_by_file_and_place() {
    let of = |file: &str, row: u32| {
        format!(
            r#"{{"code":"X{row}","filename":"{file}","message":"m","location":{{"row":{row},"column":1}}}}"#
        )
    };
    let text = format!("[{},{},{}]", of("b.py", 1), of("a.py", 9), of("a.py", 2));
    assert_eq!(short(&read_at_root(&text)), ["a.py X2 2:1-2:1", "a.py X9 9:1-9:1", "b.py X1 1:1-1:1"]);
}

#[test]
fn other_formats_are_refused_with_the_expected_ones() {
    for text in
        ["", "  ", "nonsense", "[1]", "{}", "[{\"filePath\":\"/r/a.js\",\"messages\":[]}]", "[", "[]x"]
    {
        let error = read(&project(Path::new("/r")), text.as_bytes()).expect_err(text).to_string();
        assert!(error.contains("ruff's JSON") && error.contains("SARIF 2.1.0"), "{text}: {error}");
    }
}

#[test]
fn sarif_of_clippy_is_read() {
    let output = read_at_root(include_str!("tests/clippy.sarif"));
    assert_eq!(output.tool, "clippy 1.95.0");
    assert_eq!(
        short(&output),
        ["src/lib.rs clippy::needless_return 7:5-7:14", "src/my file.rs clippy::unwrap_used 3:1-5:1"]
    );
    assert_eq!(
        output.findings[1].url.as_deref(),
        Some("https://rust-lang.github.io/rust-clippy/unwrap_used")
    );
}

#[test]
fn sarif_of_eslint_is_read() {
    let output = read_at_root(include_str!("tests/eslint.sarif"));
    assert_eq!(output.tool, "ESLint 9.24.0");
    assert_eq!(short(&output), ["web/app.js no-unused-vars 2:7-2:8", "web/öl.js no-undef 1:0-1:0"]);
    assert_eq!(output.warnings.len(), 1, "{:?}", output.warnings);
    assert!(output.rules.contains("semi"), "a rule without findings was checked: {:?}", output.rules);
}

#[test]
fn sarif_of_codeql_is_read() {
    let output = read_at_root(include_str!("tests/codeql.sarif"));
    assert_eq!(output.tool, "CodeQL 2.20.1, other");
    assert_eq!(short(&output), ["app/db.py py/sql-injection 12:15-12:40", "app/x.py R1 1:0-1:0"]);
    assert_eq!(output.findings[0].message, "This query depends on a user-provided value.");
    assert_eq!(output.findings[1].message, "Value 5 of `n` is odd.");
}

#[test]
fn suppressed_results_are_left_out_if_every_suppression_is_accepted() {
    let of = |suppressions: &str| {
        format!(
            r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"t"}}}},"results":[{{"ruleId":"R",
                "message":{{"text":"m"}},"suppressions":{suppressions},"locations":[{{"physicalLocation":
                {{"artifactLocation":{{"uri":"a.py"}}}}}}]}}]}}]}}"#
        )
    };
    for (suppressions, kept) in [
        ("null", 1),
        ("[]", 1),
        (r#"[{"kind":"inSource"}]"#, 0),
        (r#"[{"kind":"external","status":"accepted"}]"#, 0),
        (r#"[{"kind":"external","status":"underReview"}]"#, 1),
        (r#"[{"kind":"inSource"},{"kind":"external","status":"rejected"}]"#, 1),
    ] {
        assert_eq!(read_at_root(&of(suppressions)).findings.len(), kept, "{suppressions}");
    }
}

#[test]
fn output_that_nests_too_deep_is_unreadable() {
    let log = |levels: usize| {
        let deep = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let text = format!(
            r#"{{"version":"2.1.0","more":{deep},"runs":[{{"tool":{{"driver":{{"name":"t"}}}},"results":[]}}]}}"#
        );
        read(&project(Path::new("/r")), text.as_bytes()).map(drop).map_err(|error| error.to_string())
    };
    log(100).unwrap();
    let error = log(200).unwrap_err();
    assert!(error.contains("127 levels"), "{error}");
}

#[test]
fn output_that_names_a_member_twice_is_unreadable() {
    let one = ruff_json("/r/a.py");
    for (text, pointer) in [
        (format!("[{},{}]", one, one.replacen("\"row\":1", "\"row\":1,\"row\":2", 1)), "/1/end_location/row"),
        (r#"{"runs":[],"runs":[{"results":[]}]}"#.to_owned(), "/runs"),
        (r#"{"runs":[{"results":[],"properties":{"x":1,"\u0078":2}}]}"#.to_owned(), "/runs/0/properties/x"),
    ] {
        let error = read(&project(Path::new("/r")), text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(&format!("`{pointer}` twice")), "{error}");
    }
}
