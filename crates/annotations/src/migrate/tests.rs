use proptest::prelude::*;

use super::*;
use crate::pyjson::{self, Value};

fn run(source: &str, language: Language) -> (String, Migration) {
    let mut ids = 0;
    let mut new_id = || {
        ids += 1;
        format!("t4-{ids:08x}")
    };
    let mut blame = |row: u32| match row {
        1 => Blame { owner: Some("@Ada".to_owned()), confidence: 1.0 },
        2 => Blame { owner: Some("@ci[bot]".to_owned()), confidence: 0.5 },
        _ => Blame::default(),
    };
    let migration = migrate(source, language, &mut blame, &mut new_id, "2026-11-21T12:00:00Z");
    (Edit::apply(source, &migration.edits).unwrap(), migration)
}

fn python(source: &str) -> String {
    run(source, Language::Python).0
}

fn field<'a>(migration: &'a Migration, name: &str) -> &'a Value {
    pyjson::get(&migration.converted[0].fields, name).unwrap_or(&Value::Null)
}

#[test]
fn a_reason_becomes_a_record_in_the_originals_order() {
    let after = python("import os  # TODO[T4-UNUSED-IMPORT]: kept for matriz #12\n");
    assert_eq!(
        after,
        concat!(
            "import os  # TODO[T4-ISSUE]: {\"id\":\"t4-00000001\",\"code\":\"F401\",\"type\":\"import\",",
            "\"reason_category\":\"MATRIZ\",\"reason\":\"kept for matriz #12\",\"suggestion\":null,",
            "\"owner\":\"@Ada\",\"inferred_owner_confidence\":1.0,\"ticket\":null,\"eta\":null,",
            "\"status\":\"reserved\",\"created_at\":\"2026-11-21T12:00:00Z\",",
            "\"legacy_format\":\"T4-UNUSED-IMPORT\"}\n"
        )
    );
}

#[test]
fn what_is_written_is_a_unified_annotation_and_a_second_run_changes_nothing() {
    for source in [
        "import os # noqa: F401 # TODO[T4-UNUSED-IMPORT]: kept\n",
        "x = 1 # TODO[T4-LINT-ISSUE]: {\"code\":\"B008\",\"reason\":\"r\"} # noqa\n",
        "# T4: code=F821 | owner=me\nfoo()\n",
        "import os  # TODO[T4-UNUSED-IMPORT]\r\nimport sys  # TODO[T4-UNUSED-IMPORT]: {broken\r",
    ] {
        let (after, migration) = run(source, Language::Python);
        assert!(migration.skipped.is_empty() && !migration.converted.is_empty(), "{after}");
        let found = scan(&after, Language::Python);
        assert_eq!(found.len(), migration.converted.len(), "{after}");
        for (one, migrated) in found.iter().zip(&migration.converted) {
            let AnnotationKind::Unified(annotation) = &one.kind else { panic!("{one:?}") };
            assert_eq!((one.row, &annotation.fields), (migrated.row, &migrated.fields));
            // Nothing but blanks may follow on the row: the original checker reads no other.
            assert!(
                after
                    .get(one.span.end..)
                    .unwrap()
                    .trim_start_matches([' ', '\t'])
                    .find(['\r', '\n'])
                    .is_none_or(|at| at == 0)
            );
        }
        let (again, second) = run(&after, Language::Python);
        assert_eq!((again, second.converted, second.skipped), (after, vec![], vec![]));
    }
}

#[test]
fn other_directives_stay_and_come_before_the_annotation() {
    let after = python("import os  # TODO[T4-UNUSED-IMPORT]: kept, see #3  # noqa: F401\nx = 1\n");
    assert!(after.starts_with("import os  # noqa: F401  # TODO[T4-ISSUE]: {"), "{after}");
    assert!(after.contains("\"reason\":\"kept, see #3\"") && after.ends_with("}\nx = 1\n"), "{after}");
    let after = python("x = 1  # type: ignore # TODO[T4-LINT-ISSUE]: {\"id\":\"1\"} and more \n");
    assert!(
        after.starts_with("x = 1  # type: ignore # and more  # TODO[T4-ISSUE]: {\"id\":\"1\""),
        "{after}"
    );
    assert!(after.ends_with("} \n"), "{after}");
}

#[test]
fn a_json_payload_keeps_its_fields() {
    let source = "import os  # TODO[T4-UNUSED-IMPORT]: {\"id\":\"old\",\"owner\":\"team\",\"ticket\":\"GH-1\",\
                  \"reason\":\"é\",\"estimate\":\"2h\",\"status\":\"planned\"}";
    let (after, migration) = run(source, Language::Python);
    let get = |name| field(&migration, name).as_text();
    assert_eq!(
        [get("id"), get("owner"), get("ticket"), get("reason"), get("estimate"), get("status")],
        [Some("old"), Some("team"), Some("GH-1"), Some("é"), Some("2h"), Some("planned")]
    );
    assert_eq!(field(&migration, "inferred_owner_confidence"), &Value::Null);
    assert!(after.contains("\"reason\":\"é\""), "{after}");
    let source = "x  # TODO[T4-LINT-ISSUE]: {\"reason\":\"r\",\"code\":\"B008\",\"owner\":\"o\",\"n\":NaN}";
    let (after, _) = run(&format!("\n{source}"), Language::Python);
    assert!(
        after.ends_with(
            "{\"reason\":\"r\",\"code\":\"B008\",\"owner\":\"o\",\"n\":NaN,\"id\":\"t4-00000001\",\"type\":\"lint\",\
             \"status\":\"reserved\",\"suggestion\":null,\"legacy_format\":\"T4-LINT-ISSUE\",\
             \"inferred_owner_confidence\":0.5,\"needs_owner_review\":true}"
        ),
        "{after}"
    );
}

#[test]
fn a_malformed_payload_is_kept_as_the_reason() {
    for (tag, format) in [
        ("TODO[T4-UNUSED-IMPORT]", "T4-UNUSED-IMPORT-MALFORMED"),
        ("TODO[T4-LINT-ISSUE]", "T4-LINT-ISSUE-MALFORMED"),
    ] {
        let (_, migration) = run(&format!("x  # {tag}: {{'id': 1, \"a\" # noqa"), Language::Python);
        assert_eq!(field(&migration, "reason").as_text(), Some("{'id': 1, \"a\""));
        assert_eq!(field(&migration, "code").as_text(), Some("UNKNOWN"));
        assert_eq!(field(&migration, "legacy_format").as_text(), Some(format));
    }
}

#[test]
fn keys_and_values_become_fields() {
    let (_, migration) = run(
        "# T4: code=B904 | ticket=GH-1 | owner=me | reason=a=b | estimate=2h\nraise X\n",
        Language::Python,
    );
    let get = |name| field(&migration, name).as_text();
    assert_eq!(
        [get("code"), get("ticket"), get("owner"), get("reason"), get("estimate"), get("legacy_format")],
        [Some("B904"), Some("GH-1"), Some("me"), Some("a=b"), Some("2h"), Some("T4-KEY-VALUE")]
    );
}

#[test]
fn an_unsure_owner_is_to_be_reviewed() {
    let (_, migration) = run("\nimport os  # TODO[T4-UNUSED-IMPORT]: kept\n", Language::Python);
    assert_eq!(field(&migration, "owner").as_text(), Some("@ci[bot]"));
    assert_eq!(field(&migration, "needs_owner_review"), &Value::Bool(true));
    let (_, migration) = run("\n\nimport os  # TODO[T4-UNUSED-IMPORT]: kept\n", Language::Python);
    assert_eq!(field(&migration, "owner"), &Value::Null);
    assert_eq!(field(&migration, "needs_owner_review"), &Value::Null);
}

#[test]
fn codes_and_categories_are_read_by_word() {
    for (reason, code, category) in [
        ("rapid therapist", "F401", "CORE_INFRA"),
        ("the API of trinity", "F401", "CONSTELLATION"),
        ("undefined in quantum mode", "F821", "BIO_QUANTUM"),
        ("B008 scoreboard", "B008", "OTHER"),
        ("b904", "F401", "CORE_INFRA"),
        ("unused import, SIM102", "F401", "CORE_INFRA"),
        ("", "F401", "CORE_INFRA"),
    ] {
        let (_, migration) = run(&format!("x  # TODO[T4-UNUSED-IMPORT]: {reason}"), Language::Python);
        assert_eq!(field(&migration, "code").as_text(), Some(code), "{reason}");
        assert_eq!(field(&migration, "reason_category").as_text(), Some(category), "{reason}");
    }
    let (_, migration) = run("x  # TODO[T4-UNUSED-IMPORT]:", Language::Python);
    assert_eq!(
        field(&migration, "reason").as_text(),
        Some("kept for future use (migration from legacy annotation)")
    );
}

#[test]
fn strings_and_docstrings_are_never_touched() {
    let source = "\"\"\"\n# TODO[T4-UNUSED-IMPORT]: a\n\"\"\"\nx = '# TODO[T4-LINT-ISSUE]: {}'\ny = f'''{x}\n# T4: code=F401\n'''\n";
    assert_eq!(run(source, Language::Python), (source.to_owned(), Migration::default()));
}

#[test]
fn a_row_that_has_a_unified_annotation_is_left_alone_and_reported() {
    for source in [
        "x  # TODO[T4-ISSUE]: {\"id\":\"1\"}  # TODO[T4-UNUSED-IMPORT]: kept",
        "x  # TODO[T4-UNUSED-IMPORT]: kept  # TODO[T4-ISSUE]: {\"id\":\"1\"}",
        "x  # TODO[T4-ISSUE]: {broken",
    ] {
        let (after, migration) = run(source, Language::Python);
        assert_eq!((after.as_str(), migration.converted.len()), (source, 0));
        assert_eq!(migration.skipped.len(), usize::from(source.contains("UNUSED")), "{source}");
    }
    let (after, migration) =
        run("x  # TODO[T4-LINT-ISSUE]: {\"id\":\"1\"} # TODO[T4-UNUSED-IMPORT]: kept", Language::Python);
    assert!(after.starts_with("x  # TODO[T4-LINT-ISSUE]: {\"id\":\"1\"} # TODO[T4-ISSUE]: {"), "{after}");
    assert_eq!((migration.converted.len(), migration.skipped.len()), (1, 1));
}

#[test]
fn block_comments_are_converted_and_never_ended_early() {
    let source = "/*\n * TODO[T4-UNUSED-IMPORT]: a /* b\n */ int x; /* TODO[T4-LINT-ISSUE]: {\"id\":\"*\\/\"} why */ int y;\n";
    let (after, migration) = run(source, Language::C);
    assert_eq!(migration.converted.len(), 2);
    assert!(after.contains("\"reason\":\"a \\/* b\""), "{after}");
    assert!(after.contains("/* why # TODO[T4-ISSUE]: {\"id\":\"*\\/\","), "{after}");
    assert!(after.ends_with("} */ int y;\n"), "{after}");
    assert_eq!(crate::comments(&after, Language::C).len(), 2);
    assert_eq!(run(&after, Language::C).0, after);
    assert_eq!(scan(&after, Language::C).len(), 2);
    let (after, _) = run("let x = 1; // TODO[T4-UNUSED-IMPORT]: kept // noqa\r\n", Language::Rust);
    assert!(
        after.starts_with("let x = 1; // noqa  // TODO[T4-ISSUE]: {") && after.ends_with("}\r\n"),
        "{after}"
    );
}

#[test]
fn other_encodings_get_escapes_and_keep_their_bytes() {
    let after = python("# -*- coding: latin-1 -*-\nx  # TODO[T4-LINT-ISSUE]: {\"reason\":\"\\u00e9\"}\n");
    assert!(after.contains("\"reason\":\"\\u00e9\""), "{after}");
    let (after, migration) =
        run("# caf\u{1a}\nx  # TODO[T4-UNUSED-IMPORT]: caf\u{1a}\ny  # T4: code=F401\n", Language::Python);
    assert!(
        after.starts_with("# caf\u{1a}\nx  # TODO[T4-UNUSED-IMPORT]: caf\u{1a}\ny  # TODO[T4-ISSUE]"),
        "{after}"
    );
    assert_eq!(migration.skipped, vec![(2, "its comment is not UTF-8".to_owned())]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The rows keep their number, code before the comment and line ends stay, and a second run changes nothing.
    #[test]
    fn only_comments_with_legacy_annotations_change(parts in prop::collection::vec(prop::sample::select(vec![
        "import os", "  # ", "#", "'", "\"\"\"", "TODO[T4-UNUSED-IMPORT]", ": ", "TODO[T4-LINT-ISSUE]: ", "{\"a\":1}",
        "{\"id\":\"é\"", "T4: code=F401", " | owner=x", "noqa", " # noqa: F401", "\n", "\r\n", "\r", "\\", "\u{c}",
        "\u{2028}", "TODO[T4-ISSUE]: {\"a\":1}", "}", "f'{", "x", " ", "\t", "coding: x",
    ]), 0..24)) {
        let source = parts.concat();
        let (after, migration) = run(&source, Language::Python);
        let (before_rows, after_rows) = (SourceRows::of(&source), SourceRows::of(&after));
        let mut row = 1;
        while let Some(range) = before_rows.whole(row) {
            let (text, now) = (source.get(range).unwrap(), after.get(after_rows.whole(row).unwrap()).unwrap());
            if migration.converted.iter().all(|one| one.row != row) {
                prop_assert_eq!(text, now);
            } else {
                let code = text.split('#').next().unwrap();
                prop_assert!(now.starts_with(code), "{:?} {:?}", text, now);
            }
            row += 1;
        }
        prop_assert!(after_rows.whole(row).is_none());
        prop_assert_eq!(run(&after, Language::Python).0, after);
    }
}
