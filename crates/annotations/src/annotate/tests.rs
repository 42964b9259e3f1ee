use super::*;
use crate::Place;

fn finding(code: &str, rows: (u32, u32)) -> Finding {
    Finding {
        file: "a.py".to_owned(),
        code: code.to_owned(),
        message: "`os` imported but unused".to_owned(),
        start: Place { row: rows.0, column: 2 },
        end: Place { row: rows.1, column: 4 },
        url: None,
    }
}

fn run(source: &str, language: Language, findings: &[Finding], taken: &[u32]) -> (String, Annotating) {
    let skeletons: Vec<_> = findings
        .iter()
        .map(|finding| Skeleton {
            finding,
            fields: vec![("code".to_owned(), Value::text(finding.code.as_str()))],
        })
        .collect();
    let done = annotate(source, language, &skeletons, &taken.iter().copied().collect());
    (Edit::apply(source, &done.edits).unwrap(), done)
}

fn tag(code: &str) -> String {
    format!("# TODO[T4-ISSUE]: {{\"code\":\"{code}\"}}")
}

#[test]
fn a_skeleton_says_what_is_known() {
    let fields = skeleton_fields(&finding("F401", (1, 1)), "t4-1".to_owned(), Some("@a"), "now");
    assert_eq!(
        crate::pyjson::dumps(&Value::Object(fields)),
        "{\"id\":\"t4-1\",\"code\":\"F401\",\"type\":\"import\",\"reason_category\":\"CORE_INFRA\",\
         \"reason\":\"F401: `os` imported but unused\",\"suggestion\":null,\"owner\":\"@a\",\"ticket\":null,\
         \"eta\":null,\"status\":\"reserved\",\"created_at\":\"now\"}"
    );
}

#[test]
fn an_annotation_stands_at_the_end_of_the_first_row_after_the_comment_there() {
    for (before, after) in [
        ("import os\n", "import os  @\n"),
        ("import os", "import os  @"),
        ("import os \r\n", "import os  @\r\n"),
        ("import os  # noqa: E501\r", "import os  # noqa: E501  @\r"),
        ("import os  # ends \\\nx = 1\n", "import os  # ends \\  @\nx = 1\n"),
        ("x = '#'\n", "x = '#'  @\n"),
        ("\u{feff}import os\n", "\u{feff}import os  @\n"),
    ] {
        let (text, done) = run(before, Language::Python, &[finding("F401", (1, 1))], &[]);
        assert_eq!(text, after.replace('@', &tag("F401")), "{before:?}");
        assert_eq!((done.written, done.skipped), (vec![0], vec![]));
    }
}

#[test]
fn a_row_that_can_take_no_comment_gets_one_above() {
    for (before, row, last, after) in [
        ("if a:\n    x = 1 + \\\n        2\n", 2, 3, "if a:\n    @\n    x = 1 + \\\n        2\n"),
        ("\tx = '''a\r\nb'''\r\n", 1, 2, "\t@\r\n\tx = '''a\r\nb'''\r\n"),
        ("\u{feff}x = '''\n'''\n", 1, 1, "\u{feff}@\nx = '''\n'''\n"),
        ("f(\n    a,\n    '''\n    ''')\n", 3, 4, "f(\n    a,\n    @\n    '''\n    ''')\n"),
        // Neither end nor above: the finding's last row.
        ("x = '''\n{} ''' + \\\ny + '''\n''' + z\n", 3, 4, "x = '''\n{} ''' + \\\ny + '''\n''' + z  @\n"),
    ] {
        let (text, done) = run(before, Language::Python, &[finding("F401", (row, last))], &[]);
        assert_eq!(text, after.replace('@', &tag("F401")), "{before:?}");
        assert_eq!((done.written, done.skipped), (vec![0], vec![]));
    }
}

#[test]
fn findings_inside_strings_are_left_alone() {
    for source in ["x = '''\na\n'''\n", "x = f'''\n{y}\n'''\n", "x = 1 \\\n + 1 \\\n + 2\n"] {
        let (text, done) = run(source, Language::Python, &[finding("F821", (2, 2))], &[]);
        assert_eq!((text.as_str(), done.skipped.len()), (source, 1), "{source}");
    }
}

#[test]
fn findings_of_several_codes_on_one_row_each_have_their_own_above() {
    let findings = [finding("E702", (1, 1)), finding("F401", (1, 1)), finding("F401", (1, 1))];
    let (text, done) = run("  import os; x = 1\n", Language::Python, &findings, &[]);
    assert_eq!(text, format!("  {}\n  {}\n  import os; x = 1\n", tag("E702"), tag("F401")));
    assert_eq!(done.written, vec![0, 1]);
    let (text, _) = run("import os\n", Language::Python, &[finding("F401", (1, 1))], &[1]);
    assert_eq!(text, format!("{}\nimport os\n", tag("F401")));
}

#[test]
fn a_row_with_a_broken_annotation_gets_no_second_one() {
    let source = "import os  # TODO[T4-ISSUE]: {broken\n";
    let (text, _) = run(source, Language::Python, &[finding("F401", (1, 1))], &[]);
    assert_eq!(text, format!("{}\n{source}", tag("F401")));
}

#[test]
fn the_interpreters_row_stays_the_first_and_as_it_is() {
    let (text, done) = run("#!/usr/bin/python\nx\n", Language::Python, &[finding("EXE001", (1, 1))], &[]);
    assert_eq!((text.as_str(), done.skipped.len()), ("#!/usr/bin/python\nx\n", 1));
}

#[test]
fn other_languages_are_asked_for_their_strings_too() {
    let first = [finding("x", (1, 2))];
    for (language, before, after) in [
        (Language::Rust, "let x = r#\"\n\"#;\n", "@\nlet x = r#\"\n\"#;\n"),
        (Language::Rust, "let x = 1;\n", "let x = 1;  @\n"),
        (Language::Rust, "/// docs\nfn f() {}\n", "@\n/// docs\nfn f() {}\n"),
        (Language::C, "#define x \\\n 1\n", "@\n#define x \\\n 1\n"),
        (Language::C, "int x; // a \\\n more\n", "@\nint x; // a \\\n more\n"),
        (Language::JavaScript, "let x = `\n`;\n", "@\nlet x = `\n`;\n"),
    ] {
        let (text, _) = run(before, language, &first, &[]);
        assert_eq!(text, after.replace('@', "// TODO[T4-ISSUE]: {\"code\":\"x\"}"), "{before:?}");
    }
    let (text, _) = run("a { }\n", Language::Css, &first, &[]);
    assert_eq!(text, "a { }  /* TODO[T4-ISSUE]: {\"code\":\"x\"} */\n");
}
