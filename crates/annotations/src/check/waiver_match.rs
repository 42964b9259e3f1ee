//! Matching of waivers to findings.

use std::collections::HashMap;

use super::Input;
use crate::{Finding, Waiver};

/// The waivers that hold, by what they waive: file, row (0 for all), code (`None` for all).
pub struct HoldingWaivers<'a> {
    by_key: HashMap<(&'a str, u32, Option<&'a str>), usize>,
}

impl<'a> HoldingWaivers<'a> {
    /// The waivers that hold today.
    pub fn new(input: &Input<'a>) -> Self {
        let mut by_key = HashMap::new();
        for (place, waiver) in input.waivers.list.iter().enumerate() {
            if waiver.is_expired(input.today) {
                continue;
            }
            let mut take = |code| {
                by_key.entry((waiver.file.as_str(), waiver.line.unwrap_or(0), code)).or_insert(place);
            };
            if waiver.codes.is_empty() {
                take(None);
            } else {
                waiver.codes.iter().for_each(|code| take(Some(code.as_str())));
            }
        }
        Self { by_key }
    }

    /// The waiver for a finding: the narrowest, and of equal ones the first.
    pub fn by(&self, finding: &Finding) -> Option<usize> {
        let code = Some(finding.code.as_str());
        let row = finding.start.row;
        [(row, code), (row, None), (0, code), (0, None)]
            .into_iter()
            .find_map(|(row, code)| self.by_key.get(&(finding.file.as_str(), row, code)).copied())
    }
}

/// The codes of a waiver as one text; `None` for every code.
pub fn codes(waiver: &Waiver) -> Option<String> {
    (!waiver.codes.is_empty()).then(|| waiver.codes.join(","))
}
