//! Calendar windows in IANA time zones.

use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp as Instant, ToSpan};
use registry_core::Timestamp;

use crate::WindowKind;

/// A time zone of the IANA database, which is built in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// One window of a calendar: it holds every `at` with `starts_at <= at < ends_at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarWindow {
    /// `2026-11-21`, `2026-W47` or `2026-11`.
    pub id: String,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends; the next one begins there.
    pub ends_at: Timestamp,
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// A zone by its name, such as `Europe/Berlin`; case does not matter. Only the built-in database is asked, so
    /// that every server has the same calendar.
    ///
    /// # Errors
    /// The name is not in the database.
    pub fn parse(name: &str) -> Result<Self, UnknownZone> {
        let found = TimeZoneDatabase::bundled().get(name).ok().filter(|zone| !zone.is_unknown());
        found.map(Self).ok_or_else(|| UnknownZone(name.chars().take(64).collect()))
    }

    /// The name, as the database writes it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The window that `at` lies in. A day begins at the first moment whose local date is not before it: where
    /// midnight does not exist it begins when the clocks have jumped, and where midnight comes twice it begins at
    /// the first one. Weeks are those of ISO 8601.
    ///
    /// Windows tile all time that a [`Timestamp`] can name, without gaps or overlaps. What they would have before
    /// its first point or after its last one is cut off; the last window begins in the last days of the year 9999
    /// and holds [`Timestamp::MAX`] as well.
    #[must_use]
    pub fn window(&self, kind: WindowKind, at: Timestamp) -> CalendarWindow {
        let instant = instant_of(at);
        let mut first = first_day(kind, self.0.to_datetime(instant).date());
        let mut starts_at = self.start(first);
        loop {
            let next = next_period(kind, first);
            let ends_at = next.map_or(Timestamp::MAX, |day| self.start(day));
            match next {
                // The clocks went back over midnight: the date says yesterday, but today has begun already.
                Some(day) if ends_at <= at && ends_at < Timestamp::MAX => {
                    first = day;
                    starts_at = ends_at;
                }
                Some(_) | None => return CalendarWindow { id: id(kind, first), starts_at, ends_at },
            }
        }
    }

    /// The first moment whose local date is `day` or later.
    fn start(&self, day: Date) -> Timestamp {
        let midnight = self.0.to_ambiguous_timestamp(day.to_datetime(Time::midnight()));
        let in_gap = matches!(midnight.offset(), AmbiguousOffset::Gap { .. });
        // Only midnights after the last instant that the calendar library knows have none.
        let Ok(instant) = midnight.compatible() else { return Timestamp::MAX };
        // A gap may have begun before midnight, as in Toronto in 1919: then the day begins with the jump.
        let jump = instant
            .checked_add(1.nanosecond())
            .ok()
            .filter(|_| in_gap)
            .and_then(|after| self.0.preceding(after).next())
            .map_or(instant, |transition| transition.timestamp());
        Timestamp::from_micros(jump.as_microsecond())
    }
}

/// The calendar library ends two days earlier than [`Timestamp`] does, so that every offset fits; both of these days
/// are in the last window anyway.
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

/// `None` after the year 9999.
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

/// A name that is no time zone; cut to 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no IANA time zone, such as `Europe/Berlin`")]
pub struct UnknownZone(String);

#[cfg(test)]
mod tests;
