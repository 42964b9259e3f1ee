//! Answers for each finding: an annotation, a waiver or an intent.

use std::collections::{HashMap, HashSet};

use super::index::{AnswerRows, FileIndex};
use super::intents::AnsweringIntents;
use super::tree_annotations::{Grammar, Note, TreeAnnotations, comments_of};
use super::waiver_match::{HoldingWaivers, codes};
use super::{
    Annotated, AnsweredBy, FindingState, Input, Issue, KnownFinding, Registered, comment_rows, quality,
};
use crate::{Finding, Waiver};

/// What answers for each finding, and what is of use.
pub struct Answers<'a> {
    /// The findings, in their order.
    list: Vec<Judged<'a>>,
    /// The places of annotations that answer for a finding, or could.
    pub used: HashSet<usize>,
    /// The places of waivers that let a finding pass.
    pub waiving: HashSet<usize>,
}

/// A finding, and what answers for it.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    pub known: &'a KnownFinding,
    pub answer: FindingAnswer<'a>,
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
    /// Looks for the waiver or the annotation that answers for each finding.
    pub fn find(input: Input<'a>, notes: &TreeAnnotations<'_>) -> Self {
        let waived = HoldingWaivers::new(&input);
        let mut files = index(input, notes);
        let mut answers = Self {
            list: Vec::with_capacity(input.findings.len()),
            used: HashSet::new(),
            waiving: HashSet::new(),
        };
        for known in input.findings {
            let file = files.get_mut(known.finding.file.as_str());
            let answer = answer(&known.finding, file, notes, &waived);
            match answer {
                FindingAnswer::Waiver(place) => answers.waiving.insert(place),
                FindingAnswer::Note(place) => answers.used.insert(place),
                FindingAnswer::None | FindingAnswer::Intent(_) => false,
            };
            answers.list.push(Judged { known, answer });
        }
        for file in files.values() {
            answers.used.extend(file.unified.marked().chain(file.legacy.marked()));
        }
        answers
    }

    /// Looks for the intent that answers for each finding that nothing else answers for.
    pub fn answer_by_intents(&mut self, registered: &'a [Registered]) {
        let intents = AnsweringIntents::new(registered);
        for judged in &mut self.list {
            if matches!(judged.answer, FindingAnswer::None)
                && let Some(intent) = intents.by(&judged.known.finding)
            {
                judged.answer = FindingAnswer::Intent(intent);
            }
        }
    }

    /// The new findings.
    pub fn new_ones(&self) -> impl Iterator<Item = &Judged<'a>> {
        self.list.iter().filter(|judged| judged.known.new)
    }

    /// What is wrong with the annotations that answer for new findings; one entry for each such finding.
    pub fn quality_issues(&self, notes: &TreeAnnotations<'_>) -> Vec<Issue> {
        let issue = |judged: &Judged<'_>| {
            let code = &judged.known.finding.code;
            let note = judged.answer.note(notes).filter(|note| note.grammar == Grammar::Unified)?;
            let problems = quality::issues(note, code);
            let id = note.text("id").map(str::to_owned);
            (!problems.is_empty()).then(|| Issue {
                file: note.file.to_owned(),
                row: note.row,
                code: Some(code.clone()),
                id,
                problems,
            })
        };
        self.new_ones().filter_map(issue).collect()
    }
}

impl Judged<'_> {
    /// The finding in the report.
    pub fn annotated(&self, input: &Input<'_>, notes: &TreeAnnotations<'_>) -> Annotated {
        Annotated {
            finding: self.known.finding.clone(),
            fingerprint: self.known.fingerprint.clone(),
            state: self.answer.state(notes),
            by: self.answer.by(input, notes),
            first_seen: self.known.first_seen.map(|day| day.to_string()),
        }
    }
}

impl FindingAnswer<'_> {
    /// The annotation, if it is one.
    pub fn note<'n, 'a>(self, notes: &'n TreeAnnotations<'a>) -> Option<&'n Note<'a>> {
        match self {
            Self::Note(place) => notes.list.get(place),
            Self::None | Self::Waiver(_) | Self::Intent(_) => None,
        }
    }

    fn state(self, notes: &TreeAnnotations<'_>) -> FindingState {
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
    pub fn by(self, input: &Input<'_>, notes: &TreeAnnotations<'_>) -> Option<AnsweredBy> {
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
fn index<'a>(input: Input<'a>, notes: &TreeAnnotations<'_>) -> HashMap<&'a str, FileIndex> {
    let file = |known: &'a KnownFinding| (known.finding.file.as_str(), FileIndex::default());
    let mut files: HashMap<&str, FileIndex> = input.findings.iter().map(file).collect();
    for (place, note) in notes.list.iter().enumerate() {
        let Some(file) = files.get_mut(note.file) else { continue };
        file.side(note.grammar).push(place, note);
    }
    for (name, file) in &mut files {
        // Without annotations there is nothing above a finding that could answer.
        if let Some(source) = notes.sources.get(*name).filter(|_| !file.is_empty()) {
            file.runs = comment_rows::comment_runs(source, &comments_of(name, source));
        }
    }
    files
}

fn answer<'a>(
    finding: &Finding,
    file: Option<&mut FileIndex>,
    notes: &TreeAnnotations<'_>,
    waived: &HoldingWaivers<'_>,
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
        FindingAnswer::None
    }
}
