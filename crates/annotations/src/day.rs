//! Dates as annotations and waivers write them.

use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, UtcOffset};

/// A day as `YYYY-MM-DD`, and nothing else.
#[must_use]
pub fn plain(text: &str) -> Option<Date> {
    if text.len() != 10 {
        return None;
    }
    let mut parts = text.split('-');
    let mut number = |digits: usize| {
        let part = parts.next()?;
        let whole = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        if whole { part.parse::<u16>().ok() } else { None }
    };
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?).ok()
}

/// A day, or a moment of RFC 3339: its day in UTC.
#[must_use]
pub fn any(text: &str) -> Option<Date> {
    plain(text).or_else(|| {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        Some(moment.checked_to_offset(UtcOffset::UTC)?.date())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_and_nothing_like_it() {
        let day = |text| any(text).map(|day| day.to_string());
        assert_eq!(day("2026-11-21").as_deref(), Some("2026-11-21"));
        assert_eq!(day("2026-11-21T23:30:00-02:00").as_deref(), Some("2026-11-22"));
        assert_eq!(day("2026-11-21T00:30:00.5Z").as_deref(), Some("2026-11-21"));
        for wrong in [
            "",
            "2026-02-30",
            "2026-1-2",
            "+026-01-02",
            "2026-11-21 ",
            "21.11.2026",
            "2026-11",
            "soon",
            "2026-13-01",
            "2026-11-21T00:00",
            "９026-11-2",
            "9999-12-31T23:59:59-01:00",
        ] {
            assert_eq!(day(wrong), None, "{wrong}");
        }
        assert_eq!(plain("2026-11-21T00:30:00Z"), None);
    }
}
