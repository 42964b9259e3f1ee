//! Point in time, in whole microseconds since the Unix epoch, UTC.

use std::borrow::Cow;
use std::fmt;

use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

/// Point in time: microseconds since 1970-01-01T00:00:00Z, UTC, without leap seconds.
///
/// It prints as RFC 3339 with six digits and `Z`, the form that the HTTP API and the database use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Text that is not a point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an RFC 3339 date and time such as 2026-01-31T12:00:00Z")]
pub struct TimestampError {
    /// The text, cut to 64 characters.
    pub text: String,
}

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// 9999-12-31T23:59:59.999999Z, the last point that RFC 3339 can express.
const MAX_MICROS: i64 = 253_402_300_799_999_999;
/// 0000-01-01T00:00:00Z, the first point that RFC 3339 can express.
const MIN_MICROS: i64 = -62_167_219_200_000_000;

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);
    /// Last point in time that RFC 3339 can express.
    pub const MAX: Self = Self(MAX_MICROS);

    /// Creates a point from microseconds since the epoch; points outside the years 0 to 9999 are clamped.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        if micros > MAX_MICROS {
            Self(MAX_MICROS)
        } else if micros < MIN_MICROS {
            Self(MIN_MICROS)
        } else {
            Self(micros)
        }
    }

    /// Returns microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns whole milliseconds since the epoch, zero before it.
    #[must_use]
    pub const fn unix_millis(self) -> u64 {
        if self.0 < 0 { 0 } else { self.0.unsigned_abs() / 1000 }
    }

    /// Returns whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Returns this point moved by `micros`, clamped.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// Returns this point moved by `seconds`, clamped.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_micros(seconds.saturating_mul(1_000_000))
    }

    /// Returns this point moved by whole days of 24 hours, clamped.
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        self.plus_micros(days.saturating_mul(MICROS_PER_DAY))
    }

    /// Returns microseconds from `earlier` to this point; negative when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Parses RFC 3339 (`2026-01-31T12:00:00.5+01:00`).
    ///
    /// # Errors
    /// [`TimestampError`] when the text has another form, or names a date that does not exist.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        OffsetDateTime::parse(text, &Rfc3339).map(Self::from_offset).map_err(|_| TimestampError::new(text))
    }

    /// Reads what the original service and `sqlite3` write besides RFC 3339: no offset (meant as UTC), a space
    /// for the `T`, or a date alone.
    ///
    /// # Errors
    /// [`TimestampError`] when no such form fits.
    pub fn parse_lenient(text: &str) -> Result<Self, TimestampError> {
        if let Some(time) = Self::parse_own(text) {
            return Ok(time);
        }
        let trimmed = text.trim();
        if let Ok(time) = OffsetDateTime::parse(trimmed, &Rfc3339) {
            return Ok(Self::from_offset(time));
        }
        let with_t = trimmed.replacen(' ', "T", 1);
        let candidate = if with_t.len() == 10 { format!("{with_t}T00:00:00Z") } else { format!("{with_t}Z") };
        OffsetDateTime::parse(&candidate, &Rfc3339)
            .or_else(|_| OffsetDateTime::parse(&with_t, &Rfc3339))
            .map(Self::from_offset)
            .map_err(|_| TimestampError::new(text))
    }

    /// The text that this type prints for a stored text, without a copy when it is that text already; `None` where
    /// [`Timestamp::parse_lenient`] fails.
    #[must_use]
    pub fn normal_text(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
        if Self::parse_own(&text).is_some() {
            return Some(text);
        }
        Self::parse_lenient(&text).ok().map(|time| Cow::Owned(time.to_string()))
    }

    /// Reads exactly the form that this type prints: rows are full of it, and the general parser takes ten times as
    /// long. `None` for every other form.
    fn parse_own(text: &str) -> Option<Self> {
        let bytes: &[u8; 27] = text.as_bytes().try_into().ok()?;
        let shape = b"0000-00-00T00:00:00.000000Z";
        let fits = bytes
            .iter()
            .zip(shape)
            .all(|(byte, mark)| if mark.is_ascii_digit() { byte.is_ascii_digit() } else { byte == mark });
        if !fits {
            return None;
        }
        let number = |from: usize, width: usize| {
            let digits = bytes.iter().skip(from).take(width);
            digits.fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'))
        };
        let (year, month, day) = (number(0, 4), number(5, 2), number(8, 2));
        let (hour, minute, second) = (number(11, 2), number(14, 2), number(17, 2));
        if !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let days = days_from_civil(year, month, day);
        // A day that does not exist comes back as another one.
        if civil_from_days(days) != (year, month, day) {
            return None;
        }
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
        Some(Self(seconds * 1_000_000 + number(20, 6)))
    }

    /// The start of a calendar day in UTC; `None` for a day that does not exist.
    #[must_use]
    pub fn from_date(year: i32, month: u8, day: u8) -> Option<Self> {
        let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()?;
        Some(Self::from_offset(PrimitiveDateTime::new(date, Time::MIDNIGHT).assume_utc()))
    }

    fn from_offset(time: OffsetDateTime) -> Self {
        let micros = time.unix_timestamp_nanos().div_euclid(1000);
        Self::from_micros(i64::try_from(micros).unwrap_or(MAX_MICROS))
    }

    /// The text form as fixed bytes: this runs several times per row of an answer.
    fn digits(self) -> [u8; 27] {
        let days = self.0.div_euclid(MICROS_PER_DAY);
        let in_day = self.0.rem_euclid(MICROS_PER_DAY);
        let (year, month, day) = civil_from_days(days);
        let seconds = in_day / 1_000_000;
        let mut out = *b"0000-00-00T00:00:00.000000Z";
        put(&mut out, 0, 4, year);
        put(&mut out, 5, 2, month);
        put(&mut out, 8, 2, day);
        put(&mut out, 11, 2, seconds / 3600);
        put(&mut out, 14, 2, seconds / 60 % 60);
        put(&mut out, 17, 2, seconds % 60);
        put(&mut out, 20, 6, in_day % 1_000_000);
        out
    }
}

impl TimestampError {
    fn new(text: &str) -> Self {
        Self { text: text.chars().take(64).collect() }
    }
}

fn put(out: &mut [u8; 27], from: usize, width: usize, mut value: i64) {
    for place in out.iter_mut().skip(from).take(width).rev() {
        *place = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
}

/// The reverse of [`civil_from_days`], for any numbers.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let shifted = year - i64::from(month <= 2);
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let month_index = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_index + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Days since the epoch to year, month, day in the proleptic Gregorian calendar (Hinnant, "chrono-compatible
/// low-level date algorithms").
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(micros in MIN_MICROS..=MAX_MICROS) {
            let time = Timestamp::from_micros(micros);
            prop_assert_eq!(Timestamp::parse(&time.to_string()), Ok(time));
            prop_assert_eq!(Timestamp::parse_own(&time.to_string()), Some(time));
        }

        /// The short way reads what the general parser reads, and nothing else.
        #[test]
        fn the_own_form_is_read_as_the_general_parser_reads_it(
            year in 0_u32..10_000, month in 0_u32..14, day in 0_u32..33, hour in 0_u32..26, rest in 0_u32..70,
        ) {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{rest:02}:{rest:02}.{rest:06}Z");
            prop_assert_eq!(Timestamp::parse_own(&text), Timestamp::parse(&text).ok(), "{}", text);
        }
    }

    #[test]
    fn the_forms_of_the_original_service_are_read() {
        let expected = Timestamp::parse("2025-11-06T12:34:56Z").unwrap();
        for text in ["2025-11-06T12:34:56", "2025-11-06 12:34:56", "2025-11-06T13:34:56+01:00"] {
            assert_eq!(Timestamp::parse_lenient(text).unwrap(), expected, "{text}");
        }
        let day = Timestamp::parse_lenient("2025-11-06").unwrap();
        assert_eq!(day.to_string(), "2025-11-06T00:00:00.000000Z");
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for text in ["2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T25:00:00Z", "", "now", "\0"]
        {
            assert!(Timestamp::parse(text).is_err(), "{text}");
            assert!(Timestamp::parse_lenient(text).is_err(), "{text}");
        }
        assert_eq!(Timestamp::from_date(2026, 2, 29), None);
    }
}
