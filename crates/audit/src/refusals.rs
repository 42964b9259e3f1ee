//! Counter of refused requests: a caller with too many gets counts in place of a row each.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use canonical::to_jcs;
use registry_core::{KeyId, Network, Timestamp};
use serde_json::json;

use crate::anonymous::AnonymousRows;
use crate::{Actor, Record, event};

/// Counter for the refusals of callers with too many of them, and for requests without credentials, so that a flood
/// of requests does not fill the log.
///
/// Each known caller (see [`who_of`](crate::who_of)) gets [`ROWS_PER_WINDOW`](Self::ROWS_PER_WINDOW) rows per minute.
/// Further refusals are counted by code, and [`drain`](Self::drain) turns the counts into rows. The counts are in
/// memory: a crash loses at most what was not yet drained.
#[derive(Debug, Default)]
pub struct Refusals {
    state: Mutex<RefusalCounts>,
    anonymous: AnonymousRows,
    aggregated: AtomicU64,
}

#[derive(Debug, Default)]
struct RefusalCounts {
    callers: HashMap<String, Window>,
    /// Callers that arrived when the table was full.
    others: Window,
}

/// Current minute of one caller, and the counts that are not yet drained.
#[derive(Debug, Default)]
struct Window {
    /// Monotonic time at which the minute is over; zero before the first refusal.
    ends_micros: u64,
    rows: u32,
    codes: BTreeMap<String, u64>,
    /// Monotonic times of the first and the last refusal in `codes`, and of when their row is due.
    first_micros: u64,
    last_micros: u64,
    due_micros: u64,
}

const OTHERS: &str = "others";
/// Number of codes that are counted separately per caller; the error table has fewer.
const MAX_CODES: usize = 128;

impl Refusals {
    /// Number of refusals per caller and window that get a row each.
    pub const ROWS_PER_WINDOW: u32 = 60;
    /// Length of a window in microseconds: one minute.
    pub const WINDOW_MICROS: u64 = 60_000_000;
    /// Number of callers that are counted separately; further ones share one window.
    pub const MAX_CALLERS: usize = 4096;

    /// Creates a counter without counts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a refusal gets a row. If not, it has been counted.
    pub fn admit(&self, who: &str, code: &str, now_monotonic_micros: u64) -> bool {
        let mut state = self.state();
        let admitted = state.window_for(who).admit(code, now_monotonic_micros);
        drop(state);
        if !admitted {
            self.aggregated.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    /// Whether a request without credentials, whose row takes `bytes`, gets a row. If not, it has been counted.
    pub(crate) fn admit_anonymous(
        &self,
        network: Option<Network>,
        code: &str,
        bytes: usize,
        now_monotonic_micros: u64,
    ) -> bool {
        let admitted = self.anonymous.admit(network, code, bytes, now_monotonic_micros);
        if !admitted {
            self.aggregated.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    /// Takes one counted refusal back, because the request ended otherwise after all. A refusal that was drained
    /// meanwhile stays counted.
    pub(crate) fn take_back(&self, who: &str, code: &str) {
        let mut state = self.state();
        let RefusalCounts { callers, others } = &mut *state;
        let window = callers.get_mut(who).unwrap_or(others);
        if let Some(count) = window.codes.get_mut(code) {
            *count -= 1;
            if *count == 0 {
                window.codes.remove(code);
            }
        }
    }

    /// Returns one `refusals` record for each caller whose window with counted refusals is over, ordered by caller,
    /// and at most once a minute one `anonymous` record. Callers without counts are dropped. Call it every few
    /// seconds.
    ///
    /// The counts are removed here, so the caller must write the records.
    #[must_use]
    pub fn drain(&self, now_monotonic_micros: u64, now: Timestamp) -> Vec<Record> {
        let due = |window: &Window| window.due_micros <= now_monotonic_micros;
        let mut records = self.drain_where(now_monotonic_micros, now, due);
        records.extend(self.anonymous.drain(now_monotonic_micros, now, false));
        records
    }

    /// Like [`drain`](Self::drain), also for windows that are not over: before a stop.
    #[must_use]
    pub fn drain_all(&self, now_monotonic_micros: u64, now: Timestamp) -> Vec<Record> {
        let mut records = self.drain_where(now_monotonic_micros, now, |_| true);
        records.extend(self.anonymous.drain(now_monotonic_micros, now, true));
        records
    }

    /// Returns how many requests were counted instead of written, since the start.
    #[must_use]
    pub fn aggregated_total(&self) -> u64 {
        self.aggregated.load(Ordering::Relaxed)
    }

    fn drain_where(&self, now_micros: u64, now: Timestamp, due: impl Fn(&Window) -> bool) -> Vec<Record> {
        let mut counted = Vec::new();
        let mut state = self.state();
        let RefusalCounts { callers, others } = &mut *state;
        callers.retain(|who, window| {
            if !window.codes.is_empty() && due(window) {
                counted.push((who.clone(), window.take_counted()));
            }
            !window.codes.is_empty() || now_micros < window.ends_micros
        });
        if !others.codes.is_empty() && due(others) {
            counted.push((OTHERS.to_owned(), others.take_counted()));
        }
        drop(state);
        counted.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        counted.into_iter().map(|(who, window)| window.into_record(&who, now_micros, now)).collect()
    }

    fn state(&self) -> MutexGuard<'_, RefusalCounts> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RefusalCounts {
    fn window_for(&mut self, who: &str) -> &mut Window {
        // Two look-ups instead of one: the entry API would copy the name of every known caller.
        if !self.callers.contains_key(who) {
            if self.callers.len() >= Refusals::MAX_CALLERS {
                return &mut self.others;
            }
            self.callers.insert(who.to_owned(), Window::default());
        }
        self.callers.get_mut(who).unwrap_or(&mut self.others)
    }
}

impl Window {
    fn admit(&mut self, code: &str, now_micros: u64) -> bool {
        if now_micros >= self.ends_micros {
            self.ends_micros = now_micros.saturating_add(Refusals::WINDOW_MICROS);
            self.rows = 0;
        }
        if self.rows < Refusals::ROWS_PER_WINDOW {
            self.rows += 1;
            return true;
        }
        if self.codes.is_empty() {
            self.first_micros = now_micros;
            self.due_micros = self.ends_micros;
        }
        self.last_micros = now_micros;
        let known = self.codes.len() < MAX_CODES || self.codes.contains_key(code);
        *self.codes.entry(if known { code } else { "more" }.to_owned()).or_default() += 1;
        false
    }

    /// Takes the counts out. The minute and its rows stay, so that draining gives nobody new rows.
    fn take_counted(&mut self) -> Self {
        Self { codes: std::mem::take(&mut self.codes), ..*self }
    }

    fn into_record(self, who: &str, now_micros: u64, now: Timestamp) -> Record {
        // Only the monotonic time of a refusal is known; its distance to now gives the wall-clock time.
        let at = |micros: u64| {
            now.plus_micros(-i64::try_from(now_micros.saturating_sub(micros)).unwrap_or(i64::MAX)).to_string()
        };
        let detail = json!({
            "who": who,
            "codes": self.codes,
            "from": at(self.first_micros),
            "until": at(self.last_micros),
        });
        let mut record = Record::of(event::REFUSALS, now, Actor::System);
        match who.strip_prefix("ip:") {
            Some(ip) => record.ip = Some(ip.to_owned()),
            None if KeyId::new(who).is_ok() => record.api_key = Some(who.to_owned()),
            None => {}
        }
        "aggregated".clone_into(&mut record.outcome);
        record.count = self.codes.values().sum();
        record.detail = to_jcs(&detail).ok();
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = Refusals::WINDOW_MICROS;

    fn spend_rows(refusals: &Refusals, who: &str, now: u64) {
        for _ in 0..Refusals::ROWS_PER_WINDOW {
            assert!(refusals.admit(who, "first", now));
        }
    }

    #[test]
    fn sixty_rows_a_minute_and_then_one_row_with_the_counts() {
        let refusals = Refusals::new();
        spend_rows(&refusals, "t4_000000000001", 0);
        for (code, at) in [("b", 1_000_000), ("a", 2_000_000), ("b", 3_000_000)] {
            assert!(!refusals.admit("t4_000000000001", code, at));
        }
        assert_eq!(refusals.drain(MINUTE - 1, Timestamp::EPOCH), []);
        let now = Timestamp::EPOCH.plus_seconds(60);
        let rows = refusals.drain(MINUTE, now);
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        let detail = r#"{"codes":{"a":1,"b":2},"from":"1970-01-01T00:00:01.000000Z","until":"1970-01-01T00:00:03.000000Z","who":"t4_000000000001"}"#;
        assert_eq!(row.detail.as_deref(), Some(detail));
        assert_eq!((row.count, &*row.event, row.actor), (3, "refusals", Actor::System));
        assert_eq!(row.api_key.as_deref(), Some("t4_000000000001"));
        assert_eq!(refusals.aggregated_total(), 3);
        assert_eq!(refusals.drain_all(MINUTE, now), []);
    }

    #[test]
    fn every_refusal_is_either_a_row_or_in_a_count() {
        let refusals = Refusals::new();
        let (mut rows, mut counted) = (0, 0);
        for step in 0..50_000_u64 {
            let now = step * 20_000;
            let who = if step % 3 == 0 { "ip:192.0.2.1" } else { "ip:192.0.2.2" };
            rows += u64::from(refusals.admit(who, "x", now));
            if step % 997 == 0 {
                counted += refusals.drain(now, Timestamp::EPOCH).iter().map(|row| row.count).sum::<u64>();
            }
        }
        counted += refusals.drain_all(1 << 40, Timestamp::EPOCH).iter().map(|row| row.count).sum::<u64>();
        assert_eq!(rows + counted, 50_000);
        assert_eq!(counted, refusals.aggregated_total());
        // 1,000 seconds make at most 17 windows for each of the two.
        assert!(rows <= 2 * 17 * 60, "{rows}");
    }

    #[test]
    fn draining_within_a_minute_gives_nobody_new_rows() {
        let refusals = Refusals::new();
        spend_rows(&refusals, "ip:192.0.2.1", 0);
        assert!(!refusals.admit("ip:192.0.2.1", "x", 1));
        assert_eq!(refusals.drain_all(2, Timestamp::EPOCH).len(), 1);
        assert!(!refusals.admit("ip:192.0.2.1", "x", 3));
        assert!(refusals.admit("ip:192.0.2.1", "x", MINUTE));
    }

    #[test]
    fn strangers_beyond_the_table_share_one_window_until_others_fall_silent() {
        let refusals = Refusals::new();
        for caller in 0..Refusals::MAX_CALLERS {
            assert!(refusals.admit(&format!("ip:{caller}"), "x", 0));
        }
        for stranger in 0..Refusals::ROWS_PER_WINDOW {
            assert!(refusals.admit(&format!("stranger {stranger}"), "x", 0));
        }
        assert!(!refusals.admit("one more", "x", 0));
        assert!(refusals.admit("ip:7", "x", 0));
        let rows = refusals.drain(MINUTE, Timestamp::EPOCH);
        assert!(rows.iter().all(|row| row.detail.as_deref().unwrap().contains("\"who\":\"others\"")));
        assert_eq!(rows.len(), 1);
        // The silent ones are forgotten, so there is room again.
        spend_rows(&refusals, "one more", MINUTE);
        assert!(!refusals.admit("one more", "x", MINUTE));
        assert_eq!(refusals.drain_all(MINUTE, Timestamp::EPOCH)[0].count, 1);
    }
}
