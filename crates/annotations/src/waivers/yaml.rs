//! The YAML of waiver files.

use serde::Deserialize;
use serde_saphyr::{Error, Options, Spanned};

use super::{Unreadable, Waiver};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    waivers: Option<Vec<Spanned<Entry>>>,
}

/// A waiver as it is written. What it needs is asked for later, so that more than one problem can be told.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: Option<String>,
    line: Option<u32>,
    codes: Option<Vec<String>>,
    reason: Option<String>,
    owner: Option<String>,
    expires: Option<String>,
}

/// The shape, for who does not know it.
const SHAPE: &str =
    "expected `waivers:` with a list of `file`, `line`, `codes`, `reason`, `owner`, `expires`";

/// The entries of a waiver file: each one a waiver, or what it lacks. A file without entries (or with comments only)
/// waives nothing.
pub fn parse(file: &str, text: &str) -> Result<Vec<Result<Waiver, Unreadable>>, Unreadable> {
    let list: Option<List> = serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let row = error.location().and_then(|place| u32::try_from(place.line()).ok()).filter(|row| *row > 0);
        Unreadable { file: file.to_owned(), row, problem: problem(text, row, &error), lacks: false }
    })?;
    let entries = list.and_then(|list| list.waivers).unwrap_or_default();
    Ok(entries
        .into_iter()
        .map(|entry| {
            let row = u32::try_from(entry.referenced.line()).unwrap_or_default();
            waiver(file, row, entry.value).map_err(|problem| Unreadable {
                file: file.to_owned(),
                row: Some(row),
                problem,
                lacks: true,
            })
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
    // The row is told apart from this; the parser's own text repeats it.
    let said = error.without_snippet().to_string();
    let said = said.lines().next().unwrap_or_default();
    let said = said.split(" at line ").next().unwrap_or(said);
    format!("{said}; {SHAPE}")
}

fn waiver(file: &str, row: u32, entry: Entry) -> Result<Waiver, String> {
    let needed = |value: Option<String>, name: &str, advice: &str| {
        let value = value.filter(|value| !value.trim().is_empty());
        value.ok_or_else(|| format!("a waiver lacks `{name}`: {advice}"))
    };
    let waived = needed(entry.file, "file", "the path of one file, from the root")?;
    if !is_name(&waived) {
        return Err(format!(
            "`file: {waived}` is no path of one file from the root, such as `src/a.py` (no `*`, `..`, `./`)"
        ));
    }
    let reason = needed(entry.reason, "reason", "say why its findings may stay")?;
    let owner = needed(entry.owner, "owner", "say who answers for it, such as \"@org/team\"")?;
    let line = entry.line.filter(|line| *line > 0);
    let expires = entry.expires;
    if line.is_none() && expires.is_none() {
        return Err(
            "a waiver of a whole file lacks `expires`: name its last day, such as `expires: 2027-01-31`, \
                    or name a `line`"
                .to_owned(),
        );
    }
    let codes = match entry.codes {
        None => Vec::new(),
        Some(codes) if codes.is_empty() || codes.iter().any(|code| code.trim().is_empty()) => {
            return Err("`codes` names no code: leave it out to waive every code".to_owned());
        }
        Some(codes) => codes.into_iter().map(|code| code.trim().to_owned()).collect(),
    };
    Ok(Waiver { at: (file.to_owned(), row), file: waived, line, codes, reason, owner, expires })
}

/// Whether a path can be one of those that findings have. One that can't would waive nothing, unnoticed.
fn is_name(path: &str) -> bool {
    !path.contains(['*', '?', '\\'])
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}
