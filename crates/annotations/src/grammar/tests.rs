use super::*;

fn kinds(source: &str) -> Vec<(u32, String, AnnotationKind)> {
    let found = scan(source, Language::Python);
    found.into_iter().map(|one| (one.row, source.get(one.span).unwrap().to_owned(), one.kind)).collect()
}

fn only(source: &str) -> (String, AnnotationKind) {
    let mut found = kinds(source);
    assert_eq!(found.len(), 1, "{source}: {found:?}");
    let (_, span, kind) = found.remove(0);
    (span, kind)
}

fn annotation(kind: AnnotationKind) -> Annotation {
    match kind {
        AnnotationKind::Unified(annotation) => annotation,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_unified_annotation_is_found_with_its_fields() {
    let source =
        "import os  # TODO[T4-ISSUE]: {\"id\": \" t4-1 \", \"n\": NaN, \"owner\": \"\", \"ticket\": 5}  \n";
    let (span, kind) = only(source);
    assert_eq!(span, r#"TODO[T4-ISSUE]: {"id": " t4-1 ", "n": NaN, "owner": "", "ticket": 5}"#);
    let annotation = annotation(kind);
    assert_eq!(annotation.text("id"), Some("t4-1"));
    for none in ["n", "owner", "ticket", "code"] {
        assert_eq!(annotation.text(none), None);
    }
}

#[test]
fn spaces_around_the_tag_are_free() {
    for source in [
        "#TODO[T4-ISSUE]:{\"a\":1}",
        "#\t TODO[T4-ISSUE] \u{a0}: \t{\"a\":1}\u{1f}",
        "## TODO[T4-ISSUE]: {\"a\":1}",
        "x # noqa: E501 # TODO[T4-ISSUE]: {\"a\":1}",
        "\u{feff}# TODO[T4-ISSUE]: {\"a\":1}\r\n",
    ] {
        annotation(only(source).1);
    }
}

#[test]
fn a_further_comment_behind_the_json_is_allowed() {
    let (span, kind) = only("import os  # TODO[T4-ISSUE]: {\"a\": \"#}\"}  # noqa: E501 }");
    assert_eq!(span, "TODO[T4-ISSUE]: {\"a\": \"#}\"}");
    annotation(kind);
}

#[test]
fn what_is_wrong_with_a_unified_annotation_is_said() {
    for (source, problem) in [
        ("# TODO[T4-ISSUE]", "the `:`"),
        ("# TODO[T4-ISSUE] {\"a\":1}", "the `:`"),
        ("# TODO[T4-ISSUE]:  ", "the JSON after the tag is missing"),
        ("# TODO[T4-ISSUE]: {}", "the JSON is empty"),
        ("# TODO[T4-ISSUE]: [1]", "no object"),
        ("# TODO[T4-ISSUE]: kept", "no JSON"),
        ("# TODO[T4-ISSUE]: {'a':1}", "double quotes"),
        ("# TODO[T4-ISSUE]: {\"a\":1} trailing", "text after the JSON"),
        ("# TODO[T4-ISSUE]: {\"a\":1}}", "text after the JSON"),
    ] {
        let (span, kind) = only(source);
        assert_eq!(span, source.trim_start_matches("# ").trim_end());
        match kind {
            AnnotationKind::Malformed(why) => {
                assert!(why.contains(problem) && why.contains("; write `TODO["), "{source}: {why}");
            }
            other => panic!("{source}: {other:?}"),
        }
    }
}

#[test]
fn several_annotations_share_a_comment() {
    let source = "import os  # TODO[T4-ISSUE]: {\"id\":\"1\"} # TODO[T4-UNUSED-IMPORT]: kept # noqa # TODO[T4-ISSUE]: {\"id\":\"2\"}";
    let found = kinds(source);
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(annotation(found[0].2.clone()).text("id"), Some("1"));
    assert_eq!(found[1].1, "TODO[T4-UNUSED-IMPORT]: kept");
    assert_eq!(annotation(found[2].2.clone()).text("id"), Some("2"));
}

#[test]
fn a_malformed_annotation_hides_no_other() {
    let found = kinds("import os  # TODO[T4-ISSUE]: {bad} # TODO[T4-UNUSED-IMPORT]: kept # T4: id=1");
    assert_eq!(found[0].1, "TODO[T4-ISSUE]: {bad}");
    assert_eq!(found[1].2, AnnotationKind::UnusedImport("kept".to_owned()));
    assert!(matches!(found[2].2, AnnotationKind::KeyValue(_)));
}

#[test]
fn a_tag_inside_the_json_of_another_is_its_text() {
    annotation(only(r##"# TODO[T4-ISSUE]: {"reason": "# TODO[T4-ISSUE]: {}"}"##).1);
}

#[test]
fn legacy_annotations_are_found_with_their_text() {
    for (source, span, kind) in [
        (
            "# TODO[T4-UNUSED-IMPORT]: kept for #12  # noqa: F401",
            "TODO[T4-UNUSED-IMPORT]: kept for #12",
            AnnotationKind::UnusedImport("kept for #12".into()),
        ),
        ("# TODO[T4-UNUSED-IMPORT]", "TODO[T4-UNUSED-IMPORT]", AnnotationKind::UnusedImport(String::new())),
        (
            "# TODO[T4-UNUSED-IMPORT] :  ",
            "TODO[T4-UNUSED-IMPORT] :",
            AnnotationKind::UnusedImport(String::new()),
        ),
        (
            "# TODO[T4-UNUSED-IMPORT] kept",
            "TODO[T4-UNUSED-IMPORT] kept",
            AnnotationKind::UnusedImport("kept".into()),
        ),
        (
            "# TODO[T4-LINT-ISSUE]: {\"a\": \" # noqa\"} x",
            "TODO[T4-LINT-ISSUE]: {\"a\": \" # noqa\"}",
            AnnotationKind::LintIssue("{\"a\": \" # noqa\"}".into()),
        ),
        (
            "# TODO[T4-LINT-ISSUE]: {bad}",
            "TODO[T4-LINT-ISSUE]: {bad}",
            AnnotationKind::LintIssue("{bad}".into()),
        ),
    ] {
        assert_eq!(only(source), (span.to_owned(), kind), "{source}");
    }
}

#[test]
fn keys_and_values_are_found() {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let (span, kind) = only("# T4: code=F401 | ticket=GH-1|reason=a=b | or c |owner=  # noqa");
    assert_eq!(span, "T4: code=F401 | ticket=GH-1|reason=a=b | or c |owner=");
    let pairs =
        vec![pair("code", "F401"), pair("ticket", "GH-1"), pair("reason", "a=b | or c"), pair("owner", "")];
    assert_eq!(kind, AnnotationKind::KeyValue(pairs));
}

#[test]
fn mentions_are_no_annotations() {
    for source in [
        "# see TODO[T4-ISSUE]: {\"a\":1}",
        "# todo[t4-issue]: {\"a\":1}",
        "x = '# TODO[T4-ISSUE]: {\"a\":1}'",
        "# T4: see the docs",
        "# XT4: code=F401",
        "# about T4: code=F401",
        "# TODO[T4-AUDIT]: x",
        "# T4",
        "T4 = 1",
        "\"\"\"\n# TODO[T4-ISSUE]: {\"a\":1}\n\"\"\"",
    ] {
        assert_eq!(kinds(source), [], "{source}");
    }
}

#[test]
fn a_block_comment_holds_annotations_on_its_rows() {
    let source =
        "/* TODO[T4-ISSUE]: {\"a\":1} */\r\n/*\r\n * T4: code=E1\r\n   TODO[T4-ISSUE]: {\"b\":2}\r\n */";
    let found = scan(source, Language::C);
    let rows: Vec<_> =
        found.iter().map(|one| (one.row, one.comment.row, source.get(one.span.clone()).unwrap())).collect();
    let expected =
        [(1, 1, "TODO[T4-ISSUE]: {\"a\":1}"), (3, 2, "T4: code=E1"), (4, 2, "TODO[T4-ISSUE]: {\"b\":2}")];
    assert_eq!(rows, expected);
    assert!(matches!(found[2].kind, AnnotationKind::Unified(_)));
}

#[test]
fn long_rows_take_linear_time() {
    let many = "# TODO[T4-ISSUE]: {\"a\":1} ".repeat(20_000);
    assert_eq!(scan(&many, Language::Python).len(), 20_000);
    assert!(scan(&"* T4: x ".repeat(100_000), Language::Python).is_empty());
    assert!(scan(&"# T4: id".repeat(100_000), Language::Python).is_empty());
    let broken = "# TODO[T4-ISSUE]: {\"a\":[";
    assert_eq!(scan(&broken.repeat(20_000), Language::Python).len(), 101);
    assert_eq!(scan(&"#T4 ".repeat(200_000), Language::Python).len(), 0);
    assert_eq!(scan(&"# TODO[T4-UNUSED-IMPORT]: k ".repeat(20_000), Language::Python).len(), 20_000);
}
