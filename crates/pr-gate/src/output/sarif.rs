//! The report as SARIF 2.1.0, for GitHub code scanning and other tools.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use annotations::{Annotated, CheckReport, Finding, FindingState, Issue};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Header, answer};
use crate::fingerprint::hex_prefix;

/// T4's rules about annotations and waivers, which are listed with the linter's rules.
const OWN_RULES: [(&str, &str); 5] = [
    ("t4-annotation", "An annotation that is incomplete"),
    ("t4-stale", "An annotation whose finding is gone"),
    ("t4-expired", "An annotation or waiver whose date has passed"),
    ("t4-duplicate", "An id that several annotations use"),
    ("t4-warning", "A possible problem"),
];

/// Renders one SARIF log with one run. Findings that are answered for are suppressed results.
///
/// # Errors
/// A value can't be written as JSON. This does not occur for a report of the check.
pub fn render(header: &Header<'_>, report: &CheckReport) -> Result<String, serde_json::Error> {
    let mut rules = BTreeMap::new();
    let mut results: Vec<Value> = report.findings.iter().map(|one| result(one, &mut rules)).collect();
    let stale = report.stale.iter().map(|by| {
        own("t4-stale", &by.file, by.row, "The finding of this annotation is gone; `t4 prune` removes it")
    });
    let expired = report.expired.iter().map(|one| {
        own(
            "t4-expired",
            &one.by.file,
            one.by.row,
            &format!("`{}` has passed: {}", one.date, answer(&one.by)),
        )
    });
    results.extend(issues("t4-annotation", &report.quality_issues));
    results.extend(stale);
    results.extend(expired);
    results.extend(issues("t4-duplicate", &report.duplicates));
    results.extend(issues("t4-warning", &report.warnings));
    let mut rules: Vec<Value> = rules.into_values().collect();
    rules.extend(OWN_RULES.map(|(id, about)| json!({"id": id, "shortDescription": {"text": about}})));
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "t4 check",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
                "properties": {"linter": header.tool},
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let mut text = serde_json::to_string_pretty(&log)?;
    text.push('\n');
    Ok(text)
}

fn issues(rule: &str, issues: &[Issue]) -> Vec<Value> {
    issues.iter().map(|issue| own(rule, &issue.file, issue.row, &issue.problems.join("; "))).collect()
}

fn result(one: &Annotated, rules: &mut BTreeMap<String, Value>) -> Value {
    let finding = &one.finding;
    rules.entry(finding.code.clone()).or_insert_with(|| rule(finding));
    let mut result = json!({
        "ruleId": finding.code,
        "level": if one.state == FindingState::Unannotated { "error" } else { "note" },
        "message": {"text": finding.message},
        "locations": [location(&finding.file, &region(finding))],
        "partialFingerprints": fingerprints(&one.fingerprint),
    });
    if let (Some(by), Some(object)) = (&one.by, result.as_object_mut()) {
        let kind = match one.state {
            FindingState::Annotated | FindingState::Legacy => "inSource",
            FindingState::Waived | FindingState::Registered | FindingState::Unannotated => "external",
        };
        object.insert(
            "suppressions".to_owned(),
            json!([{
                "kind": kind,
                "status": "accepted",
                "justification": answer(by),
                "location": location(&by.file, &json!({"startLine": by.row.max(1)})),
                "properties": {"state": one.state.word()},
            }]),
        );
    }
    result
}

fn rule(finding: &Finding) -> Value {
    match &finding.url {
        Some(url) => json!({"id": finding.code, "helpUri": url}),
        None => json!({"id": finding.code}),
    }
}

fn own(rule: &str, file: &str, row: u32, message: &str) -> Value {
    let mut hash = Sha256::new();
    for part in [rule, file, message] {
        hash.update(part);
        hash.update([0]);
    }
    let fingerprint = hex_prefix(hash, 16);
    json!({
        "ruleId": rule,
        "level": if rule == "t4-annotation" { "error" } else { "warning" },
        "message": {"text": message},
        "locations": [location(file, &json!({"startLine": row.max(1)}))],
        "partialFingerprints": fingerprints(&fingerprint),
    })
}

/// The fingerprint under two names: GitHub tracks an alert by `primaryLocationLineHash`; `t4/v1` is for other readers.
fn fingerprints(fingerprint: &str) -> Value {
    json!({"t4/v1": fingerprint, "primaryLocationLineHash": format!("{fingerprint}:1")})
}

fn region(finding: &Finding) -> Value {
    let mut region = json!({"startLine": finding.start.row.max(1), "endLine": finding.end.row.max(1)});
    if let (true, Some(object)) = (finding.start.column > 0, region.as_object_mut()) {
        object.insert("startColumn".to_owned(), finding.start.column.into());
        object.insert("endColumn".to_owned(), finding.end.column.max(1).into());
    }
    region
}

fn location(file: &str, region: &Value) -> Value {
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(file), "uriBaseId": "%SRCROOT%"},
        "region": region,
    }})
}

/// Writes a file name as a relative reference (RFC 3986), with percent escapes where a path needs them.
fn uri(file: &str) -> String {
    let mut uri = String::with_capacity(file.len());
    for byte in file.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~@+,=".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
