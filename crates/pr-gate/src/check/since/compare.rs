//! Comparison of two versions of one file: which findings of the new version are not in the old one?
//!
//! A row of the new version is aligned with a row of the old version if a diff finds them equal and they are in the
//! same function. A finding on an aligned row is old if the old version has a finding of the same rule on that row. Any
//! other finding is old if the old version has a finding with the same fingerprint on a row that is not aligned: it has
//! moved. Each old finding matches at most one finding. So a fix in one function never hides a new finding in another.
//! A finding that loses its annotation is new, because the change leaves it unanswered.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use annotations::{Finding, KnownFinding};
use similar::{Algorithm, DiffOp};

use super::annotation_rows::Tags;
use crate::fingerprint::{Scopes, identity};

/// The maximum number of rows, of both versions together, between the common beginning and end that a diff aligns. Its
/// time grows with the square of the rows. Beyond the limit, findings are compared by their text.
const ALIGNED: usize = 10_000;

/// The maximum number of rows of a finding that are compared one by one. A longer finding in a changed file is new.
const LONGEST: usize = 10_000;

/// Two versions of one file.
pub struct Pair<'a> {
    before: Scopes<'a>,
    now: Scopes<'a>,
    /// For each row of the new version (from 0), the aligned row of the old version.
    was: Vec<Option<usize>>,
    /// The rows of the old version that are aligned with a row of the new version.
    stays: HashSet<usize>,
    tags_before: Tags,
    tags_now: Tags,
}

impl<'a> Pair<'a> {
    /// Aligns two versions of a file. `file` is its name in the new version.
    pub fn of(file: &str, before: &'a str, now: &'a str) -> Self {
        let (tags_before, tags_now) = (Tags::of(file, before), Tags::of(file, now));
        let (before, now) = (Scopes::of(file, before), Scopes::of(file, now));
        let mut was = align(&before, &now);
        // Rows in different functions are not aligned, unless the function was renamed.
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

    /// Whether a finding has lost its annotation.
    fn is_bared(&self, old: &Finding, finding: &Finding) -> bool {
        self.tags_before.answer(old) && !self.tags_now.answer(finding)
    }

    fn was(&self, row: u32) -> Option<usize> {
        self.was.get(index(row)?).copied().flatten()
    }

    fn stays(&self, row: u32) -> bool {
        index(row).is_some_and(|row| self.stays.contains(&row))
    }

    /// Marks the findings that match none of the old findings.
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
        // Findings at the same column match first. Then the columns may differ, because the row may have changed there.
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

    /// Marks the new findings without findings of the old version. A finding is old if each of its rows is aligned, or
    /// was removed at one place and added at another in the same function.
    pub fn compare_rows(&self, findings: &mut [KnownFinding]) {
        let (blocks_before, blocks_now) = (self.before.blocks(), self.now.blocks());
        let mut taken_out: HashMap<(u64, String), usize> = HashMap::new();
        for (row, block) in blocks_before.iter().enumerate() {
            if !self.stays.contains(&row) {
                *taken_out.entry((*block, self.before.plain(row))).or_default() += 1;
            }
        }
        // For each row, whether it was moved. Findings on one row share the result, because a removed row counts once.
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
            // The row is aligned, and its annotation was removed.
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

/// Converts a row counted from 1 to an index.
fn index(row: u32) -> Option<usize> {
    usize::try_from(row).ok()?.checked_sub(1)
}

/// Returns for each row of the new version the equal row of the old version. Annotations are ignored.
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
