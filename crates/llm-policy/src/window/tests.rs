use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::tz::TimeZoneDatabase;
use proptest::prelude::*;
use registry_core::Timestamp;

use super::{CalendarWindow, Zone};
use crate::WindowKind;

const HOUR: i64 = 3_600_000_000;

fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn window(name: &str, kind: WindowKind, time: &str) -> CalendarWindow {
    zone(name).window(kind, at(time))
}

fn hours(span: &CalendarWindow) -> i64 {
    assert_eq!(span.ends_at.since(span.starts_at) % HOUR, 0, "{span:?}");
    span.ends_at.since(span.starts_at) / HOUR
}

fn check(span: &CalendarWindow, id: &str, starts_at: &str, ends_at: &str) {
    assert_eq!(span, &CalendarWindow { id: id.to_owned(), starts_at: at(starts_at), ends_at: at(ends_at) });
}

#[test]
fn ids_and_bounds_are_those_of_the_calendar() {
    let now = "2026-11-21T12:00:00Z";
    check(&window("UTC", WindowKind::Day, now), "2026-11-21", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z");
    check(&window("UTC", WindowKind::Week, now), "2026-W47", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z");
    check(&window("UTC", WindowKind::Month, now), "2026-11", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
    assert_eq!(Zone::UTC.window(WindowKind::Day, at(now)), window("UTC", WindowKind::Day, now));
}

#[test]
fn the_end_of_a_window_belongs_to_the_next_window() {
    let day = window("Europe/Berlin", WindowKind::Day, "2026-11-21T22:59:59.999999Z");
    assert_eq!(day.id, "2026-11-21");
    assert_eq!(zone("Europe/Berlin").window(WindowKind::Day, day.ends_at).id, "2026-11-22");
}

#[test]
fn days_with_a_clock_change_have_23_or_25_hours() {
    for (name, short, long) in [
        ("Europe/Berlin", "2026-03-29T12:00:00Z", "2026-10-25T12:00:00Z"),
        ("America/New_York", "2026-03-08T17:00:00Z", "2026-11-01T17:00:00Z"),
        ("Australia/Sydney", "2026-10-04T00:00:00Z", "2026-04-05T00:00:00Z"),
    ] {
        assert_eq!(hours(&window(name, WindowKind::Day, short)), 23, "{name}");
        assert_eq!(hours(&window(name, WindowKind::Day, long)), 25, "{name}");
        assert_eq!(hours(&window(name, WindowKind::Week, short)), 7 * 24 - 1, "{name}");
        assert_eq!(hours(&window(name, WindowKind::Week, long)), 7 * 24 + 1, "{name}");
    }
    check(
        &window("Europe/Berlin", WindowKind::Day, "2026-10-25T00:30:00Z"),
        "2026-10-25",
        "2026-10-24T22:00:00Z",
        "2026-10-25T23:00:00Z",
    );
    let half = window("Australia/Lord_Howe", WindowKind::Day, "2026-10-04T00:00:00Z");
    assert_eq!(half.ends_at.since(half.starts_at), 23 * HOUR + HOUR / 2);
}

#[test]
fn a_day_without_midnight_begins_at_the_clock_change() {
    check(
        &window("America/Sao_Paulo", WindowKind::Day, "2018-11-04T03:00:00Z"),
        "2018-11-04",
        "2018-11-04T03:00:00Z",
        "2018-11-05T02:00:00Z",
    );
    let beirut = window("Asia/Beirut", WindowKind::Day, "2024-03-31T12:00:00Z");
    assert_eq!((beirut.id.as_str(), hours(&beirut)), ("2024-03-31", 23));
    assert_eq!(beirut.starts_at, at("2024-03-30T22:00:00Z"));
}

#[test]
fn a_day_whose_first_half_hour_is_skipped_begins_at_the_clock_change() {
    // Toronto's clocks moved from 23:30 to 00:30.
    let jump = at("1919-03-31T04:30:00Z");
    let toronto = zone("America/Toronto");
    let day = toronto.window(WindowKind::Day, jump);
    assert_eq!((day.id.as_str(), day.starts_at), ("1919-03-31", jump));
    assert_eq!(toronto.window(WindowKind::Day, jump.plus_micros(-1)).ends_at, jump);
}

#[test]
fn a_day_with_two_midnights_begins_at_the_first() {
    // St John's clocks were set back from 00:01 to 23:01 of the day before.
    let zone = zone("America/St_Johns");
    let midnight = at("2010-11-07T02:30:00Z");
    let before = zone.window(WindowKind::Day, midnight.plus_micros(-1));
    assert_eq!((before.id.as_str(), before.ends_at), ("2010-11-06", midnight));
    for minutes in [0, 1, 30, 60, 120] {
        let day = zone.window(WindowKind::Day, midnight.plus_seconds(minutes * 60));
        assert_eq!((day.id.as_str(), day.starts_at), ("2010-11-07", midnight), "{minutes} minutes later");
    }
}

#[test]
fn offsets_of_13_and_14_hours_and_a_skipped_day_are_handled() {
    check(
        &window("Pacific/Kiritimati", WindowKind::Day, "2026-11-20T10:00:00Z"),
        "2026-11-21",
        "2026-11-20T10:00:00Z",
        "2026-11-21T10:00:00Z",
    );
    check(
        &window("Pacific/Apia", WindowKind::Day, "2026-11-20T11:00:00Z"),
        "2026-11-21",
        "2026-11-20T11:00:00Z",
        "2026-11-21T11:00:00Z",
    );
    // Samoa had no 30 December in 2011.
    let last = window("Pacific/Apia", WindowKind::Day, "2011-12-30T09:59:59.999999Z");
    assert_eq!((last.id.as_str(), last.ends_at), ("2011-12-29", at("2011-12-30T10:00:00Z")));
    let next = window("Pacific/Apia", WindowKind::Day, "2011-12-30T10:00:00Z");
    assert_eq!((next.id.as_str(), next.starts_at), ("2011-12-31", last.ends_at));
    let week = window("Pacific/Apia", WindowKind::Week, "2011-12-30T10:00:00Z");
    assert_eq!((week.id.as_str(), hours(&week)), ("2011-W52", 6 * 24));
}

#[test]
fn leap_days_and_year_ends_are_handled() {
    assert_eq!(window("UTC", WindowKind::Day, "2028-02-29T23:59:59Z").id, "2028-02-29");
    assert_eq!(hours(&window("UTC", WindowKind::Month, "2028-02-10T00:00:00Z")), 29 * 24);
    assert_eq!(hours(&window("UTC", WindowKind::Month, "2027-02-10T00:00:00Z")), 28 * 24);
    assert_eq!(hours(&window("UTC", WindowKind::Month, "2100-02-10T00:00:00Z")), 28 * 24);
    assert_eq!(window("UTC", WindowKind::Month, "2026-12-31T23:59:59Z").ends_at, at("2027-01-01T00:00:00Z"));
    // The year of a week is that of its Thursday.
    assert_eq!(window("UTC", WindowKind::Week, "2027-01-03T12:00:00Z").id, "2026-W53");
    assert_eq!(window("UTC", WindowKind::Week, "2024-12-30T00:00:00Z").id, "2025-W01");
    assert_eq!(window("UTC", WindowKind::Week, "2021-01-01T00:00:00Z").id, "2020-W53");
}

#[test]
fn zone_names_are_found_in_any_case_and_returned_as_the_database_spells_them() {
    assert_eq!(zone("europe/BERLIN").name(), "Europe/Berlin");
    assert_eq!(zone("utc").name(), "UTC");
    assert_eq!(Zone::UTC.name(), "UTC");
    assert_eq!(zone("utc"), Zone::UTC);
    for wrong in ["", "Mars/Olympus", "+02:00", "Etc/Unknown", "../etc/passwd", "CET-1CEST"] {
        let error = Zone::parse(wrong).unwrap_err().to_string();
        assert_eq!(error, format!("`{wrong}` is not an IANA time zone such as `Europe/Berlin`"));
    }
    assert!(Zone::parse(&"é".repeat(10_000)).unwrap_err().to_string().len() < 256);
}

#[test]
fn every_zone_tiles_time_around_each_of_its_clock_changes() {
    let names: Vec<String> =
        TimeZoneDatabase::bundled().available().map(|name| name.as_str().to_owned()).collect();
    assert!(names.len() > 400, "{}", names.len());
    let mut near_midnight = 0;
    let mut seen = BTreeSet::new();
    for name in names {
        let zone = zone(&name);
        let changes: Vec<jiff::Timestamp> = zone
            .0
            .preceding("2030-01-01T00:00:00Z".parse().unwrap())
            .map(|change| change.timestamp())
            .collect();
        // Many names share one calendar.
        if !seen.insert(changes.clone()) {
            continue;
        }
        for instant in changes {
            let after = zone.0.to_datetime(instant);
            let before = zone.0.to_datetime(instant - 1.nanosecond());
            let change = Timestamp::from_micros(instant.as_microsecond());
            // Only a change near midnight or a skipped date can affect where a day begins.
            if before.date() == after.date() && before.hour() != 23 && after.hour() > 1 {
                continue;
            }
            near_midnight += 1;
            for kind in WindowKind::ALL {
                for minutes in [-1, 0, 31, 61, 1440] {
                    check_tile(&zone, *kind, change.plus_seconds(minutes * 60));
                }
            }
        }
    }
    assert!(near_midnight > 1000, "{near_midnight}");
}

/// Checks that the window at one time contains that time and adjoins its neighbours.
fn check_tile(zone: &Zone, kind: WindowKind, time: Timestamp) {
    let span = zone.window(kind, time);
    let what = format!("{} {kind:?} {time} {span:?}", zone.name());
    assert!(span.starts_at <= time, "{what}");
    assert!(time < span.ends_at || span.ends_at == Timestamp::MAX, "{what}");
    assert_eq!(zone.window(kind, span.starts_at), span, "{what}");
    assert_eq!(zone.window(kind, span.ends_at.plus_micros(-1)), span, "{what}");
    if span.ends_at < Timestamp::MAX {
        let next = zone.window(kind, span.ends_at);
        assert_eq!(next.starts_at, span.ends_at, "{what}");
        assert!(next.id > span.id || time < at("0001-02-01T00:00:00Z"), "{what} {}", next.id);
    }
    if span.starts_at > Timestamp::from_micros(i64::MIN) {
        let before = zone.window(kind, span.starts_at.plus_micros(-1));
        assert_eq!(before.ends_at, span.starts_at, "{what}");
        assert_ne!(before.id, span.id, "{what}");
    }
}

#[test]
fn the_first_and_the_last_timestamps_have_windows() {
    for name in ["UTC", "Pacific/Kiritimati", "Pacific/Niue", "America/New_York"] {
        for kind in WindowKind::ALL {
            let zone = zone(name);
            for hours in 0..80 {
                check_tile(&zone, *kind, Timestamp::MAX.plus_micros(-hours * HOUR));
                check_tile(&zone, *kind, Timestamp::from_micros(i64::MIN).plus_micros(hours * HOUR));
            }
        }
    }
    assert_eq!(Zone::UTC.window(WindowKind::Month, Timestamp::MAX).id, "9999-12");
    assert_eq!(Zone::UTC.window(WindowKind::Day, Timestamp::from_micros(i64::MIN)).id, "0000-01-01");
}

fn zones() -> impl Strategy<Value = Zone> {
    prop::sample::select(vec![
        "UTC",
        "Europe/Berlin",
        "Europe/Dublin",
        "America/New_York",
        "America/Sao_Paulo",
        "America/St_Johns",
        "America/Juneau",
        "Africa/Casablanca",
        "Asia/Beirut",
        "Asia/Kathmandu",
        "Asia/Manila",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Pacific/Chatham",
        "Pacific/Kiritimati",
        "Antarctica/Troll",
    ])
    .prop_map(zone)
}

proptest! {
    #[test]
    fn windows_tile_time(
        zone in zones(),
        kind in prop::sample::select(WindowKind::ALL),
        micros in prop_oneof![
            4 => -5_000_000_000_000_000_i64..5_000_000_000_000_000,
            1 => any::<i64>(),
        ],
    ) {
        check_tile(&zone, kind, Timestamp::from_micros(micros));
    }

    #[test]
    fn two_times_share_a_window_exactly_when_the_later_is_before_its_end(
        zone in zones(),
        kind in prop::sample::select(WindowKind::ALL),
        micros in 0_i64..4_000_000_000_000_000,
        apart in 0_i64..40 * 24 * HOUR,
    ) {
        let (early, late) = (Timestamp::from_micros(micros), Timestamp::from_micros(micros + apart));
        let (first, second) = (zone.window(kind, early), zone.window(kind, late));
        prop_assert_eq!(first.id == second.id, late < first.ends_at);
        prop_assert_eq!(first.id == second.id, first == second);
    }
}
