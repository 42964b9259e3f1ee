//! Tests of the check, one promise each.

mod answering;
mod complaints;
mod figures;

use std::collections::BTreeMap;

use super::*;
use crate::day::plain as day;
use crate::{Place, Waiver};

/// A file, the findings in it, and what else is known.
struct Case {
    sources: BTreeMap<String, String>,
    findings: Vec<KnownFinding>,
    codes: Vec<String>,
    paths: Vec<String>,
    waivers: Waivers,
    owners: Option<CodeOwners>,
    registered: Vec<Registered>,
}

fn case(source: &str) -> Case {
    Case {
        sources: BTreeMap::from([("a.py".to_owned(), source.to_owned())]),
        findings: Vec::new(),
        codes: Vec::new(),
        paths: Vec::new(),
        waivers: Waivers::default(),
        owners: None,
        registered: Vec::new(),
    }
}

impl Case {
    /// A finding on rows `from` to `to`.
    fn on(mut self, code: &str, from: u32, to: u32) -> Self {
        let place = |row, column| Place { row, column };
        let finding = Finding {
            file: "a.py".to_owned(),
            code: code.to_owned(),
            message: "m".to_owned(),
            start: place(from, 1),
            end: place(to, 9),
            url: None,
        };
        self.findings.push(finding.into());
        self
    }

    /// The last finding is an old one.
    fn old(mut self) -> Self {
        self.findings.last_mut().unwrap().new = false;
        self
    }

    fn seen(mut self, text: &str) -> Self {
        self.findings.last_mut().unwrap().first_seen = day(text);
        self
    }

    fn waive(mut self, line: Option<u32>, codes: &[&str], expires: &str) -> Self {
        self.waivers.list.push(Waiver {
            at: ("w.yaml".to_owned(), 2),
            file: "a.py".to_owned(),
            line,
            codes: codes.iter().map(|code| (*code).to_owned()).collect(),
            reason: "r".to_owned(),
            owner: "waiver-owner".to_owned(),
            expires: Some(expires.to_owned()),
        });
        self
    }

    fn intent(mut self, line: Option<u32>, status: &str) -> Self {
        self.registered.push(Registered {
            id: format!("{line:?}"),
            file: "a.py".to_owned(),
            code: "F401".to_owned(),
            line,
            status: status.to_owned(),
            owner: Some("intent-owner".to_owned()),
            ..Registered::default()
        });
        self
    }

    fn check(&self) -> CheckReport {
        let input = Input {
            findings: &self.findings,
            codes: &self.codes,
            paths: &self.paths,
            waivers: &self.waivers,
            owners: self.owners.as_ref(),
            weights: &Weights::default(),
            today: day("2026-11-21").unwrap(),
        };
        check(input, &self.sources, &self.registered)
    }

    /// State and id of what answers, for each finding.
    fn answers(&self) -> Vec<(FindingState, Option<String>)> {
        self.check().findings.into_iter().map(|found| (found.state, found.by.and_then(|by| by.id))).collect()
    }
}

/// A unified annotation.
fn tag(id: &str, code: &str) -> String {
    format!(
        "# TODO[T4-ISSUE]: {{\"id\":\"{id}\",\"code\":\"{code}\",\"reason\":\"why\",\"status\":\"accepted\"}}"
    )
}

/// A unified annotation with other fields.
fn with(code: &str, fields: &str) -> String {
    format!(
        "# TODO[T4-ISSUE]: {{\"id\":\"i\",\"code\":\"{code}\",\"reason\":\"why\",\"status\":\"accepted\",{fields}}}"
    )
}

const LEGACY: &str = "# TODO[T4-UNUSED-IMPORT]: kept";

fn annotated(id: &str) -> (FindingState, Option<String>) {
    (FindingState::Annotated, Some(id.to_owned()))
}

const NONE: (FindingState, Option<String>) = (FindingState::Unannotated, None);
