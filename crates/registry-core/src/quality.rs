//! Quality figures of the whole registry.

use std::collections::BTreeMap;

use crate::{Status, Timestamp};

/// Counts intents one by one; [`QualityTally::summary`] gives the figures.
#[derive(Debug, Clone, Default)]
pub struct QualityTally {
    total: u64,
    by_status: BTreeMap<String, u64>,
    by_code: BTreeMap<String, u64>,
    live: u64,
    live_owned: u64,
    resolved: u64,
    resolve_micros: i128,
}

/// The figures of `GET /metrics/summary`.
#[derive(Debug, Clone, PartialEq)]
pub struct QualitySummary {
    /// All intents.
    pub total: u64,
    /// Intents by status text.
    pub by_status: BTreeMap<String, u64>,
    /// The most frequent codes, most frequent first, at most [`QualitySummary::TOP_CODES`].
    pub by_code: Vec<(String, u64)>,
    /// Per cent of planned and committed intents that have owner and ticket; 100 when there are none.
    pub quality_score: f64,
    /// Mean days from creation to resolution; `None` when nothing is resolved.
    pub avg_time_to_resolve_days: Option<f64>,
}

impl QualitySummary {
    /// How many codes are listed (the seed's).
    pub const TOP_CODES: usize = 20;
}

/// What of an intent counts. Borrowed from a row, so that a scan copies nothing.
#[derive(Debug, Clone, Copy)]
pub struct CountedIntent<'a> {
    /// Status text as stored.
    pub status: &'a str,
    /// Code.
    pub code: &'a str,
    /// Whether it has an owner and a ticket.
    pub owned: bool,
    /// Creation and resolution.
    pub resolved: Option<(Timestamp, Timestamp)>,
}

impl QualityTally {
    /// Counts one intent.
    pub fn add(&mut self, row: CountedIntent<'_>) {
        self.total += 1;
        bump(&mut self.by_status, row.status);
        bump(&mut self.by_code, row.code);
        if Status::read(Some(row.status)).status.needs_owner_and_ticket() {
            self.live += 1;
            self.live_owned += u64::from(row.owned);
        }
        if let Some((created, resolved)) = row.resolved {
            self.resolved += 1;
            self.resolve_micros += i128::from(resolved.since(created).max(0));
        }
    }

    /// The figures so far.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "figures for people; counts stay far below 2^52")]
    pub fn summary(self) -> QualitySummary {
        let mut by_code: Vec<_> = self.by_code.into_iter().collect();
        by_code.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        by_code.truncate(QualitySummary::TOP_CODES);
        let share = |part: u64, whole: u64| part as f64 / whole as f64;
        let mean_micros = |sum: i128, n: u64| sum as f64 / n as f64;
        QualitySummary {
            total: self.total,
            by_status: self.by_status,
            by_code,
            quality_score: if self.live == 0 { 100.0 } else { 100.0 * share(self.live_owned, self.live) },
            avg_time_to_resolve_days: (self.resolved > 0)
                .then(|| mean_micros(self.resolve_micros, self.resolved) / 86_400e6),
        }
    }
}

fn bump(counts: &mut BTreeMap<String, u64>, word: &str) {
    if let Some(count) = counts.get_mut(word) {
        *count += 1;
    } else {
        counts.insert(word.to_owned(), 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_is_the_share_of_live_intents_with_owner_and_ticket() {
        let mut tally = QualityTally::default();
        for (status, owned) in [("planned", true), ("committed", false), ("reserved", false)] {
            tally.add(CountedIntent { status, code: "F401", owned, resolved: None });
        }
        let day = Timestamp::EPOCH.plus_days(2);
        tally.add(CountedIntent {
            status: "implemented",
            code: "E1",
            owned: true,
            resolved: Some((Timestamp::EPOCH, day)),
        });
        let summary = tally.summary();
        assert!((summary.quality_score - 50.0).abs() < 1e-9);
        assert_eq!(summary.avg_time_to_resolve_days, Some(2.0));
        assert_eq!(summary.by_code, vec![("F401".to_owned(), 3), ("E1".to_owned(), 1)]);
    }

    #[test]
    fn an_empty_registry_has_full_quality() {
        assert!((QualityTally::default().summary().quality_score - 100.0).abs() < 1e-9);
    }
}
