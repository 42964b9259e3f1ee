//! Generated sources: a fix changes what was found and nothing else, whatever the file looks like.

use crate::{Codemod, CodemodTarget};
use proptest::prelude::*;

/// A piece of a source with one finding in it.
struct Piece {
    before: &'static str,
    after: &'static str,
    /// What the finding begins at.
    at: &'static str,
    message: &'static str,
}

/// Pieces of a codemod; `@` stands for the number of the piece, so all names differ, and `\t` for an indentation.
fn pieces(codemod: Codemod) -> Vec<Piece> {
    let piece = |before, after, at, message| Piece { before, after, at, message };
    match codemod {
        Codemod::UnusedImport => vec![
            piece("import m@\n", "", "m@", "`m@` imported but unused"),
            piece("import k@, m@ as ü@, n@\n", "import k@, n@\n", "ü@", "`m@` imported but unused"),
            piece(
                "from p import (\n\ta@,  # é\n\tb@,\n)\n",
                "from p import (\n\ta@,  # é\n)\n",
                "b@",
                "`p.b@` imported but unused",
            ),
            piece("if k@:\n\timport m@\n", "if k@:\n\tpass\n", "m@\n", "`m@` imported but unused"),
            piece("é@ = 1; import m@; x@ = 2\n", "é@ = 1; x@ = 2\n", "m@", "`m@` imported but unused"),
        ],
        Codemod::ReraiseFrom => vec![
            piece(
                "try:\n\tf()\nexcept A as e@:\n\traise é@(1)  # x\n",
                "try:\n\tf()\nexcept A as e@:\n\traise é@(1) from e@  # x\n",
                "raise",
                "",
            ),
            piece(
                "def f@():\n\ttry:\n\t\tf()\n\texcept (A, B):\n\t\traise C@\n",
                "def f@():\n\ttry:\n\t\tf()\n\texcept (A, B) as exc:\n\t\traise C@ from exc\n",
                "raise",
                "",
            ),
        ],
        Codemod::CallInDefault => vec![
            piece(
                "def f@(a, x=g(1), **k):\n\treturn x\n",
                "def f@(a, x=None, **k):\n\tif x is None:\n\t\tx = g(1)\n\treturn x\n",
                "g(1)",
                "",
            ),
            piece(
                "def f@(é=1, *, x: int = [h()]):\n\t\"\"\"Ä.\"\"\"\n\treturn x\n",
                "def f@(é=1, *, x: int = None):\n\t\"\"\"Ä.\"\"\"\n\tif x is None:\n\t\tx = [h()]\n\treturn x\n",
                "h()",
                "",
            ),
        ],
        Codemod::MutableClassAttribute => vec![
            piece(
                "class A@:\n\tä: int = 1; x = []  # c\n",
                "class A@:\n\tä: int = 1; x: ClassVar[list] = []  # c\n",
                "[]",
                "",
            ),
            piece(
                "class A@(object):\n\tx: dict = {\n\t\t1: 2}\n",
                "class A@(object):\n\tx: ClassVar[dict] = {\n\t\t1: 2}\n",
                "{",
                "",
            ),
        ],
        Codemod::TaskReference => vec![piece(
            "async def f@():\n\tasyncio.create_task(g(\"é\"))  # c\n",
            "async def f@():\n\ttask = asyncio.create_task(g(\"é\"))  # c\n\t_background_tasks.add(task)\n\ttask.add_done_callback(_background_tasks.discard)\n",
            "asyncio.",
            "",
        )],
        Codemod::ImportStar => Vec::new(),
    }
}

/// What a codemod adds at the top, when it fixes something.
fn top(codemod: Codemod) -> (&'static str, &'static str) {
    match codemod {
        Codemod::MutableClassAttribute => (
            "\"\"\"Doc.\"\"\"\nimport os\n\n\n",
            "\"\"\"Doc.\"\"\"\nfrom typing import ClassVar\nimport os\n\n\n",
        ),
        Codemod::TaskReference => {
            ("import asyncio\n\n\n", "import asyncio\n\n_background_tasks = set()\n\n\n")
        }
        _ => ("# Head.\n\u{c}\n", "# Head.\n\u{c}\n"),
    }
}

#[derive(Debug)]
struct Style {
    newline: &'static str,
    indent: &'static str,
    mark: &'static str,
}

impl Style {
    fn write(&self, text: &str, number: usize) -> String {
        text.replace('@', &number.to_string()).replace('\t', self.indent).replace('\n', self.newline)
    }
}

/// The source with some pieces fixed, and the findings of those that are not.
fn render(
    codemod: Codemod,
    style: &Style,
    chosen: &[usize],
    fixed: &[bool],
) -> (String, Vec<(usize, CodemodTarget)>) {
    let pieces = pieces(codemod);
    let (before, after) = top(codemod);
    let mut text = style.write(if fixed.contains(&true) { after } else { before }, 0);
    let mut targets = Vec::new();
    for (n, kind) in chosen.iter().enumerate() {
        let piece = &pieces[*kind % pieces.len()];
        if fixed[n] {
            text += &style.write(piece.after, n);
            continue;
        }
        let written = style.write(piece.before, n);
        let at = text.len() + written.find(&style.write(piece.at, n)).expect("the place is there");
        text += &written;
        let rows: Vec<&str> = text.split_at(at).0.split(style.newline).collect();
        let column = rows.last().expect("a row").chars().count() + 1;
        targets.push((
            n,
            CodemodTarget {
                code: codemod.code().to_owned(),
                message: piece.message.replace('@', &n.to_string()),
                row: u32::try_from(rows.len()).expect("few rows"),
                column: u32::try_from(column).expect("few columns"),
                end_row: 0,
                end_column: 0,
            },
        ));
    }
    (format!("{}{text}", style.mark), targets)
}

fn style() -> impl Strategy<Value = Style> {
    (
        prop::sample::select(vec!["\n", "\r\n", "\r"]),
        prop::sample::select(vec!["\t", "    ", "  "]),
        prop::sample::select(vec!["", "\u{feff}"]),
    )
        .prop_map(|(newline, indent, mark)| Style { newline, indent, mark })
}

fn codemod() -> impl Strategy<Value = Codemod> {
    let with_pieces = Codemod::ALL.into_iter().filter(|one| *one != Codemod::ImportStar);
    prop::sample::select(with_pieces.collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_found_is_fixed_and_every_other_byte_stays(
        codemod in codemod(),
        style in style(),
        chosen in prop::collection::vec((0_usize..9, any::<bool>()), 1..7),
    ) {
        let kinds: Vec<usize> = chosen.iter().map(|(kind, _)| *kind).collect();
        let wanted: Vec<bool> = chosen.iter().map(|(_, wanted)| *wanted).collect();
        let (before, all) = render(codemod, &style, &kinds, &vec![false; kinds.len()]);
        let some: Vec<CodemodTarget> = all.iter().filter(|(n, _)| wanted[*n]).map(|(_, t)| t.clone()).collect();
        let (expected, rest) = render(codemod, &style, &kinds, &wanted);
        let done = codemod.fix(&before, &some).expect("it parses");
        prop_assert_eq!(&done.source, &expected);
        prop_assert_eq!(done.fixed.len(), some.len());
        prop_assert!(done.skipped.is_empty());

        // In two steps it is the same as at once, as long as no name is given twice.
        if codemod != Codemod::TaskReference || rest.is_empty() || some.is_empty() {
            let rest: Vec<CodemodTarget> = rest.into_iter().map(|(_, t)| t).collect();
            let (whole, _) = render(codemod, &style, &kinds, &vec![true; kinds.len()]);
            prop_assert_eq!(codemod.fix(&expected, &rest).expect("it parses").source, whole);
        }
    }

    #[test]
    fn findings_at_wrong_places_do_no_harm(
        codemod in prop::sample::select(Codemod::ALL.to_vec()),
        of in codemod(),
        style in style(),
        kinds in prop::collection::vec(0_usize..9, 1..5),
        places in prop::collection::vec((1_u32..30, 1_u32..30), 1..8),
    ) {
        let (source, _) = render(of, &style, &kinds, &vec![false; kinds.len()]);
        let targets: Vec<CodemodTarget> = places.iter().map(|(row, column)| CodemodTarget {
            code: codemod.code().to_owned(),
            message: "`m0` imported but unused".to_owned(),
            row: *row,
            column: *column,
            end_row: *row,
            end_column: *column,
        }).collect();
        let done = codemod.fix(&source, &targets).expect("it parses");
        prop_assert_eq!(done.fixed.len() + done.skipped.len(), targets.len());
        prop_assert!(done.skipped.iter().all(|(_, reason)| !reason.is_empty()));
        prop_assert!(!done.fixed.is_empty() || done.source == source);
        prop_assert!(codemod.fix(&done.source, &[]).is_ok());
    }

    #[test]
    fn any_text_is_an_answer_and_no_crash(
        words in prop::collection::vec(prop::sample::select(vec![
            "import ", "from ", "a", "*", "(", ")", "[", "{", "}", ":", ",", ";", "\n", "\r", "\n    ", "\t", "\\\n", "f'", "{x!r", "'",
            "'''", "\"", "#", "lambda ", "class ", "def ", "async ", "try", "except ", "raise ", "match ", "case ", "=", ":=", "é", "\u{0}",
            "\u{c}", "\u{feff}", "1_", "0x", "@", "if ", "else", "for ", "in ", "yield ", "await ", "**", "...", "->", "type ", "lazy ",
        ]), 0..24),
        codemod in prop::sample::select(Codemod::ALL.to_vec()),
    ) {
        let source = words.concat();
        if let Ok(done) = codemod.fix(&source, &[]) {
            prop_assert_eq!(done.source, source);
        }
    }
}

#[test]
fn hostile_nesting_is_refused() {
    let many = 100_000;
    let wrapped = |open: &str, close: &str, n: usize| format!("{}1{}\n", open.repeat(n), close.repeat(n));
    let sources = [
        wrapped("(", ")", many),
        wrapped("[", "]", 41),
        wrapped("f(a=", ")", many),
        wrapped("{1:", "}", many),
        wrapped("not ", "", many),
        wrapped("-", "", many),
        wrapped("1 if 1 else ", "", many),
        wrapped("lambda: ", "", many),
        wrapped("", ".a", many),
        wrapped("", " + 1", many),
        wrapped("", "()", many),
        wrapped("f'{", "}'", many),
        wrapped("'a' ", "", many),
        format!("if 1: pass\n{}", "elif 1: pass\n".repeat(many)),
        format!("match x:\n    case {}a{}: pass\n", "{1:".repeat(30), "}".repeat(30)),
        format!("if 1: x = 1; del {}a{}\n", "(".repeat(30), ",)".repeat(30)),
        (0..200)
            .flat_map(|n| {
                [
                    " ".repeat(n),
                    "if 1:
"
                    .to_owned(),
                ]
            })
            .collect::<String>(),
    ];
    for source in sources {
        let refused = Codemod::UnusedImport.fix(&source, &[]);
        assert!(refused.is_err(), "{}", source.chars().take(40).collect::<String>());
    }
}

#[test]
fn long_but_flat_sources_are_read() {
    let sources = [
        format!("a = [{}]\n", "1, ".repeat(5_000)),
        "a = 1\n".repeat(2_000),
        format!("a = {}1{}\n", "(".repeat(40), ")".repeat(40)),
        format!("a = ({})\n", "'a'\n".repeat(1_500)),
        "case = {1: {2: {3: {4: {5: {6: {7: {8: 9}}}}}}}}\n".to_owned(),
    ];
    for source in sources {
        assert!(
            Codemod::UnusedImport.fix(&source, &[]).is_ok(),
            "{}",
            source.chars().take(40).collect::<String>()
        );
    }
}

#[test]
fn a_source_that_does_not_parse_is_left_alone() {
    let refused = Codemod::ReraiseFrom.fix("def f(:\n", &[]).expect_err("no Python");
    assert!(refused.to_string().starts_with("the source does not parse: "), "{refused}");
}

#[test]
fn a_finding_of_another_rule_is_skipped() {
    let target = CodemodTarget {
        code: "E501".into(),
        message: String::new(),
        row: 1,
        column: 1,
        end_row: 1,
        end_column: 2,
    };
    let done = Codemod::ReraiseFrom.fix("a = 1\n", &[target]).expect("it parses");
    assert_eq!(done.skipped, [(0, "reraise-from does not fix E501".to_owned())]);
}
