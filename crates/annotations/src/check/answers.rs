//! What answers for each finding.

use std::collections::HashMap;

use super::index::{AnswerRows, FileIndex};
use super::intents::AnsweringIntents;
use super::tree_annotations::{Grammar, Note, Notes, comments_of};
use super::waiver_match::{HoldingWaivers, codes};
use super::{Annotated, AnsweredBy, FindingState, Input, Issue, Registered, comment_rows, quality};
use crate::{Finding, Waiver};

/// What answers for each finding, and what is of use.
pub struct Answers<'a> {
    /// For each finding, in their order.
    pub list: Vec<FindingAnswer<'a>>,
    /// Whether each finding is new.
    pub new: Vec<bool>,
    /// For each annotation: whether there is a finding that it answers or could answer for.
    pub used: Vec<bool>,
    /// For each waiver: whether it lets a finding pass.
    pub waiving: Vec<bool>,
}

/// What answers for a finding.
#[derive(Debug, Clone, Copy)]
pub enum FindingAnswer<'a> {
    /// Nothing.
    None,
    /// The waiver in this place.
    Waiver(usize),
    /// The annotation in this place.
    Note(usize),
    /// An intent.
    Intent(&'a Registered),
}

impl<'a> Answers<'a> {
    /// Looks for what answers for each finding.
    pub fn find(input: &Input<'a>, notes: &Notes<'_>) -> Self {
        let waived = HoldingWaivers::new(input);
        let intents = AnsweringIntents::new(input);
        let mut files = index(input, notes);
        let mut answers = Self {
            list: Vec::with_capacity(input.findings.len()),
            new: (0..input.findings.len()).map(|finding| input.facts(finding).new).collect(),
            used: vec![false; notes.list.len()],
            waiving: vec![false; input.waivers.list.len()],
        };
        for finding in input.findings {
            let file = files.get_mut(finding.file.as_str());
            let answer = answer(finding, file, notes, &waived, &intents);
            match answer {
                FindingAnswer::Waiver(place) => set(&mut answers.waiving, place),
                FindingAnswer::Note(place) => set(&mut answers.used, place),
                FindingAnswer::None | FindingAnswer::Intent(_) => {}
            }
            answers.list.push(answer);
        }
        for file in files.values() {
            for place in file.unified.marked().chain(file.legacy.marked()) {
                set(&mut answers.used, place);
            }
        }
        answers
    }

    /// The new findings, and what answers for each.
    pub fn new_ones<'f>(
        &self,
        input: &Input<'f>,
    ) -> impl Iterator<Item = (usize, &'f Finding, FindingAnswer<'a>)> {
        let all = input.findings.iter().zip(&self.list).zip(&self.new).enumerate();
        all.filter(|(_, (_, new))| **new).map(|(place, ((finding, answer), _))| (place, finding, *answer))
    }

    /// The new findings in the report.
    pub fn findings(&self, input: &Input<'_>, notes: &Notes<'_>) -> Vec<Annotated> {
        self.new_ones(input)
            .map(|(place, finding, answer)| {
                let facts = input.facts(place);
                Annotated {
                    finding: finding.clone(),
                    fingerprint: facts.fingerprint,
                    state: answer.state(notes),
                    by: answer.by(input, notes),
                    first_seen: facts.first_seen.map(|day| day.to_string()),
                }
            })
            .collect()
    }

    /// What is wrong with the annotations that answer for new findings; one entry for each such finding.
    pub fn quality_issues(&self, input: &Input<'_>, notes: &Notes<'_>) -> Vec<Issue> {
        let issue = |(_, finding, answer): (usize, &Finding, FindingAnswer<'_>)| {
            let note = answer.note(notes).filter(|note| note.grammar == Grammar::Unified)?;
            let problems = quality::issues(note, &finding.code);
            let id = note.text("id").map(str::to_owned);
            let code = Some(finding.code.clone());
            (!problems.is_empty()).then(|| Issue {
                file: note.file.to_owned(),
                row: note.row,
                code,
                id,
                problems,
            })
        };
        self.new_ones(input).filter_map(issue).collect()
    }
}

impl FindingAnswer<'_> {
    /// The annotation, if it is one.
    pub fn note<'n, 'a>(self, notes: &'n Notes<'a>) -> Option<&'n Note<'a>> {
        match self {
            Self::Note(place) => notes.list.get(place),
            Self::None | Self::Waiver(_) | Self::Intent(_) => None,
        }
    }

    fn state(self, notes: &Notes<'_>) -> FindingState {
        match self {
            Self::None => FindingState::Unannotated,
            Self::Waiver(_) => FindingState::Waived,
            Self::Intent(_) => FindingState::Registered,
            Self::Note(_) => match self.note(notes).map(|note| note.grammar) {
                Some(Grammar::Unified) => FindingState::Annotated,
                Some(Grammar::Legacy) => FindingState::Legacy,
                None => FindingState::Unannotated,
            },
        }
    }

    /// What answers, in the report.
    pub fn by(self, input: &Input<'_>, notes: &Notes<'_>) -> Option<AnsweredBy> {
        match self {
            Self::None => None,
            Self::Waiver(place) => input.waivers.list.get(place).map(by_waiver),
            Self::Note(_) => self.note(notes).map(Note::by),
            Self::Intent(intent) => Some(AnsweredBy {
                file: intent.file.clone(),
                row: intent.line.unwrap_or(0),
                kind: "intent",
                id: Some(intent.id.clone()),
                code: Some(intent.code.clone()),
                status: Some(intent.status.clone()),
                owner: intent.owner.clone(),
                ticket: intent.ticket.clone(),
                reason: intent.reason.clone(),
                eta: None,
            }),
        }
    }
}

/// A waiver in the report.
pub fn by_waiver(waiver: &Waiver) -> AnsweredBy {
    AnsweredBy {
        file: waiver.at.0.clone(),
        row: waiver.at.1,
        kind: "waiver",
        code: codes(waiver),
        owner: Some(waiver.owner.clone()),
        reason: Some(waiver.reason.clone()),
        eta: waiver.expires.clone(),
        ..AnsweredBy::default()
    }
}

/// The annotations of each file that has findings.
fn index<'a>(input: &Input<'a>, notes: &Notes<'_>) -> HashMap<&'a str, FileIndex> {
    let mut files: HashMap<&str, FileIndex> =
        input.findings.iter().map(|finding| (finding.file.as_str(), FileIndex::default())).collect();
    for (place, note) in notes.list.iter().enumerate() {
        let Some(file) = files.get_mut(note.file) else { continue };
        file.side(note.grammar).push(place, note);
    }
    for (name, file) in &mut files {
        // Without annotations there is nothing above a finding that could answer.
        if let Some(source) = input.sources.get(*name).filter(|_| !file.is_empty()) {
            file.runs = comment_rows::comment_runs(source, &comments_of(name, source));
        }
    }
    files
}

fn answer<'a>(
    finding: &Finding,
    file: Option<&mut FileIndex>,
    notes: &Notes<'_>,
    waived: &HoldingWaivers<'_>,
    intents: &AnsweringIntents<'a>,
) -> FindingAnswer<'a> {
    let start = finding.start.row;
    let mut rows = AnswerRows { above: start, start, last: finding.last_row() };
    let mut note = None;
    if let Some(file) = file {
        rows.above = comment_rows::first_above(&file.runs, start);
        file.unified.mark(rows, &finding.code);
        file.legacy.mark(rows, &finding.code);
        let is_about =
            |place| notes.list.get(place).is_some_and(|note| quality::is_about(note, &finding.code));
        note = file.answer(rows, &finding.code, is_about);
    }
    if let Some(waiver) = waived.by(finding) {
        FindingAnswer::Waiver(waiver)
    } else if let Some(note) = note {
        FindingAnswer::Note(note)
    } else {
        intents.by(&finding.file, &finding.code, rows).map_or(FindingAnswer::None, FindingAnswer::Intent)
    }
}

fn set(flags: &mut [bool], place: usize) {
    if let Some(flag) = flags.get_mut(place) {
        *flag = true;
    }
}
