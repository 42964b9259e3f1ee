//! YAML of waiver files.

use serde::{Deserialize, Deserializer};
use serde_saphyr::{Error, Options, Spanned};

use super::{Unreadable, Waiver};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaiverList {
    waivers: Option<Vec<Spanned<WaiverEntry>>>,
}

/// A waiver as it is written. What it needs is asked for later, so that more than one problem can be told.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaiverEntry {
    file: Option<String>,
    line: Option<u32>,
    /// Nothing behind `codes:` is not the same as no `codes`, which waives every code.
    #[serde(default, deserialize_with = "given")]
    codes: Option<Vec<String>>,
    reason: Option<String>,
    owner: Option<String>,
    expires: Option<String>,
}

fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    Option::deserialize(from).map(|codes: Option<_>| Some(codes.unwrap_or_default()))
}

/// The shape, for who does not know it.
const SHAPE: &str =
    "expected `waivers:` with a list of `file`, `line`, `codes`, `reason`, `owner`, `expires`";

/// The entries of a waiver file: each one a waiver, or what it lacks. A file without entries (or with comments only)
/// waives nothing.
pub fn parse(file: &str, text: &str) -> Result<Vec<Result<Waiver, Unreadable>>, Unreadable> {
    let list: Option<WaiverList> = serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let row = error.location().and_then(|place| u32::try_from(place.line()).ok()).filter(|row| *row > 0);
        Unreadable { file: file.to_owned(), row, problem: problem(text, row, &error), entry: None }
    })?;
    let entries = list.and_then(|list| list.waivers).unwrap_or_default();
    Ok(entries
        .into_iter()
        .map(|entry| {
            let row = u32::try_from(entry.referenced.line()).unwrap_or_default();
            let waiver = read(file, row, &entry.value);
            match lack(&entry.value, &waiver) {
                None => Ok(waiver),
                Some(problem) => Err(Unreadable {
                    file: file.to_owned(),
                    row: Some(row),
                    problem,
                    entry: Some(Box::new(waiver)),
                }),
            }
        })
        .collect())
}

/// A waiver file is hostile until read: no anchors, so that nothing can be multiplied; one document; flat.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_anchors: 0,
            max_aliases: 0,
            max_documents: 1,
            max_depth: 16,
            max_nodes: 200_000,
        },
        with_snippet: false,
    }
}

fn problem(text: &str, row: Option<u32>, error: &Error) -> String {
    let line = row.and_then(|row| text.lines().nth(usize::try_from(row).ok()?.checked_sub(1)?));
    if line.is_some_and(|line| line.contains(": @") || line.contains("- @")) {
        return "a text that begins with `@` needs quotes, such as `owner: \"@org/team\"`".to_owned();
    }
    let error = error.without_snippet();
    if matches!(error, Error::Budget { .. }) {
        return format!("anchors, aliases and thousands of entries are not taken; {SHAPE}");
    }
    // The row is told apart from this; the parser's own text repeats it.
    let said = error.to_string();
    let said = said.lines().next().unwrap_or_default();
    let said = said.split(" at line ").next().unwrap_or(said);
    match said {
        "invalid u32" => format!("`line` is no row, such as `line: 12`; {SHAPE}"),
        _ => format!("{said}; {SHAPE}"),
    }
}

fn read(file: &str, row: u32, entry: &WaiverEntry) -> Waiver {
    let text = |value: &Option<String>| value.as_deref().unwrap_or_default().trim().to_owned();
    Waiver {
        at: (file.to_owned(), row),
        file: text(&entry.file),
        line: entry.line.filter(|line| *line > 0),
        codes: entry.codes.iter().flatten().map(|code| code.trim().to_owned()).collect(),
        reason: text(&entry.reason),
        owner: text(&entry.owner),
        expires: entry.expires.clone(),
    }
}

/// What an entry lacks, if anything.
fn lack(entry: &WaiverEntry, waiver: &Waiver) -> Option<String> {
    let lacks = |name: &str, advice: &str| Some(format!("a waiver lacks `{name}`: {advice}"));
    if waiver.file.is_empty() {
        return lacks("file", "the path of one file, from the root");
    }
    if !is_name(&waiver.file) {
        let file = &waiver.file;
        return Some(format!(
            "`file: {file}` is no path of one file from the root, such as `src/a.py` (no `*`, `..`, `./`)"
        ));
    }
    if waiver.reason.is_empty() {
        return lacks("reason", "say why its findings may stay");
    }
    if waiver.owner.is_empty() {
        return lacks("owner", "say who answers for it, such as \"@org/team\"");
    }
    if waiver.line.is_none() && waiver.expires.is_none() {
        return lacks("expires", "a whole file is waived until a day, such as 2027-01-31; or name a `line`");
    }
    if entry.codes.is_some() && (waiver.codes.is_empty() || waiver.codes.iter().any(String::is_empty)) {
        return Some("`codes` names no code: leave it out to waive every code".to_owned());
    }
    None
}

/// Whether a path can be one of those that findings have. One that can't would waive nothing, unnoticed.
fn is_name(path: &str) -> bool {
    !path.contains(['*', '?', '\\'])
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}
