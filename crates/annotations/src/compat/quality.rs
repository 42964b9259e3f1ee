//! Faults and score of a unified annotation, as the original checker computes them.

use std::collections::HashMap;

use super::object;
use crate::grammar::is_space;
use crate::pyjson::{JsonObject, Value, dumps, float, get};
use crate::{Finding, Weights};

/// Reasons that say nothing, as a whole.
const GENERIC: [&str; 6] =
    ["kept for future", "kept for future use", "kept for future use.", "todo", "fix me", "fixme"];

/// Words that make a reason count as generic in the breakdown, anywhere in it.
const GENERIC_WORDS: [&str; 5] = ["kept for future", "reserved", "todo", "fixme", "placeholder"];

/// How long the lists of the breakdown may be.
const LONGEST: usize = 10;

/// A field's value; null when it is missing.
pub(super) fn field(fields: &JsonObject, name: &str) -> Value {
    get(fields, name).cloned().unwrap_or(Value::Null)
}

/// The key under which a status is counted.
pub(super) fn status_key(fields: &JsonObject) -> String {
    match get(fields, "status") {
        Some(Value::Text(status)) => status.clone(),
        // What the original could not count.
        None | Some(Value::List(_) | Value::Object(_)) => "unknown".to_owned(),
        Some(value @ (Value::Null | Value::Bool(_) | Value::Number(_))) => dumps(value),
    }
}

/// Everything that is wrong with an annotation on a finding of this code, in the original's order.
pub(super) fn issues(fields: &JsonObject, code: &str) -> Vec<String> {
    let mut issues = Vec::new();
    for name in ["id", "code", "status"] {
        let value = get(fields, name);
        // The original crashed on these.
        if name != "id" && matches!(value, Some(Value::List(_) | Value::Object(_))) {
            issues.push(format!("{name} must be text"));
        } else if !value.is_some_and(Value::is_truthy) {
            issues.push(format!("missing {name} field"));
        }
    }
    match get(fields, "reason") {
        None => issues.push("missing or empty reason".to_owned()),
        Some(Value::Text(reason)) => {
            let lowered = reason.trim_matches(is_space).to_lowercase();
            if lowered.is_empty() {
                issues.push("missing or empty reason".to_owned());
            } else if GENERIC.contains(&lowered.as_str()) {
                issues.push(format!("generic reason: '{lowered}' - provide specific context"));
            }
        }
        Some(_) => issues.push("reason must be text".to_owned()),
    }
    if let Some(status) = pending(fields) {
        for name in ["owner", "ticket"] {
            if !has(fields, name) {
                issues.push(format!("status='{status}' requires {name} field"));
            }
        }
    }
    let own = match get(fields, "code") {
        Some(Value::Text(own)) => Some(own.clone()),
        None | Some(Value::Null) => Some("None".to_owned()),
        Some(Value::Bool(true)) => Some("True".to_owned()),
        Some(Value::Bool(false)) => Some("False".to_owned()),
        Some(number @ Value::Number(_)) => Some(python_number(&dumps(number))),
        Some(Value::List(_) | Value::Object(_)) => None,
    };
    if let Some(own) = own.filter(|own| own != code && own != "UNKNOWN") {
        issues.push(format!("annotation code '{own}' != ruff code '{code}'"));
    }
    issues
}

/// A number of JSON as Python's `str` has it.
fn python_number(json: &str) -> String {
    json.replace("NaN", "nan").replace("Infinity", "inf")
}

/// The status, when it is one that needs an owner and a ticket.
fn pending(fields: &JsonObject) -> Option<&str> {
    get(fields, "status").and_then(Value::as_text).filter(|status| matches!(*status, "planned" | "committed"))
}

fn has(fields: &JsonObject, name: &str) -> bool {
    get(fields, name).is_some_and(Value::is_truthy)
}

/// The score and its breakdown.
#[derive(Default)]
pub(super) struct Quality {
    weights: Weights,
    good: u64,
    total: u64,
    missing_owner: Vec<Value>,
    missing_ticket: Vec<Value>,
    generic: Vec<Value>,
    files: Vec<FileQuality>,
    places: HashMap<String, usize>,
}

struct FileQuality {
    name: String,
    issues: u64,
    weight: u64,
}

impl Quality {
    /// Adds a unified annotation on a finding.
    pub fn add(&mut self, finding: &Finding, fields: &JsonObject) {
        let code = get(fields, "code").and_then(Value::as_text).unwrap_or_default();
        let weight = u64::from(self.weights.of(code));
        let item = |name: &str| {
            object([
                ("file", finding.file.as_str().into()),
                ("line", finding.start.row.into()),
                ("code", field(fields, "code")),
                (name, field(fields, name)),
                ("id", field(fields, "id")),
            ])
        };
        let mut good = true;
        if pending(fields).is_some() {
            for (name, list) in [("owner", &mut self.missing_owner), ("ticket", &mut self.missing_ticket)] {
                if !has(fields, name) {
                    list.push(item("status"));
                    good = false;
                }
            }
        }
        let reason = get(fields, "reason").and_then(Value::as_text).unwrap_or_default().to_lowercase();
        if GENERIC_WORDS.iter().any(|word| reason.contains(word)) {
            self.generic.push(item("reason"));
        }
        self.total += weight;
        self.good += if good { weight } else { 0 };
        let place = *self.places.entry(finding.file.clone()).or_insert_with(|| {
            self.files.push(FileQuality { name: finding.file.clone(), issues: 0, weight: 0 });
            self.files.len() - 1
        });
        if let Some(file) = self.files.get_mut(place) {
            file.issues += u64::from(!good);
            file.weight += weight;
        }
    }

    /// The members of `metrics` about quality. Without annotations the original left the counts out, and its list of
    /// files was an object.
    pub fn metrics(mut self) -> JsonObject {
        let empty = self.files.is_empty();
        // A stable sort: files that tie stay in the order in which they came first.
        self.files.sort_by_key(|file| std::cmp::Reverse((file.issues, file.weight)));
        let files = self.files.iter().take(LONGEST).map(|file| {
            object([
                ("file", file.name.as_str().into()),
                ("issues", number(file.issues)),
                ("weight", number(file.weight)),
            ])
        });
        let files = if empty { Value::Object(JsonObject::new()) } else { Value::List(files.collect()) };
        let mut breakdown = JsonObject::new();
        for (name, mut list) in [
            ("missing_owner", self.missing_owner),
            ("missing_ticket", self.missing_ticket),
            ("generic_reason", self.generic),
        ] {
            if !empty {
                breakdown.push((format!("{name}_count"), list.len().into()));
            }
            list.truncate(LONGEST);
            breakdown.push((name.to_owned(), Value::List(list)));
        }
        breakdown.push(("files_by_quality".to_owned(), files));
        let members = [
            ("annotation_quality_score", Value::Number(float(score(self.good, self.total)))),
            ("weighted_good", number(self.good)),
            ("weighted_total", number(self.total)),
            ("quality_breakdown", Value::Object(breakdown)),
        ];
        members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

fn number(number: u64) -> Value {
    Value::Number(number.to_string())
}

/// The share in percent, rounded to two places as Python's `round` does: half to even, on the binary value.
fn score(good: u64, total: u64) -> f64 {
    if total == 0 {
        return 100.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "weights are far below 2^52")]
    let share = 100.0 * good as f64 / total as f64;
    format!("{share:.2}").parse().unwrap_or(share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pyjson::loads;

    /// What `round(100 * good / total, 2)` of Python 3.11 prints.
    #[test]
    fn scores_are_rounded_as_python_does() {
        for (good, total, printed) in [
            (0, 0, "100.0"),
            (69, 126, "54.76"),
            (1, 3, "33.33"),
            (1, 800, "0.12"),
            (3, 800, "0.38"),
            (8, 9, "88.89"),
            (2, 2, "100.0"),
            (0, 7, "0.0"),
            (201, 1600, "12.56"),
        ] {
            assert_eq!(float(score(good, total)), printed, "{good}/{total}");
        }
    }

    #[test]
    fn what_the_original_crashed_on_is_an_issue() {
        let wrong = |json: &str| issues(loads(json).unwrap().as_object().unwrap(), "F401");
        let rest = r#""id":"a","status":"accepted""#;
        for (json, issue) in [
            (format!(r#"{{{rest},"code":"F401","reason":null}}"#), "reason must be text"),
            (format!(r#"{{{rest},"code":"F401","reason":5}}"#), "reason must be text"),
            (format!(r#"{{{rest},"code":["F401"],"reason":"r"}}"#), "code must be text"),
            (r#"{"id":"a","status":{"a":1},"code":"F401","reason":"r"}"#.to_owned(), "status must be text"),
        ] {
            assert_eq!(wrong(&json), [issue], "{json}");
        }
    }

    #[test]
    fn a_status_that_is_no_text_is_counted_as_python_prints_it() {
        for (json, key) in [
            (r#"{"status":null}"#, "null"),
            (r#"{"status":true}"#, "true"),
            (r#"{"status":1.50}"#, "1.5"),
            ("{}", "unknown"),
            (r#"{"status":["a"]}"#, "unknown"),
            (r#"{"status":"x"}"#, "x"),
        ] {
            assert_eq!(status_key(loads(json).unwrap().as_object().unwrap()), key, "{json}");
        }
    }
}
