//! What the head of an answer says.

use registry_core::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};

use crate::provider::Head;

/// Headers in which providers name a request.
const REQUEST_IDS: [&str; 2] = ["x-request-id", "request-id"];
/// The longest name of a request that is kept, in bytes.
const MAX_REQUEST_ID: usize = 200;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

pub(super) fn read(status: u16, headers: &HeaderMap, now: Timestamp) -> Head {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    Head {
        status,
        request_id: REQUEST_IDS
            .iter()
            .find_map(|name| text(name))
            .filter(|id| !id.is_empty() && id.len() <= MAX_REQUEST_ID)
            .map(str::to_owned),
        retry_after: text(RETRY_AFTER.as_str()).and_then(|value| retry_after(value, now)),
    }
}

/// An answer without a media type is taken for what was asked for.
pub(super) fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_none_or(|value| {
        let media = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
        media.trim().eq_ignore_ascii_case("text/event-stream")
    })
}

/// Seconds from now, by RFC 9110 section 10.2.3: a number of seconds or a date. A date that has passed is 0.
fn retry_after(value: &str, now: Timestamp) -> Option<u64> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds mean as long as can be.
        return Some(value.parse().unwrap_or(u64::MAX));
    }
    let micros = http_date(value)?.since(now).max(0);
    Some(u64::try_from(micros).unwrap_or(0).div_ceil(1_000_000))
}

/// The date form that RFC 9110 section 5.6.7 has senders use: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(value: &str) -> Option<Timestamp> {
    let (_, date) = value.split_once(", ")?;
    let mut words = date.split(' ');
    let day: u8 = words.next()?.parse().ok()?;
    let month = words.next()?;
    let month = MONTHS.iter().zip(1_u8..).find_map(|(name, number)| (*name == month).then_some(number))?;
    let year: i32 = words.next()?.parse().ok()?;
    let mut time = words.next()?.split(':').map(|part| part.parse::<u32>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let rest = (time.next(), words.next(), words.next());
    if rest != (None, Some("GMT"), None) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let start = Timestamp::from_date(year, month, day)?;
    Some(start.plus_seconds(i64::from(hour * 3600 + minute * 60 + second)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let now = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(now.unix_seconds(), 784_111_777);
        for (value, seconds) in [
            ("0", Some(0)),
            (" 17 ", Some(17)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("", None),
            ("-5", None),
            ("soon", None),
            ("Sun, 06 Nov 1994 08:50:07 CET", None),
            ("Sun, 31 Feb 1994 08:50:07 GMT", None),
            ("Sun, 06 Nov 1994 24:50:07 GMT", None),
            ("Sun, 06 Nov 1994 08:50:07:00 GMT", None),
            ("Sun, 06 Nov 1994 08:50 GMT", None),
        ] {
            assert_eq!(retry_after(value, now), seconds, "{value}");
        }
        let later = now.plus_micros(1);
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:38 GMT", later), Some(1));
    }

    #[test]
    fn only_an_event_stream_is_one() {
        let of = |media: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, media.parse().unwrap());
            is_event_stream(&headers)
        };
        assert!(of("text/event-stream"));
        assert!(of("Text/Event-Stream; charset=utf-8"));
        assert!(!of("application/json"));
        assert!(!of("text/html"));
        assert!(is_event_stream(&HeaderMap::new()));
    }

    #[test]
    fn a_name_of_a_request_that_is_too_long_is_left_out() {
        let of = |id: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("request-id", id.parse().unwrap());
            read(200, &headers, Timestamp::from_micros(0)).request_id
        };
        assert_eq!(of("req_1"), Some("req_1".to_owned()));
        assert_eq!(of(&"r".repeat(201)), None);
        assert_eq!(of(""), None);
    }
}
