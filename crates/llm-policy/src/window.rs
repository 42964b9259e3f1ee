//! Calendar windows in IANA time zones.

use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp as Instant, ToSpan};
use registry_core::Timestamp;

use crate::WindowKind;

/// A time zone of the IANA database. The database is built into the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// One window of a calendar: all times with `starts_at <= time < ends_at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarWindow {
    /// The id, such as `2026-11-21`, `2026-W47` or `2026-11`.
    pub id: String,
    /// The start.
    pub starts_at: Timestamp,
    /// The end, which is the start of the next window.
    pub ends_at: Timestamp,
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// Looks up a zone by its name, such as `Europe/Berlin`, ignoring case. Only the built-in database is used, so all
    /// servers have the same calendar.
    ///
    /// # Errors
    /// [`UnknownZone`] when the name is not in the database.
    pub fn parse(name: &str) -> Result<Self, UnknownZone> {
        let found = TimeZoneDatabase::bundled().get(name).ok().filter(|zone| !zone.is_unknown());
        found.map(Self).ok_or_else(|| UnknownZone(name.chars().take(64).collect()))
    }

    /// Returns the name as the database spells it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// Returns the window that contains `at`.
    ///
    /// A day begins at the first instant whose local date is that day or later. If a clock change skips midnight, the
    /// day begins at the change. If midnight occurs twice, the day begins at the first one. Weeks are those of
    /// ISO 8601.
    ///
    /// Windows cover the whole range of [`Timestamp`] without gaps or overlaps. The first and the last window are cut
    /// off at the ends of that range. The last window begins in the last days of the year 9999 and also contains
    /// [`Timestamp::MAX`].
    #[must_use]
    pub fn window(&self, kind: WindowKind, at: Timestamp) -> CalendarWindow {
        let instant = instant_of(at);
        let mut first = first_day(kind, self.0.to_datetime(instant).date());
        let mut starts_at = self.start(first);
        loop {
            let next = next_period(kind, first);
            let ends_at = next.map_or(Timestamp::MAX, |day| self.start(day));
            match next {
                // The clocks were set back over midnight: the local date is yesterday's, but today has already begun.
                Some(day) if ends_at <= at && ends_at < Timestamp::MAX => {
                    first = day;
                    starts_at = ends_at;
                }
                Some(_) | None => return CalendarWindow { id: id(kind, first), starts_at, ends_at },
            }
        }
    }

    /// Returns the first instant whose local date is `day` or later.
    fn start(&self, day: Date) -> Timestamp {
        let midnight = self.0.to_ambiguous_timestamp(day.to_datetime(Time::midnight()));
        let in_gap = matches!(midnight.offset(), AmbiguousOffset::Gap { .. });
        // This fails only after the last instant that the calendar library supports.
        let Ok(instant) = midnight.compatible() else { return Timestamp::MAX };
        // A gap may begin before midnight, as in Toronto in 1919. The day then begins at the clock change.
        let jump = instant
            .checked_add(1.nanosecond())
            .ok()
            .filter(|_| in_gap)
            .and_then(|after| self.0.preceding(after).next())
            .map_or(instant, |transition| transition.timestamp());
        Timestamp::from_micros(jump.as_microsecond())
    }
}

/// Converts a time to the calendar library's type. The library's range ends two days before that of [`Timestamp`], to
/// leave room for every offset. Later times become its last instant, which is in the last window as well.
fn instant_of(at: Timestamp) -> Instant {
    Instant::from_microsecond(at.as_micros()).unwrap_or(Instant::MAX)
}

fn first_day(kind: WindowKind, day: Date) -> Date {
    match kind {
        WindowKind::Day => day,
        WindowKind::Week => {
            let since_monday = i32::from(day.weekday().to_monday_zero_offset());
            day.checked_sub(since_monday.days()).unwrap_or(day)
        }
        WindowKind::Month => day.first_of_month(),
    }
}

/// Returns the first day of the next window; `None` after the year 9999.
fn next_period(kind: WindowKind, first: Date) -> Option<Date> {
    let length = match kind {
        WindowKind::Day => 1.day(),
        WindowKind::Week => 7.days(),
        WindowKind::Month => 1.month(),
    };
    first.checked_add(length).ok()
}

fn id(kind: WindowKind, first: Date) -> String {
    match kind {
        WindowKind::Day => format!("{:04}-{:02}-{:02}", first.year(), first.month(), first.day()),
        WindowKind::Week => {
            let week = first.iso_week_date();
            format!("{:04}-W{:02}", week.year(), week.week())
        }
        WindowKind::Month => format!("{:04}-{:02}", first.year(), first.month()),
    }
}

/// A name that is not in the time zone database, truncated to 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IANA time zone such as `Europe/Berlin`")]
pub struct UnknownZone(String);

#[cfg(test)]
mod tests;
