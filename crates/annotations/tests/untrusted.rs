//! Untrusted texts: sources with annotations, waiver files, CODEOWNERS. What T4 could have written is read back
//! unchanged. Anything else is read or refused, and what is read has the form that other code relies on.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking as well")]

use annotations::pyjson::Value;
use annotations::{AnnotationKind, Blame, CodeOwners, Language, Waiver, Waivers, migrate, scan};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// A file of each language.
const FILES: [&str; 12] =
    ["a.py", "a.rb", "a.toml", "a.sh", "a.yml", "a.rs", "a.c", "a.css", "a.js", "a.sql", "a.lua", "a.hs"];

fn languages() -> impl Strategy<Value = Language> {
    select(FILES.iter().map(|file| Language::of_path(file).unwrap()).collect::<Vec<_>>())
}

/// How many rows end before a place: at LF, CR LF or CR.
fn row_of(source: &str, place: usize) -> usize {
    let before = source.get(..place).unwrap();
    1 + before.replace("\r\n", "\n").chars().filter(|char| ['\n', '\r'].contains(char)).count()
}

/// Pieces of sources: what opens and ends comments and strings, and annotations of every kind.
fn sources() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => select(vec![
            "#", "//", "--", "/*", "*/", "--[[", "]]", "{-", "-}", "'", "\"", "\"\"\"", "`", "\\", "\n", "\r", "\r\n", " ", "\t", "x", "é",
            "TODO[T4-ISSUE]: {\"a\":1}", "TODO[T4-ISSUE]", "TODO[T4-ISSUE]: {\"a\":", "TODO[T4-UNUSED-IMPORT]: why", "# noqa",
            "TODO[T4-LINT-ISSUE]: {\"a\":[]}", "T4: code=F401 | owner=x | | =", "T4:", "T4", ": ", "| |", "<<EOF", "EOF", "$(", "r#\"", "\u{1a}",
        ]).prop_map(str::to_owned),
        1 => ".{0,4}",
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn waiver() -> impl Strategy<Value = Waiver> {
    let text = || "[a-z@/:#'\"{}é-]{0,6}[a-z]";
    let file = "[a-z@é. \"'-]{0,3}[a-z](/[a-z.]{0,2}[a-z]){0,2}";
    let codes = vec("[A-Z][0-9]{1,3}", 0..3);
    let expires = prop_oneof!["20[0-9]{2}-[01][0-9]-[0-3][0-9]", "[a-z]{1,5}"];
    (file, prop::option::of(1_u32..5000), codes, text(), text(), prop::option::of(expires)).prop_map(
        |(file, line, codes, reason, owner, expires)| Waiver {
            at: ("w.yaml".to_owned(), 0),
            file: file.trim().to_owned(),
            line,
            codes,
            reason,
            owner,
            // Without a row there must be an end.
            expires: expires.or_else(|| line.is_none().then(|| "2027-01-31".to_owned())),
        },
    )
}

/// A waiver as YAML: JSON is YAML, in one row or in several.
fn written(waiver: &Waiver, block: bool) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut members = vec![format!("file: {}", quoted(&waiver.file))];
    members.extend(waiver.line.map(|line| format!("line: {line}")));
    members.extend((!waiver.codes.is_empty()).then(|| format!("codes: {:?}", waiver.codes)));
    members.push(format!("reason: {}", quoted(&waiver.reason)));
    members.push(format!("owner: {}", quoted(&waiver.owner)));
    members.extend(waiver.expires.as_ref().map(|expires| format!("expires: {}", quoted(expires))));
    if block {
        format!("  - {}\n", members.join("\n    "))
    } else {
        format!("  - {{{}}}\n", members.join(", "))
    }
}

/// Whether a name of a pattern fits a name of a path, tried in every way.
fn fits(pattern: &[char], name: &[char]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some(('*', rest)) => (0..=name.len()).any(|taken| fits(rest, name.get(taken..).unwrap())),
        Some(('?', rest)) => !name.is_empty() && fits(rest, name.get(1..).unwrap()),
        Some((char, rest)) => name.first() == Some(char) && fits(rest, name.get(1..).unwrap()),
    }
}

/// Whether parts of a pattern fit parts of a path, tried in every way; `**` stands for any number of folders.
fn all_fit(pattern: &[&str], path: &[&str]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((&"**", rest)) => (0..=path.len()).any(|taken| all_fit(rest, path.get(taken..).unwrap())),
        Some((part, rest)) => path.split_first().is_some_and(|(name, below)| {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            fits(&chars(part), &chars(name)) && all_fit(rest, below)
        }),
    }
}

/// A pattern as GitHub describes it, without escapes.
fn is_owned(pattern: &str, path: &str) -> bool {
    let mut parts: Vec<_> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    let Some(last) = parts.last().copied() else { return false };
    if !pattern.trim_end_matches('/').contains('/') {
        parts.insert(0, "**");
    }
    let path: Vec<_> = path.split('/').collect();
    let below = |parts: &[&str]| all_fit(&[parts, &["**", "*"]].concat(), &path);
    match last {
        _ if pattern.ends_with('/') => below(&parts),
        "**" => all_fit(&[&parts[..], &["*"]].concat(), &path),
        "*" => all_fit(&parts, &path),
        _ => all_fit(&parts, &path) || below(&parts),
    }
}

proptest! {
    #[test]
    fn annotations_lie_in_the_source_in_order(source in sources(), language in languages()) {
        let mut last = 0;
        for one in scan(&source, language) {
            let (whole, body) = (one.comment.whole, one.comment.body);
            prop_assert!(last <= one.span.start && one.span.start < one.span.end);
            prop_assert!(whole.start <= body.start && body.start <= one.span.start);
            prop_assert!(one.span.end <= body.end && body.end <= whole.end && whole.end <= source.len());
            let text = source.get(one.span.clone());
            prop_assert!(text.is_some_and(|text| text.starts_with("TODO[T4-") || text.starts_with("T4:")), "{:?}", text);
            prop_assert_eq!(usize::try_from(one.row).unwrap(), row_of(&source, one.span.start));
            prop_assert_eq!(usize::try_from(one.comment.row).unwrap(), row_of(&source, whole.start));
            last = one.span.end;
        }
    }

    #[test]
    fn an_annotation_is_read_back_in_every_language(
        language in languages(), fields in vec(("[a-z]{1,3}", "[ -)+-.0-~é]{0,8}"), 1..4), above in select(vec!["", "\n", "x\r\n", "\r"])
    ) {
        let object: serde_json::Map<_, _> = fields.iter().map(|(name, text)| (name.clone(), text.clone().into())).collect();
        let (open, close) = language.line_marker().map_or(("/*", " */"), |marker| (marker, ""));
        let source = format!("{above}{open} TODO[T4-ISSUE]: {}{close}\n", serde_json::Value::Object(object.clone()));
        let found = scan(&source, language);
        prop_assert_eq!(found.len(), 1, "{}", source);
        let AnnotationKind::Unified(read) = &found[0].kind else { panic!("{source}: {:?}", found[0].kind) };
        let expected: Vec<_> = object.iter().map(|(name, text)| (name.clone(), Value::text(text.as_str().unwrap()))).collect();
        prop_assert_eq!(&read.fields, &expected);
        // What broke off is no such annotation.
        let end = found[0].span.end;
        for place in found[0].span.start + "TODO[T4-ISSUE]".len()..end {
            let part = source.get(..place).map(|part| scan(part, language));
            prop_assert!(part.is_none_or(|found| found.iter().all(|one| !matches!(one.kind, AnnotationKind::Unified(_)))));
        }
    }

    #[test]
    fn a_migration_edits_its_own_comments_alone_and_once(source in sources(), language in languages()) {
        let run = |source: &str| {
            let mut number = 0;
            let mut id = || {
                number += 1;
                format!("t4-{number:08}")
            };
            let migration = migrate(source, language, &mut |_| Blame::default(), &mut id, "2026-01-01T00:00:00Z");
            let mut after = source.to_owned();
            for edit in migration.edits.iter().rev() {
                after.replace_range(edit.range.clone(), &edit.text);
            }
            (after, migration)
        };
        let comments = annotations::comments(&source, language);
        let (after, migration) = run(&source);
        prop_assert!(migration.edits.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
        for edit in &migration.edits {
            let inside = comments.iter().any(|one| one.body.start <= edit.range.start && edit.range.end <= one.body.end);
            prop_assert!(inside, "{:?}", edit);
        }
        prop_assert_eq!(migration.edits.len(), migration.converted.len());
        prop_assert_eq!(run(&after).0, after);
    }

    #[test]
    fn waivers_are_read_back_with_their_rows(all in vec((waiver(), any::<bool>()), 0..5)) {
        let (mut text, mut expected) = ("# ours\nwaivers:\n".to_owned(), Vec::new());
        for (waiver, block) in all {
            let row = u32::try_from(text.lines().count() + 1).unwrap();
            text += &written(&waiver, block);
            expected.push(Waiver { at: ("w.yaml".to_owned(), row), ..waiver });
        }
        let read = Waivers::read(&[("w.yaml".to_owned(), text.clone())]);
        prop_assert_eq!(read.map(|read| read.list), Ok(expected), "{}", text);
    }

    #[test]
    fn what_is_taken_for_a_waiver_names_a_file_a_reason_an_owner_and_an_end(
        all in vec((waiver(), any::<bool>()), 0..3),
        edits in vec((any::<Index>(), select(" \n\t-:{}[]&*!|>'\"%@`#,.?~0aé\u{0}\u{85}\u{feff}".chars().collect::<Vec<_>>())), 0..5),
        start in select(vec!["waivers:\n", "waivers: [\n", "---\nwaivers:\n", "", "waivers: &a\n", "%YAML 1.2\n---\nwaivers:\n"]),
    ) {
        let text = start.to_owned() + &all.iter().map(|(waiver, block)| written(waiver, *block)).collect::<String>();
        let mut chars: Vec<char> = text.chars().collect();
        for (at, char) in edits {
            if !chars.is_empty() {
                let at = at.index(chars.len());
                chars[at] = char;
            }
        }
        let text: String = chars.into_iter().collect();
        let files = [("w.yaml".to_owned(), text.clone())];
        let (found, problems) = Waivers::inspect(&files);
        let rows = u32::try_from(text.lines().count()).unwrap();
        for waiver in &found.list {
            let parts: Vec<_> = waiver.file.split('/').collect();
            prop_assert!(parts.iter().all(|part| !["", ".", ".."].contains(part)), "{:?}", waiver);
            prop_assert!(!waiver.reason.is_empty() && !waiver.owner.is_empty());
            prop_assert!(waiver.line.is_none_or(|line| line > 0) && (waiver.line.is_some() || waiver.expires.is_some()));
            prop_assert!(waiver.codes.iter().all(|code| !code.trim().is_empty()));
            prop_assert!((1..=rows).contains(&waiver.at.1), "{} of {}", waiver.at.1, rows);
        }
        // The check fails closed on a file with any problem, and takes it whole without one.
        match Waivers::read(&files) {
            Ok(all) => prop_assert!(problems.is_empty() && all.list == found.list),
            Err(problem) => prop_assert_eq!(problems.first(), Some(&problem)),
        }
    }

    #[test]
    fn a_file_belongs_to_the_last_pattern_that_fits_it(
        patterns in vec(prop_oneof![
            3 => "/?([a-c*?]{1,3}|\\*\\*)(/([a-c*?]{1,2}|\\*\\*)){0,2}/?",
            1 => select(vec!["*", "/", "/*", "**", "/**", "a/**", "**/a", "a/**/b", "*/"]).prop_map(str::to_owned),
        ], 1..4),
        path in "[a-c]{1,3}(/[a-c]{1,2}){0,3}",
    ) {
        // Part of a name, `**` has no meaning of its own.
        prop_assume!(patterns.iter().all(|pattern| pattern.split('/').all(|part| part == "**" || !part.contains("**"))));
        let text: Vec<_> = (0..).zip(&patterns).map(|(number, pattern)| format!("{pattern} @o{number}\n")).collect();
        let text = text.concat();
        let owners = CodeOwners::read(&text);
        prop_assert_eq!(owners.rules.len(), patterns.len());
        let last = patterns.iter().rposition(|pattern| is_owned(pattern, &path));
        let expected: Vec<_> = last.map(|number| format!("@o{number}")).into_iter().collect();
        prop_assert_eq!(owners.of(&path), &expected[..], "{} {}", text, path);
    }

    #[test]
    fn any_text_is_read_as_rules_of_its_own_rows(text in "([a-z*/@ \t#!\\[\\]\\\\é.\r\n\u{feff}]{0,30}|.{0,30})") {
        let owners = CodeOwners::read(&text);
        let lines: Vec<_> = text.strip_prefix('\u{feff}').unwrap_or(&text).lines().collect();
        for rule in &owners.rules {
            let line = lines.get(usize::try_from(rule.row).unwrap() - 1);
            prop_assert!(line.is_some_and(|line| line.contains(&rule.pattern)), "{:?}", rule);
            prop_assert!(rule.owners.iter().all(|owner| owner.contains('@') && owner.len() > 1));
            prop_assert!(rule.owners.iter().all(|owner| owners.knows(owner)));
        }
        prop_assert!(owners.of("a/b.py").len() <= text.len());
    }
}

/// Each takes minutes when every part of it is looked through for every other one.
#[test]
fn long_rows_take_no_more_time_for_each_of_their_parts() {
    const PARTS: usize = 100_000;
    let mut numbers = String::new();
    for number in 0..PARTS {
        numbers.extend(["|k", &number.to_string(), "=1"]);
    }
    for row in [
        format!("# T4: code=F401 {}\n", "|".repeat(4 * PARTS)),
        format!("# T4: code=F401{numbers}\n"),
        format!("# TODO[T4-UNUSED-IMPORT]: x {}\n", "#".repeat(PARTS)),
        format!(
            "# TODO[T4-UNUSED-IMPORT]: {{\"a\":1{}}}\n",
            numbers.replace("|k", ",\"k").replace('=', "\":")
        ),
    ] {
        let migration = migrate(
            &row,
            Language::Python,
            &mut |_| Blame::default(),
            &mut || "t4-00000000".to_owned(),
            "2026-01-01T00:00:00Z",
        );
        assert_eq!(migration.converted.len(), 1, "{}", row.get(..40).unwrap());
    }
}
