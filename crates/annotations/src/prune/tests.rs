use super::*;

const TAG: &str = "TODO[T4-ISSUE]: {\"id\":\"1\",\"code\":\"F401\"}";

fn without_rows(source: &str, language: Language, rows: &[u32]) -> String {
    Edit::apply(source, &prune(source, language, rows)).unwrap()
}

#[test]
fn a_comment_goes_when_nothing_else_is_said_in_it() {
    for (before, after) in [
        ("import os  # TAG\nx = 1\n", "import os\nx = 1\n"),
        ("import os\t# TAG  \r\nx = 1\r\n", "import os\r\nx = 1\r\n"),
        ("import os  # TAG", "import os"),
        ("x = 1\nif x:\n    # TAG\n    y\n", "x = 1\nif x:\n    y\n"),
        ("x\ny\n\t# TAG", "x\ny\n"),
        ("x\ny\n# TAG\rz\r", "x\ny\nz\r"),
        ("import os  # noqa: F401  # TAG\n", "import os  # noqa: F401\n"),
        ("import os  # TAG  # noqa: F401\n", "import os  # noqa: F401\n"),
        ("import os  # noqa # TAG # type: ignore \n", "import os  # noqa # type: ignore \n"),
        ("import os  ## TAG\n", "import os\n"),
        ("a # TAG # TAG\n", "a\n"),
        ("a # x # TAG # TAG \n", "a # x\n"),
    ] {
        let source = before.replace("TAG", TAG);
        let rows: Vec<u32> = (1..9).collect();
        assert_eq!(without_rows(&source, Language::Python, &rows), after, "{before}");
    }
}

#[test]
fn only_the_rows_asked_for_are_pruned() {
    let source = format!("a  # {TAG}\nb  # {TAG}\nc = '# {TAG}'\n# TODO[T4-ISSUE]: {{broken\n");
    let after = without_rows(&source, Language::Python, &[2, 3, 4, 99]);
    assert_eq!(after, format!("a  # {TAG}\nb\nc = '# {TAG}'\n# TODO[T4-ISSUE]: {{broken\n"));
    assert_eq!(prune(&source, Language::Python, &[]), []);
}

#[test]
fn legacy_annotations_go_without_their_neighbours() {
    let source = "a  # TODO[T4-UNUSED-IMPORT]: kept  # noqa: F401\n\n# T4: code=F401\nb\n";
    assert_eq!(without_rows(source, Language::Python, &[1, 3]), "a  # noqa: F401\n\nb\n");
}

#[test]
fn block_comments_are_pruned_without_joining_words() {
    for (before, after) in [
        ("int/* TAG */x;\n", "int x;\n"),
        ("int x; /* TAG */\n", "int x;\n"),
        ("  /* TAG */\nint x;\n", "int x;\n"),
        ("int x; /* TAG */ int y;\n", "int x; int y;\n"),
        ("/* why # TAG */\n", "/* why */\n"),
        ("/*\n * TAG\n * more\n */\n", "/*\n * \n * more\n */\n"),
        ("int x; // TAG\n", "int x;\n"),
    ] {
        let source = before.replace("TAG", TAG);
        let rows: Vec<u32> = (1..9).collect();
        assert_eq!(without_rows(&source, Language::C, &rows), after, "{before}");
    }
}

#[test]
fn no_other_row_moves_to_where_python_reads_the_encoding() {
    let source = format!("# {TAG}\nx = 1\n# coding: latin-1\n");
    assert_eq!(without_rows(&source, Language::Python, &[1]), "\nx = 1\n# coding: latin-1\n");
    let source = format!("\u{feff}# {TAG}\r\nx = 1\r\n");
    assert_eq!(without_rows(&source, Language::Python, &[1]), "\u{feff}\r\nx = 1\r\n");
}

#[test]
fn a_comment_that_is_not_utf8_stays() {
    let source = format!("a  # \u{1a} # {TAG}\n");
    assert_eq!(prune(&source, Language::Python, &[1]), []);
}
