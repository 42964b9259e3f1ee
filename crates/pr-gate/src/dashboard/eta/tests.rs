use serde_json::{Value, json};

use super::*;

fn entry(timestamp: Timestamp, total_findings: u64) -> HistoryEntry {
    HistoryEntry { timestamp, total_findings, ..HistoryEntry::at(timestamp) }
}

/// One entry in each so many seconds, with these counts.
fn every(seconds: i64, counts: &[u64]) -> (Vec<HistoryEntry>, Timestamp) {
    let start = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let history: Vec<HistoryEntry> =
        (0..).zip(counts).map(|(step, count)| entry(start.plus_seconds(seconds * step), *count)).collect();
    let now = history.last().unwrap().timestamp;
    (history, now)
}

#[test]
fn the_originals_ten_cases_get_its_answers_but_for_one() {
    let text = include_str!("../../../../../tests/gate/oracle/dashboard-eta-cases.json");
    let cases: Vec<Value> = serde_json::from_str(text).unwrap();
    assert_eq!(cases.len(), 10);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let history: Vec<HistoryEntry> = serde_json::from_value(case["history"].clone()).unwrap();
        let now = history.last().map_or(Timestamp::EPOCH, |entry| entry.timestamp);
        let eta = estimate(&history, 100, now);
        let given = serde_json::to_value(&eta).unwrap();
        let expected = match name {
            // The original takes its fitted line for the truth: 101 findings are "goal achieved" for it. The count
            // decides here, and the line's rate says how far the goal is.
            "fit_below_now_above" => {
                json!({"status": "on_track", "days_remaining": 0.0, "current_count": 101})
            }
            _ => case["eta"].clone(),
        };
        match &expected {
            Value::Object(fields) => {
                for (field, value) in fields {
                    let same = given[field] == *value || given[field].as_f64() == value.as_f64();
                    let same = same && given[field].is_string() == value.is_string();
                    assert!(same, "{name}: {field} is {given} and not {value}");
                }
            }
            _ => assert_eq!(given, expected, "{name}"),
        }
    }
}

/// The original's sums over Unix seconds lose the digits that matter: it gives 11,074 a week for points a minute apart,
/// 14,766 for ten seconds, and nothing for one.
#[test]
fn points_seconds_apart_give_the_rate_that_they_have() {
    for (seconds, rate) in [(3600, 168.0), (60, 10_080.0), (10, 60_480.0), (1, 604_800.0)] {
        let (history, now) = every(seconds, &[1000, 999, 998, 997]);
        let Some(Eta::OnTrack { rate_per_week, .. }) = estimate(&history, 100, now) else {
            panic!("{seconds} seconds")
        };
        assert!((rate_per_week - rate).abs() < 0.11, "{seconds} seconds: {rate_per_week}");
    }
}

#[test]
fn entries_before_the_ninety_days_or_after_now_do_not_count() {
    let (mut history, now) = every(86_400, &[300, 290, 280]);
    let within = estimate(&history, 100, now);
    history.insert(0, entry(now.plus_days(-KEPT_DAYS), 5));
    history.push(entry(now.plus_days(1), 9000));
    assert_eq!(estimate(&history, 100, now), within);
}

#[test]
fn the_count_decides_whether_the_goal_is_reached() {
    let (history, now) = every(86_400, &[160, 130, 100]);
    assert_eq!(estimate(&history, 100, now), Some(Eta::GoalAchieved { current: 100 }));
    assert!(matches!(estimate(&history, 99, now), Some(Eta::OnTrack { .. })));
}

fn between(counts: &[u64]) -> Option<(String, String)> {
    let (history, now) = every(86_400, counts);
    match estimate(&history, 100, now) {
        Some(Eta::OnTrack { between, .. }) => between,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_interval_is_a_day_on_a_line_wider_with_scatter_and_none_in_noise() {
    let exact = between(&[200, 190, 180, 170]).unwrap();
    assert_eq!(exact, ("2026-11-11".to_owned(), "2026-11-11".to_owned()));
    let scattered = between(&[200, 191, 179, 171]).unwrap();
    assert!(scattered.0 < scattered.1, "{scattered:?}");
    assert!(scattered.0.as_str() <= "2026-11-11" && scattered.1.as_str() >= "2026-11-10", "{scattered:?}");
    assert_eq!(between(&[200, 190]), None, "two points have no scatter to judge by");
    assert_eq!(between(&[200, 900, 150, 899, 120]), None, "a slope that can't be told from none");
}

/// The same interval, by another way: the heights at which the 95 % band of the line meets the goal.
#[test]
fn the_ends_of_the_interval_lie_where_the_band_meets_the_goal() {
    let points = [(0.0, 200.0), (1.0, 188.0), (2.0, 181.0), (3.0, 171.0), (4.0, 158.0), (5.0, 151.0)];
    let fit = Fit::through(&points).unwrap();
    let (low, high) = fit.crossing(100.0).unwrap();
    for x in [low, high] {
        let away = x - fit.mean_x;
        let error = (fit.variance.unwrap() * (1.0 / fit.points + away.powi(2) / fit.spread)).sqrt();
        let line = fit.mean_y + fit.slope * away;
        assert!(((line - 100.0).abs() - student(4.0) * error).abs() < 1e-6, "{x}");
    }
}

#[test]
fn students_quantiles_are_those_of_the_tables() {
    for (freedom, quantile) in [(1.0, 12.706), (10.0, 2.228), (11.0, 2.201), (30.0, 2.042), (120.0, 1.980)] {
        assert!((student(freedom) - quantile).abs() < 0.001, "{freedom}: {}", student(freedom));
    }
}

#[test]
fn a_goal_that_is_centuries_away_has_no_date() {
    let (history, now) = every(86_400, &[4_000_000_000, 4_000_000_000, 3_999_999_999]);
    let Some(Eta::OnTrack { target_date, between, .. }) = estimate(&history, 100, now) else { panic!() };
    assert_eq!((target_date, between), (None, None));
}
