//! Estimate of when the findings reach the goal.

use registry_core::Timestamp;
use serde::Serialize;

use super::history::{HistoryEntry, KEPT_DAYS};

const SECONDS_PER_DAY: f64 = 86_400.0;
/// Maximum days to the goal that are shown: ten years.
const FURTHEST_DAYS: f64 = 3653.0;

/// Estimate from a history. The fields that the original had keep their names.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Eta {
    /// The number of findings does not fall.
    NotDecreasing {
        /// Always zero.
        rate_per_week: f64,
        /// Present number of findings.
        current_count: u64,
    },
    /// The goal is reached: there are no more findings than it allows.
    GoalAchieved {
        /// Present number of findings.
        current: u64,
    },
    /// The number of findings falls.
    OnTrack {
        /// Days from the last entry to the goal, with one digit.
        days_remaining: f64,
        /// That day in UTC; `null` when it is more than ten years away.
        target_date: Option<String>,
        /// Number of findings that disappear in a week, with one digit.
        rate_per_week: f64,
        /// Present number of findings.
        current_count: u64,
        /// First and last day of the 95 % confidence interval; `null` when the entries are too few or too scattered.
        between: Option<(String, String)>,
    },
}

/// Least-squares line through points. It is computed around their centre: sums of differences keep all digits,
/// however close the points are.
struct Fit {
    mean_x: f64,
    mean_y: f64,
    slope: f64,
    /// Sum of squared differences from `mean_x`.
    spread: f64,
    /// Variance of the points around the line; `None` for two points, which have none.
    variance: Option<f64>,
    points: f64,
}

/// Estimates from the last 90 days of a history (sorted by time). `None` when there are not two entries with
/// different times.
#[must_use]
pub fn estimate(history: &[HistoryEntry], goal: u64, now: Timestamp) -> Option<Eta> {
    let oldest = now.plus_days(-KEPT_DAYS);
    let entries: Vec<&HistoryEntry> =
        history.iter().filter(|entry| entry.timestamp > oldest && entry.timestamp <= now).collect();
    let (first, last) = (entries.first()?, entries.last()?);
    let days = |entry: &HistoryEntry| seconds(entry.timestamp.since(first.timestamp)) / SECONDS_PER_DAY;
    let points: Vec<(f64, f64)> =
        entries.iter().map(|entry| (days(entry), float(entry.total_findings))).collect();
    let fit = Fit::through(&points)?;
    let current = last.total_findings;
    if fit.slope >= 0.0 {
        return Some(Eta::NotDecreasing { rate_per_week: 0.0, current_count: current });
    }
    if current <= goal {
        return Some(Eta::GoalAchieved { current });
    }
    let end = days(last);
    let crossing = fit.mean_x + (float(goal) - fit.mean_y) / fit.slope;
    // The line is below the goal while the count is above: the estimate starts at the count.
    let remaining = if crossing > end { crossing - end } else { (float(current) - float(goal)) / -fit.slope };
    let on = |days: f64| day(last.timestamp, days);
    let between = fit.crossing(float(goal)).and_then(|(low, high)| {
        let (low, high) = ((low - end).max(0.0), high - end);
        // An interval in the past, or without the estimate, is meaningless.
        if high < remaining { None } else { Some((on(low)?, on(high)?)) }
    });
    Some(Eta::OnTrack {
        days_remaining: tenths(remaining),
        target_date: on(remaining),
        rate_per_week: tenths(-fit.slope * 7.0),
        current_count: current,
        between,
    })
}

impl Fit {
    fn through(points: &[(f64, f64)]) -> Option<Self> {
        let count = float(u64::try_from(points.len()).ok()?);
        let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
        let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
        let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        if points.len() < 2 || spread <= 0.0 {
            return None;
        }
        let together: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        let slope = together / spread;
        let rest: f64 = points.iter().map(|(x, y)| (y - mean_y - slope * (x - mean_x)).powi(2)).sum();
        let variance = (points.len() > 2).then(|| rest / (count - 2.0));
        Some(Self { mean_x, mean_y, slope, spread, variance, points: count })
    }

    /// Returns the 95 % confidence interval of the position where the line reaches a height (Fieller, "Some problems
    /// in interval estimation", 1954); `None` when the slope can't be distinguished from zero, so that the interval
    /// has no end.
    fn crossing(&self, height: f64) -> Option<(f64, f64)> {
        let variance = self.variance?;
        let t2 = student(self.points - 2.0).powi(2) * variance;
        let lead = self.slope.powi(2) - t2 / self.spread;
        if lead <= 0.0 {
            return None;
        }
        let away = height - self.mean_y;
        let root = (t2 * (away.powi(2) / self.spread + lead / self.points)).sqrt();
        let middle = self.slope * away;
        Some((self.mean_x + (middle - root) / lead, self.mean_x + (middle + root) / lead))
    }
}

/// 97.5 % quantile of Student's distribution: a table up to ten degrees of freedom, above that the expansion in their
/// inverse (Abramowitz and Stegun 26.7.5).
fn student(freedom: f64) -> f64 {
    const TABLE: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    let listed = TABLE.iter().zip(1_u32..).find(|(_, degrees)| freedom <= f64::from(*degrees));
    if let Some((quantile, _)) = listed {
        return *quantile;
    }
    let z: f64 = 1.959_964;
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    z + first / freedom + second / freedom.powi(2) + third / freedom.powi(3)
}

/// Returns the day in UTC some days after a time; `None` for a day that is too far away.
fn day(from: Timestamp, days: f64) -> Option<String> {
    if !(0.0..=FURTHEST_DAYS).contains(&days) {
        return None;
    }
    let later = from.plus_seconds(time::Duration::seconds_f64(days * SECONDS_PER_DAY).whole_seconds());
    later.to_string().split('T').next().map(str::to_owned)
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Exact up to four thousand million findings.
pub(super) fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Microseconds, not below zero, as seconds.
pub(super) fn seconds(micros: i64) -> f64 {
    std::time::Duration::from_micros(u64::try_from(micros).unwrap_or(0)).as_secs_f64()
}

#[cfg(test)]
mod tests;
