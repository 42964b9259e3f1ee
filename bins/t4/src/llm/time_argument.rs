//! Point in time as a command-line argument.

use std::str::FromStr;

use registry_core::Timestamp;

/// A point in time, perhaps counted back from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// This many seconds ago.
    Ago(i64),
    /// A point that the calendar names.
    At(Timestamp),
}

impl When {
    /// The point, seen from `now`.
    pub fn seen_from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(seconds) => now.plus_seconds(seconds.saturating_neg()),
            Self::At(time) => time,
        }
    }
}

impl FromStr for When {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const TAKES: &str = "takes 7d, 24h, a day such as 2026-11-21 (it begins at midnight UTC), or a time such as \
                             2026-11-21T10:00:00Z";
        let (count, seconds) = match (text.strip_suffix('d'), text.strip_suffix('h')) {
            (Some(days), _) => (days, 86_400),
            (None, Some(hours)) => (hours, 3600),
            (None, None) => {
                let day = text.len() == 10;
                let time = if day { format!("{text}T00:00:00Z") } else { text.to_owned() };
                return Timestamp::parse(&time).map(Self::At).map_err(|_| TAKES);
            }
        };
        let digits = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
        let count: i64 = count.parse().ok().filter(|_| digits).ok_or(TAKES)?;
        count.checked_mul(seconds).map(Self::Ago).ok_or(TAKES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> String {
        let now = Timestamp::parse("2026-03-01T12:30:00.5Z").unwrap();
        text.parse::<When>().unwrap().seen_from(now).to_string()
    }

    #[test]
    fn times_are_counted_back_or_named() {
        for (text, time) in [
            ("7d", "2026-02-22T12:30:00.500000Z"),
            ("0d", "2026-03-01T12:30:00.500000Z"),
            ("24h", "2026-02-28T12:30:00.500000Z"),
            ("36h", "2026-02-28T00:30:00.500000Z"),
            ("2026-11-21", "2026-11-21T00:00:00.000000Z"),
            ("2024-02-29", "2024-02-29T00:00:00.000000Z"),
            ("2026-11-21T10:00:00+02:00", "2026-11-21T08:00:00.000000Z"),
            ("999999999d", "0000-01-01T00:00:00.000000Z"),
        ] {
            assert_eq!(from(text), time, "{text}");
        }
    }

    #[test]
    fn what_names_no_time_is_refused_with_what_does() {
        for text in [
            "",
            "d",
            "h",
            "7",
            "7m",
            "-7d",
            "+7d",
            "7 d",
            "1.5d",
            "7D",
            "99999999999999999999d",
            "9223372036854775807d",
            "2026-02-29",
            "2026-13-01",
            "26-11-21",
            "2026-11-21T10:00:00",
            "yesterday",
        ] {
            assert!(text.parse::<When>().unwrap_err().contains("7d, 24h"), "{text}");
        }
    }
}
