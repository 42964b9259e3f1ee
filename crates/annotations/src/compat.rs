//! Semantics of the original checker, and its JSON.

mod quality;
mod rows;
mod waiver_file;

use std::collections::BTreeMap;

use self::quality::{Quality, issues};
use self::rows::{PythonRows, RowAnswer};
use self::waiver_file::WaivedRows;
use crate::Finding;
use crate::pyjson::{JsonObject, Value, dumps_indented};

/// Folders whose findings the original leaves out.
const SKIPPED: [&str; 7] = [".git", ".venv", "node_modules", "archive", "quarantine", "labs", "reports"];

/// What the original checker said, byte for byte but for the crashes.
#[derive(Debug, Clone, PartialEq)]
pub struct Compat {
    /// Its JSON: indented by two, other characters than ASCII escaped, no line end at the end.
    pub json: String,
    /// Whether its status is `pass`.
    pub passes: bool,
}

impl Compat {
    /// The report on findings in the linter's order. `sources` are the files by name, as bytes; one that is missing is
    /// unreadable. `waivers` is the text of the waiver file, if there is one; as in the original, one that is no YAML
    /// waives nothing. `timestamp` is written as it is.
    ///
    /// Findings in one of the original's skipped folders (`labs`, `reports`, ...) are left out, as it does; folders
    /// above the root are not looked at, as it did by mistake. A field of a type that the original crashed on is a
    /// quality issue.
    ///
    /// # Errors
    /// A text: what the original crashed on and this refuses (a waiver file of another shape).
    pub fn check(
        findings: &[Finding],
        sources: &BTreeMap<String, Vec<u8>>,
        waivers: Option<&str>,
        timestamp: &str,
    ) -> Result<Self, String> {
        let waived = waivers.map_or_else(|| Ok(WaivedRows::default()), WaivedRows::read)?;
        let mut report = CompatTally::default();
        let mut files: BTreeMap<&str, PythonRows> = BTreeMap::new();
        let mut last: Option<(&str, u32, RowAnswer)> = None;
        for finding in findings {
            if finding.file.split('/').any(|part| SKIPPED.contains(&part)) {
                continue;
            }
            report.total += 1;
            count(&mut report.by_code, &finding.code);
            if waived.has(&finding.file, finding.start.row) {
                continue;
            }
            let Some(bytes) = sources.get(&finding.file) else {
                report.unannotated.push(entry(finding, "unreadable: the file cannot be read"));
                continue;
            };
            // Findings of one row follow each other, and reading a row's JSON may be long.
            if !matches!(&last, Some((file, row, _)) if *file == finding.file && *row == finding.start.row) {
                let rows = files.entry(&finding.file).or_insert_with(|| PythonRows::new(bytes));
                last = Some((&finding.file, finding.start.row, rows.answer(finding.start.row)));
            }
            if let Some((_, _, answer)) = &last {
                report.add(finding, answer);
            }
        }
        Ok(report.finish(timestamp))
    }

    /// The original's answer where it could not check.
    #[must_use]
    pub fn error(message: &str, timestamp: &str) -> String {
        dumps_indented(&object([
            ("status", "error".into()),
            ("message", message.into()),
            ("timestamp", timestamp.into()),
        ]))
    }
}

/// What has been counted.
#[derive(Default)]
struct CompatTally {
    total: usize,
    annotated: usize,
    by_code: Vec<(String, usize)>,
    by_status: Vec<(String, usize)>,
    unannotated: Vec<Value>,
    legacy: Vec<Value>,
    issues: Vec<Value>,
    quality: Quality,
}

impl CompatTally {
    fn add(&mut self, finding: &Finding, answer: &RowAnswer) {
        match answer {
            RowAnswer::OutOfRange => self.unannotated.push(entry(finding, "line out of range")),
            RowAnswer::None => self.unannotated.push(entry(finding, &finding.message)),
            RowAnswer::Legacy => {
                self.annotated += 1;
                let message = "legacy annotation format - migrate to TODO[T4-ISSUE]";
                self.legacy.push(entry(finding, message));
            }
            RowAnswer::Unified(fields) => {
                self.annotated += 1;
                count(&mut self.by_status, &quality::status_key(fields));
                let wrong = issues(fields, &finding.code);
                if !wrong.is_empty() {
                    self.issues.push(object([
                        ("file", finding.file.as_str().into()),
                        ("line", finding.start.row.into()),
                        ("code", finding.code.as_str().into()),
                        ("annotation_id", quality::field(fields, "id")),
                        ("issues", Value::List(wrong.into_iter().map(Value::Text).collect())),
                    ]));
                }
                self.quality.add(finding, fields);
            }
        }
    }

    fn finish(self, timestamp: &str) -> Compat {
        let passes = self.unannotated.is_empty() && self.issues.is_empty();
        let summary = object([
            ("total_findings", self.total.into()),
            ("annotated", self.annotated.into()),
            ("unannotated", self.unannotated.len().into()),
            ("legacy_format", self.legacy.len().into()),
            ("quality_issues", self.issues.len().into()),
        ]);
        let counts = |list: Vec<(String, usize)>| {
            Value::Object(list.into_iter().map(|(key, count)| (key, count.into())).collect())
        };
        let mut metrics = self.quality.metrics();
        metrics.push(("counts_by_code".to_owned(), counts(self.by_code)));
        metrics.push(("counts_by_status".to_owned(), counts(self.by_status)));
        let json = dumps_indented(&object([
            ("status", if passes { "pass" } else { "fail" }.into()),
            ("timestamp", timestamp.into()),
            ("summary", summary),
            ("metrics", Value::Object(metrics)),
            ("unannotated", Value::List(self.unannotated)),
            ("legacy_annotations", Value::List(self.legacy)),
            ("quality_issues", Value::List(self.issues)),
        ]));
        Compat { json, passes }
    }
}

fn entry(finding: &Finding, message: &str) -> Value {
    object([
        ("file", finding.file.as_str().into()),
        ("line", finding.start.row.into()),
        ("code", finding.code.as_str().into()),
        ("message", message.into()),
    ])
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<JsonObject>())
}

/// Counts a key; keys stay in the order in which they came first.
fn count(counts: &mut Vec<(String, usize)>, key: &str) {
    match counts.iter_mut().find(|(known, _)| known == key) {
        Some((_, count)) => *count += 1,
        None => counts.push((key.to_owned(), 1)),
    }
}
