//! Rules of the check, one after another, as plain as possible.

use annotations::{CheckReport, CheckVerdict, Finding, FindingState};
use serde_json::{Map, Value};

use super::files::{DAYS, Row, Tag, Tree};

/// Kind, file and row of what answers.
type Place = (String, String, u32);

/// What there is to compare.
#[derive(Debug, PartialEq)]
pub struct Opinion {
    passes: bool,
    /// How each stands.
    findings: Vec<(FindingState, Option<Place>)>,
    /// File, row and problems, for each finding with an unfit annotation.
    issues: Vec<(String, u32, Vec<String>)>,
    /// File and row.
    stale: Vec<(String, u32)>,
    /// File, row, malformed.
    expired: Vec<(String, u32, bool)>,
    duplicates: Vec<String>,
    /// File and row.
    warnings: Vec<(String, u32)>,
    /// Good and total weight.
    score: (u64, u64),
    total: usize,
}

impl Opinion {
    pub fn of(report: &CheckReport) -> Self {
        let sorted = |mut list: Vec<(String, u32)>| {
            list.sort();
            list
        };
        let mut duplicates: Vec<_> =
            report.duplicates.iter().map(|issue| issue.id.clone().unwrap_or_default()).collect();
        duplicates.sort();
        let mut expired: Vec<_> =
            report.expired.iter().map(|one| (one.by.file.clone(), one.by.row, one.malformed)).collect();
        expired.sort();
        Self {
            passes: report.status == CheckVerdict::Pass,
            findings: report
                .findings
                .iter()
                .map(|one| {
                    let by = one.by.as_ref().map(|by| (by.kind.to_owned(), by.file.clone(), by.row));
                    (one.state, by)
                })
                .collect(),
            issues: report
                .quality_issues
                .iter()
                .map(|issue| (issue.file.clone(), issue.row, issue.problems.clone()))
                .collect(),
            stale: sorted(report.stale.iter().map(|by| (by.file.clone(), by.row)).collect()),
            expired,
            duplicates,
            warnings: sorted(report.warnings.iter().map(|issue| (issue.file.clone(), issue.row)).collect()),
            score: (report.metrics.weighted_good, report.metrics.weighted_total),
            total: report.summary.total_findings,
        }
    }
}

/// An annotation that can answer.
struct Note {
    file: String,
    row: u32,
    legacy: bool,
    /// Its code; `None` when it names none.
    code: Option<String>,
    fields: Map<String, Value>,
}

fn code_of(fields: &Map<String, Value>) -> Option<String> {
    fields.get("code").and_then(Value::as_str).filter(|code| !code.is_empty()).map(str::to_owned)
}

fn notes(tree: &Tree) -> Vec<Note> {
    let mut notes = Vec::new();
    for (file, rows) in &tree.files {
        for (row, tag) in comments(rows) {
            let mut take = |legacy, code, fields| {
                notes.push(Note { file: file.clone(), row, legacy, code, fields });
            };
            let object = |text: &str| serde_json::from_str::<Map<_, _>>(text).unwrap_or_default();
            match tag {
                Tag::Unified(fields) => take(false, code_of(fields), fields.clone()),
                Tag::Unused(text) => {
                    let fields = object(text);
                    take(true, Some(code_of(&fields).unwrap_or("F401".to_owned())), fields);
                }
                Tag::Lint(text) => {
                    let fields = object(text);
                    take(true, Some(code_of(&fields).unwrap_or("UNKNOWN".to_owned())), fields);
                }
                Tag::Broken(_) | Tag::Plain(_) => {}
            }
        }
    }
    notes
}

/// The tags that are in comments, with their rows.
fn comments(rows: &[Row]) -> Vec<(u32, &Tag)> {
    let mut tags = Vec::new();
    for (row, number) in rows.iter().zip(1..) {
        if !row.in_string {
            tags.extend(row.tags.iter().map(|tag| (number, tag)));
        }
    }
    tags
}

/// The first of the rows right above a finding that hold comments alone.
fn above(tree: &Tree, finding: &Finding) -> u32 {
    let rows = &tree.files[&finding.file];
    let mut first = finding.start.row;
    while first > 1 {
        let row = &rows[usize::try_from(first).unwrap() - 2];
        if row.in_string || !row.code.is_empty() || row.tags.is_empty() {
            break;
        }
        first -= 1;
    }
    first
}

fn last_row(finding: &Finding) -> u32 {
    let (start, end) = (finding.start.row, finding.end);
    if end.column == 1 && end.row > start { end.row - 1 } else { end.row }
}

fn says(note: &Note, code: &str) -> bool {
    note.code.as_deref() == Some(code)
}

fn answer(tree: &Tree, notes: &[Note], finding: &Finding) -> Option<usize> {
    let (start, last, first) = (finding.start.row, last_row(finding), above(tree, finding));
    let code = finding.code.as_str();
    let pick = |legacy: bool, rows: &mut dyn Iterator<Item = u32>, fits: &dyn Fn(&Note) -> bool| {
        for row in rows {
            let here = |note: &&Note| note.file == finding.file && note.legacy == legacy && note.row == row;
            if let Some(place) = notes.iter().position(|note| here(&note) && fits(note)) {
                return Some(place);
            }
        }
        None
    };
    let same = |note: &Note| says(note, code);
    let unknown = |note: &Note| says(note, "UNKNOWN");
    let down = || (start + 1)..=last;
    let up = || (first..start).rev();
    let on = |legacy: bool, fits: &dyn Fn(&Note) -> bool| pick(legacy, &mut std::iter::once(start), fits);

    if let Some(place) = on(false, &same).or_else(|| on(false, &unknown)) {
        return Some(place);
    }
    if let Some(place) = on(false, &|_| true) {
        let own = pick(false, &mut down(), &same).or_else(|| pick(false, &mut up(), &same));
        return Some(own.unwrap_or(place));
    }
    let elsewhere = |legacy: bool| {
        pick(legacy, &mut down(), &same)
            .or_else(|| pick(legacy, &mut down(), &unknown))
            .or_else(|| pick(legacy, &mut up(), &same))
            .or_else(|| pick(legacy, &mut up(), &unknown))
    };
    on(true, &same)
        .or_else(|| on(true, &unknown))
        .or_else(|| on(true, &|_| true))
        .or_else(|| elsewhere(false))
        .or_else(|| elsewhere(true))
}

fn waiver(tree: &Tree, finding: &Finding) -> Option<usize> {
    let holds = |expires: &Option<String>| matches!(expires.as_deref(), None | Some("2026-11-21"));
    for (line, any_code) in [(true, false), (true, true), (false, false), (false, true)] {
        let found = tree.waivers.list.iter().position(|waiver| {
            waiver.file == finding.file
                && holds(&waiver.expires)
                && waiver.line == line.then_some(finding.start.row)
                && waiver.codes.is_empty() == any_code
                && (any_code || waiver.codes.contains(&finding.code))
        });
        if found.is_some() {
            return found;
        }
    }
    None
}

fn intent(tree: &Tree, finding: &Finding) -> Option<usize> {
    let answers = |place: &usize| {
        let intent = &tree.registered[*place];
        intent.file == finding.file
            && intent.code == finding.code
            && matches!(intent.status.as_str(), "planned" | "committed" | "implemented" | "accepted")
    };
    let all = || (0..tree.registered.len()).filter(answers);
    for row in finding.start.row..=last_row(finding) {
        if let Some(place) = all().find(|place| tree.registered[*place].line == Some(row)) {
            return Some(place);
        }
    }
    all().find(|place| tree.registered[*place].line.is_none())
}

fn truthy(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Bool(bool)) => *bool,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(object)) => !object.is_empty(),
    }
}

fn problems(note: &Note, code: &str) -> Vec<String> {
    let field = |name: &str| note.fields.get(name);
    let mut problems = Vec::new();
    for name in ["id", "code", "status"] {
        if !truthy(field(name)) {
            problems.push(format!("missing {name} field"));
        }
    }
    match field("reason").unwrap_or(&Value::Null) {
        Value::Null => problems.push("missing or empty reason".to_owned()),
        Value::String(reason) if reason.trim().is_empty() => {
            problems.push("missing or empty reason".to_owned());
        }
        Value::String(reason) if reason.trim() == "TODO" => {
            problems.push("generic reason: 'todo' - provide specific context".to_owned());
        }
        _ => {}
    }
    let status = field("status").and_then(Value::as_str).unwrap_or_default();
    if ["planned", "committed"].contains(&status) {
        for name in ["owner", "ticket"] {
            if !truthy(field(name)) {
                problems.push(format!("status='{status}' requires {name} field"));
            }
        }
    }
    if !says(note, code) && !says(note, "UNKNOWN") {
        let said = match field("code") {
            None | Some(Value::Null) => "None".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        problems.push(format!("annotation code '{said}' != ruff code '{code}'"));
    }
    for name in ["id", "code", "status", "reason", "owner", "ticket"] {
        let kind = match field(name).unwrap_or(&Value::Null) {
            Value::Null | Value::String(_) => continue,
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        problems.push(format!("field '{name}' must be text, not {kind}"));
    }
    if status == "done" {
        problems.push(
            "unknown status 'done' - use reserved, planned, committed, implemented, expired or accepted"
                .to_owned(),
        );
    }
    problems
}

/// Whether the linter looked for a code: the trees ask for all, or for `F` and `E7`.
fn looked_for(tree: &Tree, code: &str) -> bool {
    tree.codes.is_empty() || ["F401", "F821", "E702"].contains(&code)
}

fn weight(code: Option<&str>) -> u64 {
    match code {
        Some("F401" | "F821") => 3,
        Some("B008" | "B904" | "RUF006") => 2,
        _ => 1,
    }
}

pub fn judge(tree: &Tree) -> Opinion {
    let notes = notes(tree);
    let mut opinion = Opinion {
        passes: true,
        findings: Vec::new(),
        issues: Vec::new(),
        stale: Vec::new(),
        expired: Vec::new(),
        duplicates: Vec::new(),
        warnings: Vec::new(),
        score: (0, 0),
        total: tree.findings.len(),
    };
    let mut waiving = Vec::new();
    let mut answering = Vec::new();
    for (finding, new) in tree.findings.iter().zip(&tree.new) {
        let note = answer(tree, &notes, finding);
        let (state, by) = if let Some(place) = waiver(tree, finding) {
            waiving.push(place);
            let at = &tree.waivers.list[place].at;
            (FindingState::Waived, Some(("waiver".to_owned(), at.0.clone(), at.1)))
        } else if let Some(place) = note {
            answering.push(place);
            let note = &notes[place];
            let (state, kind) = if note.legacy {
                (FindingState::Legacy, "legacy")
            } else {
                (FindingState::Annotated, "annotation")
            };
            (state, Some((kind.to_owned(), note.file.clone(), note.row)))
        } else if let Some(place) = intent(tree, finding) {
            let intent = &tree.registered[place];
            let by = ("intent".to_owned(), intent.file.clone(), intent.line.unwrap_or(0));
            (FindingState::Registered, Some(by))
        } else {
            (FindingState::Unannotated, None)
        };
        if !new {
            continue;
        }
        opinion.passes &= state != FindingState::Unannotated;
        if state == FindingState::Annotated {
            let note = &notes[note.unwrap()];
            let problems = problems(note, &finding.code);
            if !problems.is_empty() {
                opinion.passes = false;
                opinion.issues.push((note.file.clone(), note.row, problems));
            }
            let status = note.fields.get("status").and_then(Value::as_str);
            let bad = matches!(status, Some("planned" | "committed"))
                && !(truthy(note.fields.get("owner")) && truthy(note.fields.get("ticket")));
            opinion.score.1 += weight(note.code.as_deref());
            opinion.score.0 += if bad { 0 } else { weight(note.code.as_deref()) };
        }
        opinion.findings.push((state, by));
    }
    upkeep(tree, &notes, &answering, &waiving, &mut opinion);
    opinion
}

fn upkeep(tree: &Tree, notes: &[Note], answering: &[usize], waiving: &[usize], opinion: &mut Opinion) {
    let doubted = |owner: &str| tree.owners.is_some() && !["core", "@ada"].contains(&owner);
    for (place, note) in notes.iter().enumerate() {
        let of_file = || tree.findings.iter().filter(|finding| finding.file == note.file);
        let stands = |finding: &Finding| {
            (above(tree, finding)..=last_row(finding)).contains(&note.row)
                && (note.code.is_none() || says(note, "UNKNOWN") || says(note, &finding.code))
        };
        let asked = note.code.as_deref().is_none_or(|code| code == "UNKNOWN" || looked_for(tree, code));
        let parses = of_file().all(|finding| finding.code != "invalid-syntax");
        if asked && parses && !answering.contains(&place) && !of_file().any(stands) {
            opinion.stale.push((note.file.clone(), note.row));
        }
        if note.legacy {
            continue;
        }
        match note.fields.get("eta").unwrap_or(&Value::Null) {
            Value::Null => {}
            Value::String(day) => {
                let (_, passed, readable) = DAYS.iter().find(|(text, ..)| text == day).unwrap();
                if *passed {
                    opinion.expired.push((note.file.clone(), note.row, !readable));
                }
            }
            _ => opinion.expired.push((note.file.clone(), note.row, true)),
        }
        let id = |note: &Note| {
            let id = note.fields.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
            id.filter(|_| !note.legacy).map(str::to_owned)
        };
        if let Some(own) = id(note) {
            let first = notes.iter().position(|other| id(other).as_ref() == Some(&own)) == Some(place);
            if first && notes.iter().filter(|other| id(other).as_ref() == Some(&own)).count() > 1 {
                opinion.duplicates.push(own);
            }
        }
        let owner = note.fields.get("owner").and_then(Value::as_str).unwrap_or_default();
        let documented = note.fields.get("status").and_then(Value::as_str) == Some("documented");
        if documented || (!owner.is_empty() && doubted(owner)) {
            opinion.warnings.push((note.file.clone(), note.row));
        }
    }
    for (file, rows) in &tree.files {
        for (row, tag) in comments(rows) {
            if matches!(tag, Tag::Broken(_)) {
                opinion.warnings.push((file.clone(), row));
            }
        }
    }
    for (place, waiver) in tree.waivers.list.iter().enumerate() {
        let at = waiver.at.clone();
        let holds = match waiver.expires.as_deref() {
            Some(day @ ("2026-11-20" | "soon")) => {
                opinion.expired.push((at.0.clone(), at.1, day == "soon"));
                false
            }
            _ => true,
        };
        let asked = waiver.codes.is_empty() || waiver.codes.iter().any(|code| looked_for(tree, code));
        if (holds && asked && !waiving.contains(&place)) || doubted(&waiver.owner) {
            opinion.warnings.push(at);
        }
    }
    opinion.stale.sort();
    opinion.expired.sort();
    opinion.duplicates.sort();
    opinion.warnings.sort();
}
