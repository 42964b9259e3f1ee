//! Conversion of legacy annotations into unified ones.
//!
//! Each annotation is converted in place: only bytes of its comment change. Other directives in that comment (`#
//! noqa: F401`) are moved before it, because a unified annotation is the last thing on its line. The original checker
//! also joined the tickets of annotations within two rows of each other, which gave a row another row's ticket. That
//! is not copied.

mod fields;
mod legacy;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::edit::Edit;
use crate::grammar::{AnnotationKind, Located, scan};
use crate::language::Language;
use crate::pyjson::JsonObject;
use crate::tag::{SUBSTITUTE, SourceRows, needs_ascii, render};
use legacy::Legacy;

pub(crate) use fields::category;
pub(crate) use legacy::directive;

/// Who wrote a row, as the caller learned it from git.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Blame {
    /// `@` and the author's name; `None` when git does not know.
    pub owner: Option<String>,
    /// How sure that is: 1, 0.8 (over 30 days ago), 0.5 (a bot), 0 (unknown).
    pub confidence: f64,
}

/// One annotation that was converted.
#[derive(Debug, Clone, PartialEq)]
pub struct Migrated {
    /// The row, from 1.
    pub row: u32,
    /// What stands there now.
    pub fields: JsonObject,
}

/// What becomes of one source.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Migration {
    /// The edits, sorted.
    pub edits: Vec<Edit>,
    /// What was converted.
    pub converted: Vec<Migrated>,
    /// What was left alone, by row, and why.
    pub skipped: Vec<(u32, String)>,
}

/// Converts the legacy annotations of a source. `blame` says who wrote a row; `new_id` mints `t4-` + 8 hex; `now` is
/// the time in RFC 3339, to seconds. U+001A in the source stands for a byte that is not UTF-8: a comment with one is
/// left alone.
pub fn migrate(
    source: &str,
    language: Language,
    blame: &mut dyn FnMut(u32) -> Blame,
    new_id: &mut dyn FnMut() -> String,
    now: &str,
) -> Migration {
    let located = scan(source, language);
    let mut migration = Migration::default();
    if located.iter().all(|one| matches!(one.kind, AnnotationKind::Unified(_) | AnnotationKind::Malformed(_)))
    {
        return migration;
    }
    let rows = SourceRows::of(source);
    let ascii = needs_ascii(source, language);
    let crowds = Crowd::of_rows(&located, source);
    for (place, one) in located.iter().enumerate() {
        let Some(legacy) = Legacy::of(one, source, &rows) else { continue };
        if let Some(why) = crowds.get(&one.row).and_then(|crowd| crowd.obstacle(place)) {
            migration.skipped.push((one.row, why.to_owned()));
            continue;
        }
        let fields = fields::of(&legacy, &mut || blame(one.row), new_id, now);
        match edit(source, one, &legacy, &fields, ascii) {
            Some(edit) => {
                migration.edits.push(edit);
                migration.converted.push(Migrated { row: one.row, fields });
            }
            None => migration.skipped.push((one.row, "what it says would end its comment".to_owned())),
        }
    }
    migration
}

/// The annotations of one row.
#[derive(Debug, Default)]
struct Crowd {
    /// Why none of them is converted.
    obstacle: Option<&'static str>,
    /// The last legacy one: a unified annotation is the last thing on its line, so only one can be made.
    last: usize,
}

impl Crowd {
    /// Those of each row, in one pass: a hostile row may have very many.
    fn of_rows(located: &[Located], source: &str) -> BTreeMap<u32, Self> {
        let mut crowds: BTreeMap<u32, Self> = BTreeMap::new();
        let mut comment: Option<(&Range<usize>, bool)> = None;
        for (place, one) in located.iter().enumerate() {
            let whole = &one.comment.whole;
            let is_text = match comment {
                Some((known, is_text)) if known == whole => is_text,
                _ => source.get(whole.clone()).is_some_and(|text| !text.contains(SUBSTITUTE)),
            };
            comment = Some((whole, is_text));
            let crowd = crowds.entry(one.row).or_default();
            let why = match one.kind {
                _ if !is_text => Some("its comment is not UTF-8"),
                AnnotationKind::Unified(_) => Some("the row already has a unified annotation"),
                AnnotationKind::Malformed(_) => {
                    Some("the row has a malformed unified annotation: mend that one first")
                }
                AnnotationKind::UnusedImport(_)
                | AnnotationKind::LintIssue(_)
                | AnnotationKind::KeyValue(_) => {
                    crowd.last = place;
                    None
                }
            };
            crowd.obstacle = crowd.obstacle.or(why);
        }
        crowds
    }

    /// Why the legacy annotation in this place is left alone.
    fn obstacle(&self, place: usize) -> Option<&'static str> {
        let later = (place < self.last).then_some("the row has another legacy annotation after it");
        self.obstacle.or(later)
    }
}

/// Puts the unified annotation in the place of the legacy one, after what else its comment says.
fn edit(source: &str, one: &Located, legacy: &Legacy<'_>, fields: &JsonObject, ascii: bool) -> Option<Edit> {
    let closer = source.get(one.comment.body.end..one.comment.whole.end)?;
    let tag = render(fields, closer, ascii)?;
    let Range { start, end } = legacy.range;
    if legacy.after.is_empty() {
        return Some(Edit { range: start..end, text: tag });
    }
    if !closer.is_empty() {
        // In the middle of a sentence a tag is only mentioned.
        return Some(Edit { range: start..end, text: format!("{} # {tag}", legacy.after) });
    }
    // `# legacy  # noqa` becomes `# noqa  # unified`; without a marker of its own, the text after it gets that of the
    // legacy annotation.
    let marker = source.get(one.comment.whole.start..one.comment.body.start)?;
    let text = legacy.after.strip_prefix(marker).unwrap_or(legacy.after).trim_start();
    let separator = if text.is_empty() { String::new() } else { format!("{text}  {marker} ") };
    Some(Edit { range: start..end, text: format!("{separator}{tag}") })
}

#[cfg(test)]
mod tests;
