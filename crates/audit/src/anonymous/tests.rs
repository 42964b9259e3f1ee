use super::*;
use proptest::prelude::*;

const MINUTE: u64 = WINDOW_MICROS;

#[expect(clippy::unnecessary_wraps, reason = "the argument of `admit` is an option")]
fn network(bits: u32) -> Option<Network> {
    Some(Network::of(std::net::Ipv4Addr::from_bits(bits << 8).into()))
}

fn detail_of(record: &Record) -> Value {
    serde_json::from_str(record.detail.as_deref().unwrap()).unwrap()
}

/// The requests that the detail of a row of counts tells of.
fn told(record: &Record) -> u64 {
    let detail = detail_of(record);
    let sum = |codes: &Value| codes.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum::<u64>();
    detail["networks"].as_array().unwrap().iter().map(|entry| sum(&entry["codes"])).sum::<u64>()
        + sum(&detail["other"])
}

#[test]
fn ten_rows_a_minute_and_network_and_then_one_row_with_the_counts() {
    let rows = AnonymousRows::default();
    for _ in 0..ROWS_PER_NETWORK {
        assert!(rows.admit(network(1), "ok", 400, 0));
    }
    for (name, at) in [("ok", 1_000_000), ("invalid_key", 2_000_000), ("ok", 3_000_000)] {
        assert!(!rows.admit(network(1), name, 400, at));
    }
    assert!(rows.admit(network(2), "ok", 400, 3_000_000));
    assert_eq!(rows.drain(60_999_999, Timestamp::EPOCH, false), None);
    let now = Timestamp::EPOCH.plus_seconds(61);
    let row = rows.drain(61_000_000, now, false).unwrap();
    let expected = r#"{"from":"1970-01-01T00:00:01.000000Z","networks":[{"codes":{"invalid_key":1,"ok":2},"network":"0.0.1.0/24"}],"other":{},"unlisted":0,"until":"1970-01-01T00:00:03.000000Z"}"#;
    assert_eq!(row.detail.as_deref(), Some(expected));
    assert_eq!((row.count, &*row.event, row.actor), (3, "anonymous", Actor::System));
    assert_eq!(rows.drain(u64::MAX, now, true), None);
    assert!(rows.admit(network(1), "ok", 400, 61_000_000));
}

#[test]
fn networks_beyond_the_table_are_counted_together_and_leave_no_rows() {
    let rows = AnonymousRows::default();
    for bits in 0..u32::try_from(MAX_NETWORKS).unwrap() {
        assert!(rows.admit(network(bits), "ok", 1, 0));
    }
    assert!(!rows.admit(network(u32::MAX), "ok", 1, 0));
    assert!(rows.admit(network(7), "ok", 1, 0));
    let row = rows.drain(MINUTE, Timestamp::EPOCH, false).unwrap();
    assert_eq!((row.count, &detail_of(&row)["other"]), (1, &json!({ "ok": 1 })));
    // The silent ones are forgotten, so there is room again.
    assert!(rows.admit(network(u32::MAX), "ok", 1, MINUTE));
}

#[test]
fn a_day_of_floods_from_changing_networks_leaves_at_most_ten_megabytes_of_rows() {
    const DAY: u64 = 24 * 60 * MINUTE;
    let rows = AnonymousRows::default();
    let long = Record {
        path: Some("x".repeat(256)),
        ..Record::of(event::REQUEST, Timestamp::EPOCH, Actor::Anonymous)
    };
    let (mut bytes, mut requests, mut kept, mut counted, mut now) = (0, 0_u64, 0_u64, 0_u64, 0);
    let mut note = |row: Option<Record>, bytes: &mut usize| {
        let Some(row) = row else { return };
        assert!(row.detail.as_ref().unwrap().len() <= 2048, "{row:?}");
        assert_eq!(told(&row), row.count);
        *bytes += row_bytes(&row, &row.outcome);
        counted += row.count;
    };
    while now < DAY {
        for burst in 0..4 {
            requests += 1;
            let bits = u32::try_from(requests % 9_973).unwrap();
            let size = row_bytes(&long, "invalid_admin_token");
            if rows.admit(
                network(bits),
                ["ok", "route_not_found", "invalid_key", "rate_limited"][burst],
                size,
                now,
            ) {
                bytes += size;
                kept += 1;
            }
        }
        now += 1_000_000;
        if now % 5_000_000 == 0 {
            note(rows.drain(now, Timestamp::EPOCH, false), &mut bytes);
        }
    }
    note(rows.drain(now, Timestamp::EPOCH, true), &mut bytes);
    assert!(bytes <= 10_000_000, "{bytes}");
    assert!(kept > 5_000, "the first requests of a minute still get rows: {kept}");
    assert_eq!(kept + counted, requests);
}

proptest! {
    #[test]
    fn every_request_is_a_row_or_in_one_count_and_every_bound_holds(
        steps in proptest::collection::vec((0..2_000_u32, 0..40_u8, 0..30_000_000_u64, 0..4_000_usize), 1..600),
    ) {
        let rows = AnonymousRows::default();
        let (mut now, mut kept, mut counted, mut bytes) = (0, 0_u64, 0_u64, 0_u64);
        let (mut last_row, mut this_minute) = (None::<u64>, HashMap::new());
        let total = u64::try_from(steps.len()).unwrap();
        for (bits, kind, wait, size) in steps {
            now += wait;
            if rows.admit(network(bits), &format!("code_{kind}"), size, now) {
                kept += 1;
                bytes += u64::try_from(size).unwrap();
                *this_minute.entry((bits, now / MINUTE)).or_insert(0_u32) += 1;
            }
            if let Some(row) = rows.drain(now, Timestamp::EPOCH, false) {
                prop_assert!(last_row.is_none_or(|last| now - last >= MINUTE));
                last_row = Some(now);
                prop_assert_eq!(told(&row), row.count);
                prop_assert!(row.detail.as_ref().unwrap().len() <= 2560);
                counted += row.count;
            }
        }
        counted += rows.drain(now, Timestamp::EPOCH, true).map_or(0, |row| row.count);
        prop_assert_eq!(kept + counted, total);
        prop_assert!(bytes <= BURST_BYTES + now / MICROS * BYTES_PER_SECOND + BYTES_PER_SECOND);
        // The minute begins with a request, so a minute of the clock can see the end of one and the start of another.
        prop_assert!(this_minute.values().all(|rows| *rows <= 2 * ROWS_PER_NETWORK));
        prop_assert!(rows.state().networks.len() <= MAX_NETWORKS);
    }
}
