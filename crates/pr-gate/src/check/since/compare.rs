//! Two versions of one file: which findings of the later one does the earlier one not have?
//!
//! A finding on a row that stayed is old when the earlier version has one of the same rule there. What was taken out
//! here and put in there is old when it is the same text in the same function; each earlier finding answers for one.
//! So a finding that is fixed in one function never pays for another one elsewhere. A finding that loses its annotation
//! is new: the change is what leaves it to nobody.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use annotations::{Finding, KnownFinding};
use similar::{Algorithm, DiffOp};

use super::annotation_rows::Tags;
use crate::fingerprint::{Scopes, identity};

/// How many rows of both versions are aligned beyond what they begin and end with alike: the time that takes grows
/// with the square. The rest is compared by its text.
const ALIGNED: usize = 10_000;

/// How many rows a finding may have that are compared one by one; a longer one is new when its file changed.
const LONGEST: usize = 10_000;

/// Two versions of one file.
pub struct Pair<'a> {
    before: Scopes<'a>,
    now: Scopes<'a>,
    /// For each row now (from 0), the row that it was.
    was: Vec<Option<usize>>,
    /// The rows before that are still there.
    stays: HashSet<usize>,
    tags_before: Tags,
    tags_now: Tags,
}

impl<'a> Pair<'a> {
    /// `file` is its name now.
    pub fn of(file: &str, before: &'a str, now: &'a str) -> Self {
        let (tags_before, tags_now) = (Tags::of(file, before), Tags::of(file, now));
        let (before, now) = (Scopes::of(file, before), Scopes::of(file, now));
        let mut was = align(&before, &now);
        // A row that stayed, but in another function, did not stay: unless that function got another name.
        let (blocks_before, blocks_now) = (before.blocks(), now.blocks());
        let all_before: HashSet<u64> = blocks_before.iter().copied().collect();
        let all_now: HashSet<u64> = blocks_now.iter().copied().collect();
        for (block, was) in blocks_now.iter().zip(&mut was) {
            let earlier = was.and_then(|row| blocks_before.get(row));
            let another = earlier.is_some_and(|before| {
                before != block && (all_now.contains(before) || all_before.contains(block))
            });
            if another {
                *was = None;
            }
        }
        let stays = was.iter().flatten().copied().collect();
        Self { before, now, was, stays, tags_before, tags_now }
    }

    /// Whether a finding had an annotation and has none any more.
    fn is_bared(&self, old: &Finding, finding: &Finding) -> bool {
        self.tags_before.answer(old) && !self.tags_now.answer(finding)
    }

    fn was(&self, row: u32) -> Option<usize> {
        self.was.get(index(row)?).copied().flatten()
    }

    fn stays(&self, row: u32) -> bool {
        index(row).is_some_and(|row| self.stays.contains(&row))
    }

    /// Marks the findings that none of the earlier ones answers for.
    pub fn compare(&self, old: &[Finding], findings: &mut [KnownFinding]) {
        let mut in_place: HashMap<usize, Vec<&Finding>> = HashMap::new();
        let mut taken_out: HashMap<String, Vec<&Finding>> = HashMap::new();
        for finding in old {
            match index(finding.start.row) {
                Some(row) if self.stays(finding.start.row) => {
                    in_place.entry(row).or_default().push(finding);
                }
                _ => taken_out.entry(identity(finding, Some(&self.before))).or_default().push(finding),
            }
        }
        // Of several on one row, the one at the same column first: the row may have got an annotation in between.
        for same_column in [true, false] {
            for KnownFinding { finding, new, .. } in &mut *findings {
                let Some(row) = self.was(finding.start.row) else { continue };
                if !same_column && !*new {
                    continue;
                }
                let there = in_place.get_mut(&row);
                let found = there.and_then(|there| {
                    let fits = |old: &&Finding| {
                        old.code == finding.code && (!same_column || old.start.column == finding.start.column)
                    };
                    there.iter().position(fits).map(|at| there.remove(at))
                });
                *new = found.is_none_or(|old| self.is_bared(old, finding));
            }
        }
        for KnownFinding { finding, new, .. } in findings {
            if self.was(finding.start.row).is_some() {
                continue;
            }
            let found = taken_out.get_mut(&identity(finding, Some(&self.now))).and_then(Vec::pop);
            *new = found.is_none_or(|old| self.is_bared(old, finding));
        }
    }

    /// The same without findings of the earlier version: those on rows that stayed are old, and those whose rows were
    /// taken out here and put in there.
    pub fn compare_rows(&self, findings: &mut [KnownFinding]) {
        let (blocks_before, blocks_now) = (self.before.blocks(), self.now.blocks());
        let mut taken_out: HashMap<(u64, String), usize> = HashMap::new();
        for (row, block) in blocks_before.iter().enumerate() {
            if !self.stays.contains(&row) {
                *taken_out.entry((*block, self.before.plain(row))).or_default() += 1;
            }
        }
        // Findings of one row share it: a row that moved moved once.
        let mut moved: HashMap<usize, bool> = HashMap::new();
        for KnownFinding { finding, new, .. } in findings {
            let (Some(first), Some(last)) = (index(finding.start.row), index(finding.last_row())) else {
                *new = true;
                continue;
            };
            if last.saturating_sub(first) > LONGEST {
                *new = true;
                continue;
            }
            // The row stayed, and its annotation went.
            let was = self.was(finding.start.row).and_then(|row| u32::try_from(row + 1).ok());
            let bared = was.is_some_and(|was| self.tags_before.on(was)) && !self.tags_now.answer(finding);
            *new = bared
                || (first..=last.min(self.was.len())).any(|row| {
                    if self.was.get(row).copied().flatten().is_some() {
                        return false;
                    }
                    !*moved.entry(row).or_insert_with(|| {
                        let block = blocks_now.get(row).copied().unwrap_or_default();
                        let left = taken_out.get_mut(&(block, self.now.plain(row))).filter(|left| **left > 0);
                        left.map(|left| *left -= 1).is_some()
                    })
                });
        }
    }
}

/// A row, from 0.
fn index(row: u32) -> Option<usize> {
    usize::try_from(row).ok()?.checked_sub(1)
}

/// For each row now, the row that it was; annotations do not count.
fn align(before: &Scopes<'_>, now: &Scopes<'_>) -> Vec<Option<usize>> {
    let rows =
        |scopes: &Scopes<'_>| -> Vec<u64> { (0..scopes.len()).map(|row| hash(scopes.bare(row))).collect() };
    let (old, new) = (rows(before), rows(now));
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    let mut was = vec![None; new.len()];
    let mut same = |old: usize, new: usize, count: usize| {
        for (n, was) in was.iter_mut().skip(new).take(count).enumerate() {
            *was = Some(old + n);
        }
    };
    same(0, 0, head);
    same(old_end, new_end, tail);
    let (old, new) = (old.get(head..old_end).unwrap_or_default(), new.get(head..new_end).unwrap_or_default());
    if old.len() + new.len() <= ALIGNED {
        for operation in similar::capture_diff_slices(Algorithm::Patience, old, new) {
            if let DiffOp::Equal { old_index, new_index, len } = operation {
                same(head + old_index, head + new_index, len);
            }
        }
    }
    was
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
