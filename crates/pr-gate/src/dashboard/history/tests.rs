use annotations::{CheckMetrics, CheckSummary};
use serde_json::{Value, json};

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn written(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_originals_file_is_read_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.json");
    let old = json!([{
        "timestamp": "2026-11-20T10:00:00.123456+00:00", "total_findings": 647, "quality_score": 100.0,
        "counts_by_code": {"F401": 600, "B008": 47}, "counts_by_status": {"planned": 5, "null": 1},
        "secret": "of another program"
    }]);
    std::fs::write(&path, old.to_string()).unwrap();
    let report = CheckReport {
        summary: CheckSummary { total_findings: 9, unannotated: 4, ..CheckSummary::default() },
        metrics: CheckMetrics {
            coverage_percent: 55.5,
            annotation_quality_score: 80.0,
            ..CheckMetrics::default()
        },
        ..CheckReport::default()
    };
    let entries = record(&path, HistoryEntry::of(&report, at("2026-11-21T10:00:00Z")), 0).unwrap();
    assert_eq!(entries, read(&path).unwrap());
    let new = written(&path);
    assert_eq!(new[0]["counts_by_code"], old[0]["counts_by_code"]);
    assert_eq!(new[0]["timestamp"], "2026-11-20T10:00:00.123456Z");
    assert_eq!(new[0].get("secret"), None, "fields that are not known are left out");
    assert_eq!(new[0].get("coverage_percent"), None, "what was not measured is not made up");
    assert_eq!(
        (&new[1]["total_findings"], &new[1]["unannotated"], &new[1]["coverage_percent"]),
        (&json!(9), &json!(4), &json!(55.5))
    );
}

#[test]
fn ninety_days_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/history.json");
    let now = at("2026-11-21T10:00:00Z");
    for days in [-91, -90, -89, 0] {
        record(&path, HistoryEntry::at(now.plus_days(days)), 0).unwrap();
    }
    let times: Vec<_> = read(&path).unwrap().iter().map(|entry| entry.timestamp).collect();
    assert_eq!(times, [now.plus_days(-89), now]);
}

#[test]
fn a_file_that_is_no_history_is_named_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.json");
    for wrong in ["", "{}", "[{\"total_findings\": 1}]", "[{\"timestamp\": \"soon\", \"total_findings\": 1}]"]
    {
        std::fs::write(&path, wrong).unwrap();
        let error = record(&path, HistoryEntry::at(at("2026-11-21T10:00:00Z")), 0).unwrap_err().to_string();
        assert!(error.contains("history.json") && error.contains("--history"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), wrong);
    }
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.json");
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert!(read(&path).unwrap_err().to_string().contains("no regular file"));
}

#[test]
fn an_entry_too_soon_is_shown_but_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.json");
    let now = at("2026-11-21T10:00:00Z");
    record(&path, HistoryEntry::at(now), 3600).unwrap();
    assert_eq!(record(&path, HistoryEntry::at(now.plus_seconds(3599)), 3600).unwrap().len(), 2);
    assert_eq!(read(&path).unwrap().len(), 1);
    assert_eq!(record(&path, HistoryEntry::at(now.plus_seconds(3600)), 3600).unwrap().len(), 2);
    assert_eq!(read(&path).unwrap().len(), 2);
}

#[test]
fn of_many_writers_at_once_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.json");
    let now = at("2026-11-21T10:00:00Z");
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let path = &path;
            scope.spawn(move || record(path, HistoryEntry::at(now.plus_seconds(writer)), 0).unwrap());
        }
    });
    assert_eq!(read(&path).unwrap().len(), 8);
}
