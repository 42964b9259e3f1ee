//! History of earlier runs: the file of the original, with additional numbers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use annotations::CheckReport;
use registry_core::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use source_tree::atomic;

use crate::Error;

/// Number of days that are kept.
pub const KEPT_DAYS: i64 = 90;
/// Maximum size of the file: 90 days with one entry per hour are a few megabytes.
const LARGEST: u64 = 32 * 1024 * 1024;

/// Entry of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Time of the run.
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    pub timestamp: Timestamp,
    /// Number of findings, waived ones included.
    pub total_findings: u64,
    /// Score of the annotations, in percent.
    #[serde(default)]
    pub quality_score: Option<f64>,
    /// Number of findings by code.
    #[serde(default)]
    pub counts_by_code: BTreeMap<String, u64>,
    /// Number of annotated findings by the annotation's status.
    #[serde(default)]
    pub counts_by_status: BTreeMap<String, u64>,
    /// Share of findings with an answer, in percent. The original's entries do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage_percent: Option<f64>,
    /// Share of annotations whose finding is gone, in percent. The original's entries do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staleness_percent: Option<f64>,
    /// Number of unanswered findings. The original's entries do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unannotated: Option<u64>,
}

impl HistoryEntry {
    /// Creates an entry without findings.
    #[must_use]
    pub fn at(timestamp: Timestamp) -> Self {
        Self {
            timestamp,
            total_findings: 0,
            quality_score: None,
            counts_by_code: BTreeMap::new(),
            counts_by_status: BTreeMap::new(),
            coverage_percent: None,
            staleness_percent: None,
            unannotated: None,
        }
    }

    /// Whether its scores and shares are percentages. The charts have no room for other values.
    fn has_percents(&self) -> bool {
        let shares = [self.quality_score, self.coverage_percent, self.staleness_percent];
        shares.iter().flatten().all(|share| (0.0..=100.0).contains(share))
    }

    /// Creates the entry of a report.
    #[must_use]
    pub fn of(report: &CheckReport, timestamp: Timestamp) -> Self {
        let counts = |from: &BTreeMap<String, usize>| {
            from.iter().map(|(name, count)| (name.clone(), whole(*count))).collect()
        };
        let (summary, metrics) = (&report.summary, &report.metrics);
        Self {
            total_findings: whole(summary.total_findings),
            quality_score: Some(metrics.annotation_quality_score),
            counts_by_code: counts(&metrics.counts_by_code),
            counts_by_status: counts(&metrics.counts_by_status),
            coverage_percent: Some(metrics.coverage_percent),
            staleness_percent: Some(metrics.staleness_percent),
            unannotated: Some(whole(summary.unannotated)),
            ..Self::at(timestamp)
        }
    }
}

/// Reads a history, sorted by time; empty when there is no file.
///
/// # Errors
/// When the file can't be read or is not a history: it is never treated as empty.
pub fn read(path: &Path) -> Result<Vec<HistoryEntry>, Error> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::file(path, "can't be read")(error)),
        Ok(found) if !found.is_file() => return Err(broken(path, "it is no regular file")),
        Ok(_) => {}
    }
    let file = File::open(path).map_err(Error::file(path, "can't be read"))?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(Error::file(path, "can't be read"))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
        return Err(broken(path, "it is larger than 32 MiB"));
    }
    let mut entries: Vec<HistoryEntry> =
        serde_json::from_slice(&bytes).map_err(|error| broken(path, error))?;
    if !entries.iter().all(HistoryEntry::has_percents) {
        return Err(broken(path, "a score or a share is no number of percent"));
    }
    entries.sort_by_key(|entry| entry.timestamp);
    Ok(entries)
}

/// Adds an entry to a history and drops entries older than 90 days. It waits for another writer. Nothing is written
/// when there is an entry younger than `apart_seconds`. Returns the history with the entry at its end, in either
/// case.
///
/// # Errors
/// When the file is not a history, or can't be written: it is unchanged.
pub fn record(path: &Path, entry: HistoryEntry, apart_seconds: i64) -> Result<Vec<HistoryEntry>, Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(Error::file(folder, "can't be made"))?;
    // The folder is locked, not the file: each write replaces the file, and a lock file would be left behind.
    let lock = File::open(folder).map_err(Error::file(folder, "can't be opened"))?;
    lock.lock().map_err(Error::file(folder, "can't be locked"))?;
    let (now, mut entries) = (entry.timestamp, read(path)?);
    let recent =
        |entry: &HistoryEntry| entry.timestamp > now.plus_seconds(-apart_seconds) && entry.timestamp <= now;
    let due = !entries.iter().any(recent);
    let oldest = now.plus_days(-KEPT_DAYS);
    entries.retain(|entry| entry.timestamp > oldest);
    entries.push(entry);
    if due {
        entries.sort_by_key(|entry| entry.timestamp);
        let mut text = serde_json::to_string_pretty(&entries)
            .map_err(|error| Error::unreadable("the history", error))?;
        text.push('\n');
        atomic::write(path, text.as_bytes())?;
    }
    Ok(entries)
}

fn broken(path: &Path, problem: impl std::fmt::Display) -> Error {
    Error::unreadable(
        format!("`{}`", path.display()),
        format!(
            "no history of the dashboard ({problem}): mend it, move it away, or name another with --history"
        ),
    )
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn write_time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    Timestamp::parse_lenient(&text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests;
