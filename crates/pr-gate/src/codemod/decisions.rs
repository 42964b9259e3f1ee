//! Decisions about findings. A codemod does not fix a finding that an owner has accepted or waived.

use std::collections::BTreeMap;

use annotations::{
    Annotated, AnsweredBy, CheckReport, Finding, FindingState, Input, KnownFinding, Waivers, Weights,
    may_be_annotated,
};
use similar::{Algorithm, DiffOp};
use time::Date;

use crate::{Error, Project, waivers};

/// The statuses that mean that a finding stays. A planned or committed finding is to be fixed.
const STAYS: [&str; 2] = ["accepted", "documented"];

/// The waivers of a tree, and the day on which they must be valid.
#[derive(Debug)]
pub struct Decisions {
    waivers: Waivers,
    weights: Weights,
    today: Date,
    /// Whether to ignore decisions and fix every finding.
    overruled: bool,
}

impl Decisions {
    /// Reads the waivers of a tree, unless they are overruled.
    ///
    /// # Errors
    /// A waiver file can't be read or parsed, so its decisions are unknown.
    pub fn read(project: &Project, today: Date, overruled: bool) -> Result<Self, Error> {
        let waivers = if overruled { Waivers::default() } else { waivers::load(project)? };
        Ok(Self { waivers, weights: project.settings.weights(), today, overruled })
    }

    /// Whether there may be a decision about a finding of this file. The test is quick: `true` is not certain, `false`
    /// is.
    pub fn may_be_about(&self, file: &str, bytes: &[u8]) -> bool {
        let is_waived = || self.waivers.list.iter().any(|waiver| waiver.file == file);
        !self.overruled && (may_be_annotated(bytes) || is_waived())
    }

    /// Returns for each finding the reason not to fix it, or `None` when there is no decision. The findings belong to
    /// the text `now`, the rows of waivers to the text `before`.
    pub fn about(&self, file: &str, before: &str, now: &str, findings: &[Finding]) -> Vec<Option<String>> {
        if !self.may_be_about(file, now.as_bytes()) {
            return vec![None; findings.len()];
        }
        let waivers = self.moved(file, before, now);
        self.report(file, now, findings, &[], &waivers).findings.iter().map(reason).collect()
    }

    /// Returns the number of stale annotations of these rules in a text with these findings.
    pub fn stale(&self, file: &str, text: &str, findings: &[Finding], codes: &[String]) -> usize {
        self.report(file, text, findings, codes, &Waivers::default()).stale.len()
    }

    fn report(
        &self,
        file: &str,
        text: &str,
        findings: &[Finding],
        codes: &[String],
        waivers: &Waivers,
    ) -> CheckReport {
        let known: Vec<_> = findings.iter().cloned().map(KnownFinding::from).collect();
        let input = Input {
            findings: &known,
            codes,
            paths: &[],
            waivers,
            owners: None,
            weights: &self.weights,
            today: self.today,
        };
        annotations::check(input, &BTreeMap::from([(file.to_owned(), text.to_owned())]), &[])
    }

    /// Returns the waivers of a file, with their rows moved from the text `before` to the text `now`.
    fn moved(&self, file: &str, before: &str, now: &str) -> Waivers {
        let mut list: Vec<_> = self.waivers.list.iter().filter(|one| one.file == file).cloned().collect();
        if before != now && list.iter().any(|waiver| waiver.line.is_some()) {
            let (old, new) = (rows(before), rows(now));
            let (old, new): (Vec<_>, Vec<_>) = (old.split('\n').collect(), new.split('\n').collect());
            let operations = similar::capture_diff_slices(Algorithm::Patience, &old, &new);
            for row in list.iter_mut().filter_map(|waiver| waiver.line.as_mut()) {
                *row = moved(&operations, *row);
            }
        }
        Waivers { list }
    }
}

fn reason(found: &Annotated) -> Option<String> {
    let by = found.by.as_ref()?;
    let AnsweredBy { file, row, id, owner, status, .. } = by;
    if found.state == FindingState::Waived {
        return Some(format!("waived by {file}:{row}"));
    }
    let status = status.as_deref().filter(|status| STAYS.contains(status))?;
    let who: Vec<&str> = [id, owner].into_iter().flatten().map(String::as_str).collect();
    Some(format!("{status}: {}", if who.is_empty() { format!("row {row}") } else { who.join(" ") }))
}

/// Converts line ends to LF, so that rows are split as ruff splits them.
fn rows(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Returns the new number of a row.
fn moved(operations: &[DiffOp], row: u32) -> u32 {
    let Some(place) = usize::try_from(row).ok().and_then(|row| row.checked_sub(1)) else { return row };
    let holds = |operation: &&DiffOp| operation.old_range().contains(&place);
    let Some(operation) = operations.iter().find(holds) else { return row };
    let (old, new) = (operation.old_range(), operation.new_range());
    let now = new.start + (place - old.start).min(new.len().saturating_sub(1));
    u32::try_from(now + 1).unwrap_or(row)
}
