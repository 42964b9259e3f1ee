//! The ratchet on waivers: their number may fall, but not grow.

use std::collections::BTreeMap;

use annotations::{Waiver, Waivers};

use super::{at, load};
use crate::{Error, Project};

/// The difference between the waivers of the working tree and those of its base.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ratchet {
    /// The commit of the base.
    pub base: String,
    /// The number of waivers at the base.
    pub before: usize,
    /// The number of waivers in the working tree.
    pub now: usize,
    /// Waivers whose combination of file, line and codes the base does not have.
    pub new: Vec<Waiver>,
    /// Waivers that expire later than at the base.
    pub extended: Vec<Extended>,
    /// Waiver files of the base that can't be parsed. They count as empty.
    pub unreadable: Vec<String>,
}

/// A waiver that expires later than at the base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extended {
    /// The waiver in the working tree.
    pub waiver: Waiver,
    /// The expiry date at the base; `None` for no expiry.
    pub before: Option<String>,
}

impl Ratchet {
    /// Whether there are more waivers than at the base.
    #[must_use]
    pub fn grew(&self) -> bool {
        self.now > self.before
    }
}

/// Compares the waivers of the working tree with those of the merge base of a revision and HEAD.
///
/// # Errors
/// - [`Error::Usage`] when there is no repository, no such revision, or no common commit.
/// - Same errors as [`load`], for the waivers of the working tree.
/// - git fails.
pub fn ratchet(project: &Project, revision: &str) -> Result<Ratchet, Error> {
    let Some(git) = &project.tree.git else {
        return Err(Error::Usage(
            "this is not a git repository, so there are no earlier waivers to compare with".to_owned(),
        ));
    };
    let commit = git.commit(revision)?.ok_or_else(|| {
        Error::Usage(format!("`{revision}` is not the name of a commit; in CI, fetch the base branch first"))
    })?;
    let found = git.output(&["merge-base", &commit, "HEAD"])?;
    let base = String::from_utf8_lossy(&found.stdout).trim().to_owned();
    if !found.status.success() || base.is_empty() {
        return Err(Error::Usage(format!(
            "`{revision}` and HEAD have no commit in common; in CI, fetch the whole history (fetch-depth: 0)"
        )));
    }
    let now = load(project)?;
    let (past, unreadable) = past(&at(project, git, &base)?);
    Ok(Ratchet { base, unreadable, ..compare(&past, now.list) })
}

/// Reads the waivers of the base, and the names of the files that can't be parsed. Incomplete waivers count too, so
/// that completing them is not growth.
fn past(files: &[(String, String)]) -> (Vec<Waiver>, Vec<String>) {
    let (waivers, problems) = Waivers::inspect(files);
    let mut list = waivers.list;
    let mut unreadable = Vec::new();
    for problem in problems {
        match problem.entry {
            Some(waiver) => list.push(*waiver),
            None => unreadable.push(problem.file),
        }
    }
    (list, unreadable)
}

/// The file, line and codes of a waiver.
type Key = (String, Option<u32>, Vec<String>);

fn key(waiver: &Waiver) -> Key {
    let mut codes = waiver.codes.clone();
    codes.sort();
    codes.dedup();
    (waiver.file.clone(), waiver.line, codes)
}

/// Sort key for how long a waiver is valid. A waiver without a date never expires; one whose date can't be parsed is
/// never valid.
fn reach(waiver: &Waiver) -> (bool, Option<time::Date>) {
    match waiver.last_day() {
        None => (true, None),
        Some(day) => (false, day),
    }
}

fn compare(past: &[Waiver], now: Vec<Waiver>) -> Ratchet {
    let mut before: BTreeMap<Key, Vec<&Waiver>> = BTreeMap::new();
    for waiver in past {
        before.entry(key(waiver)).or_default().push(waiver);
    }
    for same in before.values_mut() {
        same.sort_by_key(|waiver| reach(waiver));
    }
    let mut ratchet = Ratchet { before: past.len(), now: now.len(), ..Ratchet::default() };
    let mut longest_first = now;
    longest_first.sort_by_key(|waiver| std::cmp::Reverse(reach(waiver)));
    for waiver in longest_first {
        match before.get_mut(&key(&waiver)).and_then(Vec::pop) {
            None => ratchet.new.push(waiver),
            Some(old) if reach(&waiver) > reach(old) => {
                ratchet.extended.push(Extended { before: old.expires.clone(), waiver });
            }
            Some(_) => {}
        }
    }
    ratchet.new.sort_by(|a, b| a.at.cmp(&b.at));
    ratchet.extended.sort_by(|a, b| a.waiver.at.cmp(&b.waiver.at));
    ratchet
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiver(file: &str, line: u32, expires: &str) -> Waiver {
        Waiver {
            file: file.to_owned(),
            line: Some(line),
            expires: Some(expires.to_owned()).filter(|day| !day.is_empty()),
            ..Waiver::default()
        }
    }

    #[test]
    fn an_additional_waiver_is_growth_and_a_replaced_one_is_not() {
        let past = [waiver("a", 1, ""), waiver("b", 1, "")];
        let swapped = compare(&past, vec![waiver("a", 1, ""), waiver("b", 2, "")]);
        assert!(!swapped.grew() && swapped.new == [waiver("b", 2, "")]);
        let twice = compare(&past, vec![waiver("a", 1, ""), waiver("b", 1, ""), waiver("b", 1, "")]);
        assert!(twice.grew() && twice.new == [waiver("b", 1, "")]);
    }

    #[test]
    fn a_later_expiry_is_reported() {
        for (before, now, longer) in [
            ("2026-12-01", "2026-12-02", true),
            ("2026-12-01", "", true),
            ("soon", "2026-12-02", true),
            ("2026-12-02", "2026-12-01", false),
            ("", "2026-12-01", false),
            ("2026-12-01", "2026-12-01", false),
        ] {
            let told = compare(&[waiver("a", 1, before)], vec![waiver("a", 1, now)]);
            assert_eq!(told.extended.len(), usize::from(longer), "{before} {now}");
            assert!(told.new.is_empty());
        }
    }

    #[test]
    fn the_order_of_codes_does_not_matter() {
        let codes = |codes: &[&str]| Waiver {
            codes: codes.iter().map(|code| (*code).to_owned()).collect(),
            ..Waiver::default()
        };
        assert!(compare(&[codes(&["A", "B"])], vec![codes(&["B", "A"])]).new.is_empty());
        assert_eq!(compare(&[codes(&["A"])], vec![codes(&["A", "B"])]).new.len(), 1);
    }
}
