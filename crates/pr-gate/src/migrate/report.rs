//! The report of a migration: the fields of the original tool's report, and the skipped annotations.

use annotations::Migration;
use annotations::pyjson::{JsonObject, Value, dumps};
use registry_core::Timestamp;
use serde::Serialize;

/// The report of a migration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MigrateReport {
    /// The time of the migration, in RFC 3339.
    pub timestamp: String,
    /// `dry-run` or `applied`.
    pub mode: &'static str,
    /// The number of files that were searched.
    pub total_files_scanned: usize,
    /// The number of files that change.
    pub files_modified: usize,
    /// The number of annotations that are converted.
    pub total_conversions: usize,
    /// The files that change.
    pub files: Vec<FileReport>,
    /// The fields of each converted annotation, with `file` and `line` before them.
    pub annotations: Vec<serde_json::Value>,
    /// The annotations that are not converted.
    pub skipped: Vec<Skipped>,
}

/// A file that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// The file's name, relative to the root.
    pub file: String,
    /// The number of its annotations that are converted.
    pub conversions: usize,
    /// The ids of these annotations.
    pub annotations: Vec<String>,
}

/// An annotation or a finding that a command skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The file's name, relative to the root.
    pub file: String,
    /// Its row.
    pub line: u32,
    /// Why it was skipped.
    pub reason: String,
}

impl MigrateReport {
    pub(super) fn new(now: Timestamp, scanned: usize) -> Self {
        Self {
            timestamp: now.to_string(),
            mode: "dry-run",
            total_files_scanned: scanned,
            files_modified: 0,
            total_conversions: 0,
            files: Vec::new(),
            annotations: Vec::new(),
            skipped: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, file: &str, migration: &Migration, changed: bool) {
        let skipped = |(line, reason): &(u32, String)| Skipped {
            file: file.to_owned(),
            line: *line,
            reason: reason.clone(),
        };
        self.skipped.extend(migration.skipped.iter().map(skipped));
        if !changed {
            return;
        }
        self.files_modified += 1;
        self.total_conversions += migration.converted.len();
        let id = |fields: &JsonObject| {
            fields.iter().find(|(name, _)| name == "id").map(|(_, id)| match id {
                Value::Text(id) => id.clone(),
                other => dumps(other),
            })
        };
        self.files.push(FileReport {
            file: file.to_owned(),
            conversions: migration.converted.len(),
            annotations: migration.converted.iter().filter_map(|one| id(&one.fields)).collect(),
        });
        for one in &migration.converted {
            let mut fields = serde_json::Map::new();
            fields.insert("file".to_owned(), file.into());
            fields.insert("line".to_owned(), one.row.into());
            for (name, value) in &one.fields {
                fields.entry(name.clone()).or_insert_with(|| json(value));
            }
            self.annotations.push(fields.into());
        }
    }
}

/// Converts a value to standard JSON. Values that only Python accepts (`NaN`, lone surrogates) become strings.
fn json(value: &Value) -> serde_json::Value {
    let written = dumps(value);
    serde_json::from_str(&written).unwrap_or(serde_json::Value::String(written))
}
