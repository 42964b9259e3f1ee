//! Scores, percentages and debts.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use time::Date;

use super::answers::{Answers, FindingAnswer, Judged};
use super::tree_annotations::{Grammar, Note, TreeAnnotations};
use super::{Age, CheckMetrics, Debt, Input, upkeep};
use crate::Finding;
use crate::pyjson::{self, Value};

/// The ages that are told apart, by their last day.
const AGES: [(i64, &str); 5] =
    [(7, "0-7 days"), (30, "8-30 days"), (90, "31-90 days"), (365, "91-365 days"), (i64::MAX, "over a year")];

/// Measures the new findings and what answers for them.
pub fn measure(input: &Input<'_>, notes: &TreeAnnotations<'_>, answers: &Answers<'_>) -> CheckMetrics {
    let mut metrics = CheckMetrics::default();
    let mut debts: BTreeMap<Option<String>, Debt> = BTreeMap::new();
    let mut ages: [Age; 5] = AGES.map(|(_, age)| Age { age, findings: 0, weight: 0 });
    let mut unknown = Age { age: "unknown", findings: 0, weight: 0 };
    let (mut findings, mut answered, mut dated) = (0, 0, false);
    for Judged { known, answer } in answers.new_ones() {
        let finding = &known.finding;
        findings += 1;
        answered += usize::from(!matches!(answer, FindingAnswer::None));
        *metrics.counts_by_code.entry(finding.code.clone()).or_default() += 1;
        let note = answer.note(notes);
        let weight = weight(input, finding, note);
        if let Some(note) = note.filter(|note| note.grammar == Grammar::Unified) {
            *metrics.counts_by_status.entry(status(note)).or_default() += 1;
            metrics.weighted_total += weight;
            metrics.weighted_good += if is_good(note) { weight } else { 0 };
        }
        let first_seen = known.first_seen;
        let owner = answer.by(input, notes).and_then(|by| by.owner).filter(|owner| !owner.is_empty());
        let debt = debts.entry(owner.clone()).or_insert_with(|| Debt { owner, ..Debt::default() });
        debt.findings += 1;
        debt.weight += weight;
        if let Some(day) = first_seen.map(|day| day.to_string()) {
            debt.oldest = Some(debt.oldest.take().map_or(day.clone(), |oldest| oldest.min(day)));
        }
        let age = first_seen.and_then(|day| ages.get_mut(age(input.today, day)));
        dated |= age.is_some();
        let age = age.unwrap_or(&mut unknown);
        age.findings += 1;
        age.weight += weight;
    }
    metrics.annotation_quality_score = percent(metrics.weighted_good, metrics.weighted_total, 100.0);
    metrics.coverage_percent = percent(count(answered), count(findings), 100.0);
    let stale = upkeep::stale_notes(input, notes, answers).count();
    metrics.staleness_percent = percent(count(stale), count(notes.list.len()), 0.0);
    metrics.debt_by_owner = debts.into_values().collect();
    metrics.debt_by_owner.sort_by_key(|debt| Reverse((debt.weight, debt.findings)));
    if dated {
        metrics.debt_by_age = ages.into();
        metrics.debt_by_age.extend((unknown.findings > 0).then_some(unknown));
    }
    metrics
}

/// The weight of a finding: by its annotation's code, as the original has it; without one by its own.
fn weight(input: &Input<'_>, finding: &Finding, note: Option<&Note<'_>>) -> u64 {
    let code = match note {
        Some(note) if note.grammar == Grammar::Unified => note.code().unwrap_or_default(),
        _ => finding.code.as_str(),
    };
    u64::from(input.weights.of(code))
}

fn is_good(note: &Note<'_>) -> bool {
    let status = note.field("status").and_then(Value::as_text);
    !matches!(status, Some("planned" | "committed")) || (note.has("owner") && note.has("ticket"))
}

/// The status that is counted, by the original's names for what is none.
fn status(note: &Note<'_>) -> String {
    match note.field("status") {
        None => "unknown".to_owned(),
        Some(Value::Text(text)) => text.clone(),
        Some(other) => pyjson::dumps(other),
    }
}

fn age(today: Date, first_seen: Date) -> usize {
    let days = (today - first_seen).whole_days();
    AGES.iter().position(|(last, _)| days <= *last).unwrap_or(AGES.len())
}

/// A share in percent to two digits: rounded as Python's `round` does, to the nearest of the exact value.
fn percent(part: u64, whole: u64, of_nothing: f64) -> f64 {
    if whole == 0 {
        return of_nothing;
    }
    format!("{:.2}", 100.0 * number(part) / number(whole)).parse().unwrap_or(of_nothing)
}

fn number(count: u64) -> f64 {
    let half = |bits: u64| f64::from(u32::try_from(bits).unwrap_or(u32::MAX));
    half(count >> 32) * 4_294_967_296.0 + half(count & 0xffff_ffff)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
