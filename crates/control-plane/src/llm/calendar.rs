//! Current budget windows, cached so that a call need not search a calendar.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use llm_policy::{CalendarWindow, WindowKind, Zone};
use registry_core::Timestamp;

/// Number of zone names that are kept; the database has some 600, in any letter case.
const CAPACITY: usize = 2_000;

/// Last window that was asked for, by zone and kind.
#[derive(Debug, Default)]
pub(crate) struct Calendar(Mutex<HashMap<String, KnownZone>>);

#[derive(Debug)]
struct KnownZone {
    zone: Zone,
    day: Option<Arc<CalendarWindow>>,
    week: Option<Arc<CalendarWindow>>,
    month: Option<Arc<CalendarWindow>>,
}

impl Calendar {
    /// Returns the window of a zone.
    pub(crate) fn window(&self, zone: &Zone, kind: WindowKind, at: Timestamp) -> Arc<CalendarWindow> {
        self.find(zone.name(), || zone.clone(), kind, at)
    }

    /// Returns the window of the zone with this name; UTC for no name and for an unknown one.
    pub(crate) fn window_of(
        &self,
        name: Option<&str>,
        kind: WindowKind,
        at: Timestamp,
    ) -> Arc<CalendarWindow> {
        match name {
            None => self.window(&Zone::UTC, kind, at),
            Some(name) => self.find(name, || zone_or_utc(name), kind, at),
        }
    }

    fn find(
        &self,
        name: &str,
        zone: impl FnOnce() -> Zone,
        kind: WindowKind,
        at: Timestamp,
    ) -> Arc<CalendarWindow> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get_mut(name) {
            return known.window(kind, at);
        }
        let mut known = KnownZone { zone: zone(), day: None, week: None, month: None };
        let window = known.window(kind, at);
        if all.len() < CAPACITY {
            all.insert(name.to_owned(), known);
        }
        window
    }
}

/// A zone that was written into the database by hand and does not exist counts as UTC.
pub(crate) fn zone_or_utc(name: &str) -> Zone {
    Zone::parse(name).unwrap_or(Zone::UTC)
}

impl KnownZone {
    fn window(&mut self, kind: WindowKind, at: Timestamp) -> Arc<CalendarWindow> {
        let kept = match kind {
            WindowKind::Day => &mut self.day,
            WindowKind::Week => &mut self.week,
            WindowKind::Month => &mut self.month,
        };
        match kept {
            Some(span) if span.starts_at <= at && at < span.ends_at => Arc::clone(span),
            // Also when the clock went back: the window is that of the given time.
            Some(_) | None => Arc::clone(kept.insert(Arc::new(self.zone.window(kind, at)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_window_holds_for_its_own_time_alone() {
        let calendar = Calendar::default();
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let day = |time: &str| calendar.window_of(Some("Asia/Tokyo"), WindowKind::Day, at(time)).id.clone();
        assert_eq!(day("2026-11-21T14:59:59.999999Z"), "2026-11-21");
        assert_eq!(day("2026-11-21T15:00:00Z"), "2026-11-22");
        assert_eq!(day("2026-11-21T14:59:59Z"), "2026-11-21", "the clock went back");
        let week = calendar.window_of(Some("Asia/Tokyo"), WindowKind::Week, at("2026-11-21T15:00:00Z"));
        assert_eq!(week.id, "2026-W47", "each kind of window is kept by itself");
    }

    #[test]
    fn no_zone_and_one_that_does_not_exist_are_utc() {
        let calendar = Calendar::default();
        let at = Timestamp::parse("2026-11-21T23:30:00Z").unwrap();
        for name in [None, Some("Mars/Base"), Some("")] {
            assert_eq!(calendar.window_of(name, WindowKind::Day, at).id, "2026-11-21", "{name:?}");
        }
    }

    #[test]
    fn a_full_calendar_still_answers() {
        let calendar = Calendar::default();
        let at = Timestamp::parse("2026-11-21T23:30:00Z").unwrap();
        for number in 0..=CAPACITY {
            calendar.window_of(Some(&format!("x{number}")), WindowKind::Day, at);
        }
        assert_eq!(calendar.window_of(Some("Asia/Tokyo"), WindowKind::Day, at).id, "2026-11-22");
        assert_eq!(calendar.0.lock().unwrap().len(), CAPACITY);
    }
}
