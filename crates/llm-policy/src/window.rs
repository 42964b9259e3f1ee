//! Calendar windows in IANA time zones.

use registry_core::Timestamp;

/// A time zone of the IANA database, which is built in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(jiff::tz::TimeZone);

/// One window of a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// `2026-11-21`, `2026-W47` or `2026-11`.
    pub id: String,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends; the next one begins there.
    pub ends_at: Timestamp,
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(jiff::tz::TimeZone::UTC);

    /// A zone by its name, such as `Europe/Berlin`.
    ///
    /// # Errors
    /// The name is not in the database.
    pub fn parse(name: &str) -> Result<Self, UnknownZone> {
        jiff::tz::TimeZone::get(name).map(Self).map_err(|_| UnknownZone(name.to_owned()))
    }
}

/// A name that is no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no IANA time zone, such as `Europe/Berlin`")]
pub struct UnknownZone(String);
