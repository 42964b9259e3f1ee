//! Upkeep: annotations and waivers that are useless, outdated or doubtful.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::answers::{Answers, by_waiver};
use super::tree_annotations::{Grammar, Note, TreeAnnotations};
use super::waiver_match::codes;
use super::{Expired, Input, Issue};
use crate::day;
use crate::pyjson::Value;

/// How many places are told of an id that is used many times.
const PLACES: usize = 10;

/// The code of a finding that says: this file does not parse.
const SYNTAX: &str = "invalid-syntax";

/// Annotations whose finding is gone. Nobody looked for it in a file that does not parse.
pub fn stale_notes<'n, 'a>(
    input: &'n Input<'_>,
    notes: &'n TreeAnnotations<'a>,
    answers: &'n Answers<'_>,
) -> impl Iterator<Item = &'n Note<'a>> {
    let findings = input.findings.iter().map(|known| &known.finding);
    let broken: HashSet<&str> =
        findings.filter(|finding| finding.code == SYNTAX).map(|finding| finding.file.as_str()).collect();
    let is_stale = move |note: &Note<'_>| {
        let code = note.code().filter(|code| *code != "UNKNOWN");
        code.is_none_or(|code| input.looked_for(code)) && !broken.contains(note.file)
    };
    let unused = notes.list.iter().enumerate().filter(|(place, _)| !answers.used.contains(place));
    unused.map(|(_, note)| note).filter(move |note| is_stale(note))
}

/// Annotations and waivers whose day has passed, or can't be read.
pub fn expired(input: &Input<'_>, notes: &TreeAnnotations<'_>) -> Vec<Expired> {
    let mut expired = Vec::new();
    for note in notes.list.iter().filter(|note| note.grammar == Grammar::Unified) {
        let Some(date) = note.eta() else { continue };
        let day = note.field("eta").and_then(Value::as_text).and_then(day::any);
        if day.is_none_or(|day| day < input.today) {
            expired.push(Expired { by: note.by(), date, malformed: day.is_none() });
        }
    }
    for waiver in input.waivers.list.iter().filter(|waiver| waiver.is_expired(input.today)) {
        expired.push(Expired {
            by: by_waiver(waiver),
            date: waiver.expires.clone().unwrap_or_default(),
            malformed: waiver.last_day() == Some(None),
        });
    }
    expired.sort_by(|a, b| (&a.by.file, a.by.row).cmp(&(&b.by.file, b.by.row)));
    expired
}

/// Ids that more than one annotation has, each told where it stands first.
pub fn duplicates(notes: &TreeAnnotations<'_>) -> Vec<Issue> {
    let mut by_id: BTreeMap<&str, Vec<&Note<'_>>> = BTreeMap::new();
    for note in notes.list.iter().filter(|note| note.grammar == Grammar::Unified) {
        if let Some(id) = note.text("id") {
            by_id.entry(id).or_default().push(note);
        }
    }
    let mut duplicates: Vec<Issue> = by_id
        .into_iter()
        .filter_map(|(id, notes)| {
            let (first, others) = notes.split_first().filter(|(_, others)| !others.is_empty())?;
            let mut problems: Vec<_> = others
                .iter()
                .take(PLACES)
                .map(|other| format!("id '{id}' is also used at {}:{}", other.file, other.row))
                .collect();
            if others.len() > PLACES {
                problems.push(format!("and at {} more places", others.len() - PLACES));
            }
            Some(issue(first, problems))
        })
        .collect();
    sort(&mut duplicates);
    duplicates
}

/// What should be looked at: annotations that can't be read, old words, owners that nobody knows, waivers of no use.
pub fn warnings(input: &Input<'_>, notes: &TreeAnnotations<'_>, answers: &Answers<'_>) -> Vec<Issue> {
    let mut owners = KnownOwners { input, known: HashMap::new() };
    let mut warnings = Vec::new();
    for (file, row, why) in &notes.malformed {
        let file = (*file).to_owned();
        warnings.push(Issue { file, row: *row, problems: vec![why.clone()], ..Issue::default() });
    }
    for note in notes.list.iter().filter(|note| note.grammar == Grammar::Unified) {
        let mut problems = Vec::new();
        if note.text("status") == Some("documented") {
            problems.push("status 'documented' is an old word for 'accepted': write that".to_owned());
        }
        problems.extend(note.text("owner").and_then(|owner| owners.doubt(owner)));
        if !problems.is_empty() {
            warnings.push(issue(note, problems));
        }
    }
    for (place, waiver) in input.waivers.list.iter().enumerate() {
        let mut problems: Vec<_> = owners.doubt(&waiver.owner).into_iter().collect();
        let looked = waiver.codes.is_empty() || waiver.codes.iter().any(|code| input.looked_for(code));
        let idle = !answers.waiving.contains(&place) && !waiver.is_expired(input.today);
        if idle && looked && input.looked_into(&waiver.file) {
            let line = waiver.line.map_or_else(String::new, |line| format!(":{line}"));
            problems.push(format!("the waiver of {}{line} lets nothing pass: remove it", waiver.file));
        }
        if !problems.is_empty() {
            let (file, row) = waiver.at.clone();
            warnings.push(Issue { file, row, code: codes(waiver), id: None, problems });
        }
    }
    sort(&mut warnings);
    warnings
}

/// Owners, each looked up once.
struct KnownOwners<'a, 'i> {
    input: &'a Input<'i>,
    known: HashMap<String, bool>,
}

impl KnownOwners<'_, '_> {
    /// What is wrong with an owner: CODEOWNERS does not know it.
    fn doubt(&mut self, owner: &str) -> Option<String> {
        let owners = self.input.owners?;
        let known = self.known.entry(owner.to_owned()).or_insert_with(|| owners.knows(owner));
        (!*known).then(|| format!("owner '{owner}' is not in CODEOWNERS"))
    }
}

fn issue(note: &Note<'_>, problems: Vec<String>) -> Issue {
    Issue {
        file: note.file.to_owned(),
        row: note.row,
        code: note.code().map(str::to_owned),
        id: note.text("id").map(str::to_owned),
        problems,
    }
}

fn sort(issues: &mut [Issue]) {
    issues.sort_by(|a, b| (&a.file, a.row).cmp(&(&b.file, b.row)));
}
