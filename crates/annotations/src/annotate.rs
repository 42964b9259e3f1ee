//! Skeleton annotations for findings that have none.

mod comment_place;
mod python_rows;

use std::collections::{BTreeMap, BTreeSet};

use crate::Finding;
use crate::edit::Edit;
use crate::grammar::scan;
use crate::language::Language;
use crate::migrate::category;
use crate::pyjson::{JsonObject, Value};
use crate::tag::{SourceRows, cookie, marker, needs_ascii, render};
use comment_place::Safe;

/// What is written for one finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Skeleton<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// The fields of its annotation, in order.
    pub fields: JsonObject,
}

/// What becomes of the findings of one source.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Annotating {
    /// The edits, sorted.
    pub edits: Vec<Edit>,
    /// The findings that have one now, by their place in the list: of several with one code on one row, the first.
    pub written: Vec<usize>,
    /// The findings that can't have one, and why.
    pub skipped: Vec<(usize, &'static str)>,
}

/// As much of a linter's message as a reason quotes.
const LONGEST_MESSAGE: usize = 300;

/// The fields of a skeleton: everything that is known. A person is expected to go on from there.
#[must_use]
pub fn skeleton_fields(finding: &Finding, id: String, owner: Option<&str>, now: &str) -> JsonObject {
    let message: String = finding.message.chars().take(LONGEST_MESSAGE).collect();
    let kind = if finding.code == "F401" { "import" } else { "lint" };
    let fields = [
        ("id", Value::Text(id)),
        ("code", Value::text(finding.code.as_str())),
        ("type", Value::text(kind)),
        ("reason_category", Value::text(category(&finding.code, &message))),
        ("reason", Value::Text(format!("{}: {message}", finding.code))),
        ("suggestion", Value::Null),
        ("owner", owner.map_or(Value::Null, Value::text)),
        ("ticket", Value::Null),
        ("eta", Value::Null),
        ("status", Value::text("reserved")),
        ("created_at", Value::text(now)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Writes an annotation for each finding: at the end of its first row, after the comment that may stand there. Where
/// that row has findings of several codes (`taken` has the rows where something else already answers for another
/// code), or can't take a comment (it ends inside a string or with a backslash), on a line of its own directly above;
/// where neither is safe, on another row of the finding.
#[must_use]
pub fn annotate(
    source: &str,
    language: Language,
    skeletons: &[Skeleton<'_>],
    taken: &BTreeSet<u32>,
) -> Annotating {
    let mut done = Annotating::default();
    let rows = SourceRows::of(source);
    let occupied: BTreeSet<u32> = scan(source, language).iter().map(|one| one.row).collect();
    let mut by_row: BTreeMap<u32, BTreeMap<&str, usize>> = BTreeMap::new();
    for (place, skeleton) in skeletons.iter().enumerate() {
        let codes = by_row.entry(skeleton.finding.start.row).or_default();
        codes.entry(&skeleton.finding.code).or_insert(place);
    }
    let asked = skeletons.iter().map(|one| one.finding).flat_map(|one| {
        // A finding may span a whole file: its ends are looked at, and nothing between.
        [one.start.row.saturating_sub(1), one.start.row, one.last_row()]
    });
    let safe = Safe::of(source, language, &rows, asked.collect());
    let ascii = needs_ascii(source, language);
    let mut writer = SkeletonWriter { source, language, rows: &rows, ascii, edits: Vec::new() };
    let mut used: BTreeSet<u32> = BTreeSet::new();
    for (row, codes) in &by_row {
        let several = codes.len() > 1 || taken.contains(row);
        for place in codes.values() {
            let Some(skeleton) = skeletons.get(*place) else { continue };
            let last = skeleton.finding.last_row();
            let free = |row: u32| !occupied.contains(&row) && !used.contains(&row);
            let written = if free(*row) && !several && safe.trailing(*row) {
                used.insert(*row);
                writer.trailing(*row, skeleton)
            } else if safe.above(*row) {
                writer.above(*row, skeleton)
            } else if free(*row) && !taken.contains(row) && safe.trailing(*row) {
                used.insert(*row);
                writer.trailing(*row, skeleton)
            } else if last > *row
                && free(last)
                && !taken.contains(&last)
                && !by_row.contains_key(&last)
                && safe.trailing(last)
            {
                used.insert(last);
                writer.trailing(last, skeleton)
            } else if occupied.contains(row) {
                Err("its row has an annotation already, which must be mended first")
            } else if used.contains(row) {
                Err("its row has findings of several codes, and room for one annotation")
            } else {
                Err(
                    "no comment can stand on its row or above it: it is inside a string, or after a backslash",
                )
            };
            match written {
                Ok(()) => done.written.push(*place),
                Err(why) => done.skipped.push((*place, why)),
            }
        }
    }
    // The others of one code on one row share the fate of the first.
    let fates: BTreeMap<usize, &'static str> = done.skipped.iter().copied().collect();
    for (place, skeleton) in skeletons.iter().enumerate() {
        let first =
            by_row.get(&skeleton.finding.start.row).and_then(|codes| codes.get(&*skeleton.finding.code));
        let fate = first.and_then(|first| fates.get(first)).copied();
        if let Some(why) = fate.filter(|_| first != Some(&place)) {
            done.skipped.push((place, why));
        }
    }
    done.written.sort_unstable();
    done.skipped.sort_unstable();
    done.edits = writer.edits;
    done.edits.sort_by_key(|edit| edit.range.start);
    if language == Language::Python
        && Edit::apply(source, &done.edits)
            .is_none_or(|after| cookie(&after).map(str::to_owned) != cookie(source).map(str::to_owned))
    {
        let every = (0..skeletons.len()).map(|place| (place, "it would change the file's declared encoding"));
        return Annotating { skipped: every.collect(), ..Annotating::default() };
    }
    done
}

struct SkeletonWriter<'a> {
    source: &'a str,
    language: Language,
    rows: &'a SourceRows,
    ascii: bool,
    edits: Vec<Edit>,
}

const ENDS_COMMENT: &str = "what it says would end its comment";
const NO_ROW: &str = "the file has no such row";

impl SkeletonWriter<'_> {
    /// The annotation as a comment.
    fn comment(&self, skeleton: &Skeleton<'_>) -> Result<String, &'static str> {
        let (marker, closer) = marker(self.language);
        let tag = render(&skeleton.fields, closer, self.ascii).ok_or(ENDS_COMMENT)?;
        Ok(if closer.is_empty() { format!("{marker} {tag}") } else { format!("{marker} {tag} {closer}") })
    }

    fn trailing(&mut self, row: u32, skeleton: &Skeleton<'_>) -> Result<(), &'static str> {
        let comment = self.comment(skeleton)?;
        let text = self.rows.text(row).ok_or(NO_ROW)?;
        let row = self.source.get(text.clone()).ok_or(NO_ROW)?;
        // Blanks at the end of the row stay before it, as they are.
        let separator = match row.len() - row.trim_end_matches([' ', '\t']).len() {
            _ if row.is_empty() => "",
            0 => "  ",
            1 => " ",
            _ => "",
        };
        self.edits.push(Edit { range: text.end..text.end, text: format!("{separator}{comment}") });
        Ok(())
    }

    fn above(&mut self, row: u32, skeleton: &Skeleton<'_>) -> Result<(), &'static str> {
        let comment = self.comment(skeleton)?;
        let range = self.rows.text(row).ok_or(NO_ROW)?;
        let text = self.source.get(range.clone()).ok_or(NO_ROW)?;
        let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let text = text.trim_start_matches('\u{feff}');
        let bare = text.trim_start_matches([' ', '\t', '\u{c}']);
        let indent = text.get(..text.len() - bare.len()).unwrap_or_default();
        let end = self.rows.line_end(self.source, row);
        let place = range.start + mark;
        self.edits.push(Edit { range: place..place, text: format!("{indent}{comment}{end}") });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
