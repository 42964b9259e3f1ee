//! Fields of a converted annotation.

use super::Blame;
use super::legacy::{Legacy, Says};
use crate::pyjson::{self, JsonObject, Value};

/// What the original wrote where a legacy annotation gives no reason.
const NO_REASON: &str = "kept for future use (migration from legacy annotation)";

/// The fields in the order in which they are written; what a legacy annotation had beside them comes after.
const ORDER: [&str; 13] = [
    "id",
    "code",
    "type",
    "reason_category",
    "reason",
    "suggestion",
    "owner",
    "inferred_owner_confidence",
    "ticket",
    "eta",
    "status",
    "created_at",
    "legacy_format",
];

/// The fields of the unified annotation.
pub(super) fn of(
    legacy: &Legacy<'_>,
    blame: &mut dyn FnMut() -> Blame,
    new_id: &mut dyn FnMut() -> String,
    now: &str,
) -> JsonObject {
    match &legacy.says {
        Says::Reason(reason) => {
            let given = vec![("reason".to_owned(), Value::text(*reason))];
            record(given, "T4-UNUSED-IMPORT", infer(reason).unwrap_or("F401"), blame, new_id, now)
        }
        Says::UnusedImport(given) => {
            let code = infer(text(given, "reason")).unwrap_or("F401");
            record(given.clone(), "T4-UNUSED-IMPORT", code, blame, new_id, now)
        }
        Says::KeyValue(given) => {
            let code = infer(text(given, "reason")).unwrap_or("UNKNOWN");
            record(given.clone(), "T4-KEY-VALUE", code, blame, new_id, now)
        }
        Says::Malformed(name, said) => {
            let reason = if said.is_empty() { "malformed legacy annotation" } else { said };
            let given = vec![("reason".to_owned(), Value::text(reason))];
            record(given, &format!("{name}-MALFORMED"), "UNKNOWN", blame, new_id, now)
        }
        Says::LintIssue(given) => lint_issue(given.clone(), blame, new_id),
    }
}

/// A record of its own, with what was given laid over it.
fn record(
    mut given: JsonObject,
    legacy_format: &str,
    inferred_code: &str,
    blame: &mut dyn FnMut() -> Blame,
    new_id: &mut dyn FnMut() -> String,
    now: &str,
) -> JsonObject {
    given.retain(|(_, value)| said(value));
    let code = match text(&given, "code") {
        "" => inferred_code.to_owned(),
        code => code.to_owned(),
    };
    let reason = match text(&given, "reason") {
        "" => NO_REASON.to_owned(),
        reason => reason.to_owned(),
    };
    // Nothing is inferred where somebody has said it.
    let Blame { owner, confidence } =
        if pyjson::get(&given, "owner").is_some() { Blame { owner: None, confidence: 1.0 } } else { blame() };
    let unsure = confidence < 0.7 && owner.is_some();
    let confidence = if pyjson::get(&given, "owner").is_some() { Value::Null } else { number(confidence) };
    let mut fields = JsonObject::new();
    for name in ORDER {
        let value = match given.iter().position(|(key, _)| key == name) {
            Some(place) if name != "legacy_format" => given.remove(place).1,
            _ => match name {
                "id" => Value::Text(new_id()),
                "code" => Value::Text(code.clone()),
                "type" => Value::text(kind(&code)),
                "reason_category" => Value::text(category(&code, &reason)),
                "reason" => Value::Text(reason.clone()),
                "owner" => owner.clone().map_or(Value::Null, Value::Text),
                "inferred_owner_confidence" => confidence.clone(),
                "status" => Value::text("reserved"),
                "created_at" => Value::text(now),
                "legacy_format" => Value::text(legacy_format),
                _ => Value::Null,
            },
        };
        fields.push((name.to_owned(), value));
    }
    if unsure {
        fields.push(("needs_owner_review".to_owned(), Value::Bool(true)));
    }
    // Names in `given` differ from one another: only those above may be there already.
    let named = fields.len();
    for (name, value) in given {
        if fields.iter().take(named).all(|(known, _)| *known != name) {
            fields.push((name, value));
        }
    }
    fields
}

/// A `T4-LINT-ISSUE` is a record already: it is kept, and what the check asks for is added.
fn lint_issue(
    mut fields: JsonObject,
    blame: &mut dyn FnMut() -> Blame,
    new_id: &mut dyn FnMut() -> String,
) -> JsonObject {
    let missing =
        |fields: &JsonObject, name: &str| pyjson::get(fields, name).is_none_or(|value| !said(value));
    if missing(&fields, "id") {
        pyjson::set(&mut fields, "id", Value::Text(new_id()));
    }
    if missing(&fields, "code") {
        let code = infer(text(&fields, "reason")).unwrap_or("UNKNOWN");
        pyjson::set(&mut fields, "code", Value::text(code));
    }
    for (name, value) in [
        ("type", Value::text("lint")),
        ("reason", Value::text(NO_REASON)),
        ("status", Value::text("reserved")),
        ("suggestion", Value::Null),
    ] {
        if missing(&fields, name) {
            pyjson::set(&mut fields, name, value);
        }
    }
    pyjson::set(&mut fields, "legacy_format", Value::text("T4-LINT-ISSUE"));
    if !missing(&fields, "owner") {
        let confidence = blame().confidence;
        pyjson::set(&mut fields, "inferred_owner_confidence", number(confidence));
        if confidence < 0.7 {
            pyjson::set(&mut fields, "needs_owner_review", Value::Bool(true));
        }
    }
    fields
}

/// Whether a value says anything: `null` and the empty text do not.
fn said(value: &Value) -> bool {
    !matches!(value, Value::Null) && value.as_text().is_none_or(|text| !text.trim().is_empty())
}

fn text<'a>(fields: &'a JsonObject, name: &str) -> &'a str {
    pyjson::get(fields, name).and_then(Value::as_text).unwrap_or_default()
}

fn number(confidence: f64) -> Value {
    Value::Number(pyjson::float(confidence))
}

/// The code that a reason is about, if it names one.
fn infer(reason: &str) -> Option<&'static str> {
    let lower = reason.to_lowercase();
    let says = |word: &str| words(reason).any(|one| one == word);
    if says("F401") || lower.contains("unused import") {
        return Some("F401");
    }
    if says("F821") || words(&lower).any(|one| one == "undefined") {
        return Some("F821");
    }
    ["B008", "B904", "SIM102", "SIM105"].into_iter().find(|code| says(code))
}

/// What kind of finding a code is.
fn kind(code: &str) -> &'static str {
    if code == "F401" { "import" } else { "lint" }
}

/// The category of a reason, by its words: `rapid` is not about an API.
pub(crate) fn category(code: &str, reason: &str) -> &'static str {
    let lower = reason.to_lowercase();
    let says = |names: &[&str]| words(&lower).any(|word| names.contains(&word));
    if says(&["matriz"]) {
        "MATRIZ"
    } else if says(&["constellation", "trinity"]) {
        "CONSTELLATION"
    } else if says(&["api", "apis"]) {
        "API"
    } else if says(&["bio", "quantum"]) {
        "BIO_QUANTUM"
    } else if says(&["core", "infra", "infrastructure"]) || code == "F401" {
        "CORE_INFRA"
    } else {
        "OTHER"
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}
