//! Waivers as text and JSON.

use annotations::Waiver;
use cli_support::table::{Column, Lines, lay_out};
use serde::Serialize;
use time::Date;

use crate::out;

/// A waiver as `--json` prints it.
#[derive(Debug, Serialize)]
pub struct WaiverJson<'a> {
    file: &'a str,
    line: Option<u32>,
    codes: &'a [String],
    reason: &'a str,
    owner: &'a str,
    expires: Option<&'a str>,
    /// Days after today on which it holds; negative when it has expired, null without a day that can be read.
    days_left: Option<i64>,
    expired: bool,
    /// Where it is written.
    at: At<'a>,
}

#[derive(Debug, Serialize)]
struct At<'a> {
    file: &'a str,
    row: u32,
}

impl<'a> WaiverJson<'a> {
    /// A waiver as it stands today.
    pub fn of(waiver: &'a Waiver, today: Date) -> Self {
        Self {
            file: &waiver.file,
            line: waiver.line,
            codes: &waiver.codes,
            reason: &waiver.reason,
            owner: &waiver.owner,
            expires: waiver.expires.as_deref(),
            days_left: days_left(waiver, today),
            expired: waiver.is_expired(today),
            at: At { file: &waiver.at.0, row: waiver.at.1 },
        }
    }
}

/// Days after today on which a waiver holds.
pub fn days_left(waiver: &Waiver, today: Date) -> Option<i64> {
    waiver.last_day().flatten().map(|day| (day - today).whole_days())
}

/// What a waiver is about, on one line: `src/a.py:12 (F401)`.
pub fn subject(waiver: &Waiver) -> String {
    let line = waiver.line.map_or_else(String::new, |line| format!(":{line}"));
    let codes = if waiver.codes.is_empty() { "every code".to_owned() } else { waiver.codes.join(", ") };
    out::plain(&format!("{}{line} ({codes})", waiver.file))
}

/// A table of at most 80 columns.
pub fn table(waivers: &[Waiver], today: Date) -> String {
    let columns = [
        Column::Text("File"),
        Column::Number("Line"),
        Column::Text("Codes"),
        Column::Text("Owner"),
        Column::Whole("Expires"),
        Column::Text("Reason"),
    ];
    let rows = waivers.iter().map(|waiver| {
        vec![
            Lines::from(waiver.file.as_str()),
            waiver.line.map_or_else(|| Lines::from("all"), |line| Lines::from(u64::from(line))),
            if waiver.codes.is_empty() { Lines::from("all") } else { Lines::from(waiver.codes.join(" ")) },
            Lines::from(waiver.owner.as_str()),
            Lines::from(when(waiver, today)),
            Lines::from(waiver.reason.as_str()),
        ]
    });
    lay_out(&columns, rows.collect())
}

/// When a waiver expires, in days from today.
pub fn when(waiver: &Waiver, today: Date) -> String {
    let days = |count: u64| if count == 1 { "1 day".to_owned() } else { format!("{count} days") };
    match (waiver.last_day(), days_left(waiver, today)) {
        (None, _) => "never".to_owned(),
        (Some(_), None) => "no date".to_owned(),
        (Some(_), Some(0)) => "today".to_owned(),
        (Some(_), Some(left)) if left > 0 => format!("in {}", days(left.unsigned_abs())),
        (Some(_), Some(left)) => format!("{} ago", days(left.unsigned_abs())),
    }
}
