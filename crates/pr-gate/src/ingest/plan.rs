//! The plan of an ingest: the intents to create and to change.

use std::collections::{BTreeMap, BTreeSet};

use annotations::{Annotated, AnsweredBy, CheckReport, FindingState};
use registry_core::{NewIntent, Status, normal_path};

use super::{ID_PREFIX, KnownIntent, checked, id_of, reserve};

/// The files and rules that a report covers. A finding outside them may still exist.
#[derive(Debug, Clone, Copy)]
pub struct IngestScope<'a> {
    /// Files and folders, relative to the root; `.` is everything.
    pub paths: &'a [String],
    /// The rules that were checked, as prefixes; empty for all.
    pub codes: &'a [String],
}

/// The changes of the registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IngestPlan {
    /// The intents to create.
    pub create: Vec<NewIntent>,
    /// The intents to change.
    pub update: Vec<Update>,
    /// The number of intents that need no change.
    pub unchanged: usize,
    /// Annotations and findings that are left out: the place of each, and the reason.
    pub skipped: Vec<(String, String)>,
}

/// A change of one intent. A field that is `None` does not change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    /// The id of the intent.
    pub id: String,
    /// The new status.
    pub status: Option<Status>,
    /// The new owner.
    pub owner: Option<String>,
    /// The new ticket.
    pub ticket: Option<String>,
    /// The new reason.
    pub reason: Option<String>,
    /// The new date.
    pub eta: Option<String>,
}

impl Update {
    fn is_empty(&self) -> bool {
        let Self { id: _, status, owner, ticket, reason, eta } = self;
        status.is_none() && [owner, ticket, reason, eta].iter().all(|field| field.is_none())
    }
}

impl IngestScope<'_> {
    /// Whether a file was checked for a code.
    fn covers(&self, file: &str, code: &str) -> bool {
        let file = normal_path(file);
        let below = |path: &String| {
            let path = normal_path(path);
            path == "." || file == path || file.strip_prefix(&*path).is_some_and(|rest| rest.starts_with('/'))
        };
        self.paths.iter().any(below)
            && (self.codes.is_empty() || self.codes.iter().any(|prefix| code.starts_with(prefix.as_str())))
    }
}

/// Plans the changes of the registry from a report. The report must have been made without `since`.
#[must_use]
pub fn plan(report: &CheckReport, known: &[KnownIntent], scope: IngestScope<'_>) -> IngestPlan {
    let mut plan = IngestPlan::default();
    let by_id: BTreeMap<&str, &KnownIntent> = known.iter().map(|one| (one.id.as_str(), one)).collect();
    let mut told = BTreeSet::new();
    for one in &report.findings {
        match (one.state, &one.by) {
            (FindingState::Annotated | FindingState::Legacy, Some(by)) => {
                annotation(&mut plan, &by_id, &mut told, one, by);
                superseded(&mut plan, &by_id, &mut told, one);
            }
            (FindingState::Unannotated, _) if !told.insert(id_of(one)) => {}
            (FindingState::Unannotated, _) if by_id.contains_key(id_of(one).as_str()) => plan.unchanged += 1,
            (FindingState::Unannotated, _) => match reserve(one) {
                Ok(new) => plan.create.push(new),
                Err(why) => plan.skipped.push((one.finding.file.clone(), why.to_string())),
            },
            (
                FindingState::Annotated
                | FindingState::Legacy
                | FindingState::Waived
                | FindingState::Registered,
                _,
            ) => {}
        }
    }
    for one in known.iter().filter(|one| !told.contains(&one.id)) {
        gone(&mut plan, report, one, scope);
    }
    plan
}

/// Plans the intent of one annotation. An annotation has one intent, even if it answers for several findings.
fn annotation(
    plan: &mut IngestPlan,
    by_id: &BTreeMap<&str, &KnownIntent>,
    told: &mut BTreeSet<String>,
    one: &Annotated,
    by: &AnsweredBy,
) {
    let subject = format!("{}:{}", by.file, by.row);
    let Some(id) = by.id.clone() else {
        if told.insert(subject.clone()) {
            plan.skipped.push((subject, "the annotation has no id".to_owned()));
        }
        return;
    };
    if !told.insert(id.clone()) {
        return;
    }
    let code = by.code.clone().filter(|code| code != "UNKNOWN").unwrap_or_else(|| one.finding.code.clone());
    match by_id.get(id.as_str()) {
        None => {
            let new = checked(NewIntent {
                id: Some(id),
                code,
                file: Some(by.file.clone()),
                line: Some(i64::from(by.row.max(1))),
                reason: by.reason.clone(),
                owner: by.owner.clone(),
                ticket: by.ticket.clone(),
                eta: by.eta.clone(),
                status: by.status.clone(),
                ..NewIntent::default()
            });
            match new {
                Ok(new) => plan.create.push(new),
                Err(why) => plan.skipped.push((subject, why.to_string())),
            }
        }
        Some(held) if held.file.as_deref().map(normal_path) != Some(normal_path(&by.file)) => {
            let file = held.file.as_deref().unwrap_or("no file");
            plan.skipped.push((subject, format!("the registry already has `{id}`, for {file}")));
        }
        Some(held) => match change(held, by) {
            Ok(update) if update.is_empty() => plan.unchanged += 1,
            Ok(update) => plan.update.push(update),
            Err(why) => plan.skipped.push((subject, why)),
        },
    }
}

/// Returns the fields in which an annotation differs from its intent. Fields that the annotation lacks do not change.
fn change(held: &KnownIntent, by: &AnsweredBy) -> Result<Update, String> {
    let other = |said: &Option<String>, held: &Option<String>| {
        said.clone().filter(|said| held.as_ref() != Some(said))
    };
    let mut update = Update {
        id: held.id.clone(),
        status: None,
        owner: other(&by.owner, &held.owner),
        ticket: other(&by.ticket, &held.ticket),
        reason: other(&by.reason, &held.reason),
        eta: other(&by.eta, &held.eta),
    };
    if let Some(word) = &by.status {
        let to = Status::parse(word).ok_or_else(|| format!("`{word}` is not a status of the registry"))?;
        let from = Status::read(Some(&held.status)).status;
        if to != from && !from.may_become(to) {
            return Err(format!("the registry has `{}` as {from}, which can't become {to}", held.id));
        }
        update.status = Some(to).filter(|to| *to != from);
    }
    // A changed intent must obey the rules of a new one.
    checked(NewIntent {
        id: Some(held.id.clone()),
        code: held.code.clone(),
        owner: update.owner.clone().or_else(|| held.owner.clone()),
        ticket: update.ticket.clone().or_else(|| held.ticket.clone()),
        reason: update.reason.clone(),
        eta: update.eta.clone(),
        status: update.status.map(|status| status.as_str().to_owned()),
        ..NewIntent::default()
    })
    .map(|_| update)
    .map_err(|why| why.to_string())
}

/// Expires the reserved intent of a finding that now has an annotation.
fn superseded(
    plan: &mut IngestPlan,
    by_id: &BTreeMap<&str, &KnownIntent>,
    told: &mut BTreeSet<String>,
    one: &Annotated,
) {
    let id = id_of(one);
    let reserved = by_id.get(id.as_str()).is_some_and(|held| held.status == Status::Reserved.as_str());
    if reserved && told.insert(id.clone()) {
        plan.update.push(Update { id, status: Some(Status::Expired), ..Update::default() });
    }
}

/// Marks an open intent as implemented if its finding is gone. A reserved intent counts as open only if `t4 ingest`
/// created it, because other reserved intents need not belong to a finding.
fn gone(plan: &mut IngestPlan, report: &CheckReport, one: &KnownIntent, scope: IngestScope<'_>) {
    let Some(file) = one.file.as_deref() else { return };
    let open = match Status::read(Some(&one.status)).status {
        Status::Planned | Status::Committed => true,
        Status::Reserved => one.ingested,
        Status::Implemented | Status::Accepted | Status::Expired => false,
    };
    let file = normal_path(file);
    let of_file = || report.findings.iter().filter(|found| normal_path(&found.finding.file) == file);
    // A reserved intent of `t4 ingest` belongs to one finding, and that finding is not in the report. Any other intent
    // belongs to all findings of its code in the file.
    let placeholder = one.id.starts_with(ID_PREFIX);
    let still_found = || !placeholder && of_file().any(|found| found.finding.code == one.code);
    let unseen = || of_file().any(|found| found.finding.code == "invalid-syntax");
    if open && scope.covers(&file, &one.code) && !still_found() && !unseen() {
        plan.update.push(Update {
            id: one.id.clone(),
            status: Some(Status::Implemented),
            ..Update::default()
        });
    }
}
