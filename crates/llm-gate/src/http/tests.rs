//! Tests of reading the head of an answer, and of the time limits for its body.

use super::*;

/// An endless stream of bytes that never pauses.
struct Flood;

impl Stream for Flood {
    type Item = reqwest::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(Some(Ok(Bytes::from_static(b"x"))))
    }
}

#[tokio::test]
async fn a_body_that_never_pauses_ends_at_the_total_time_limit() {
    let idle = Duration::from_mins(1);
    let total = Instant::now() + Duration::from_millis(20);
    let timer = Box::pin(sleep_until(total));
    let mut body = AnswerBody { chunks: Box::pin(Flood), length: None, timer, idle, total };
    let last = tokio::time::timeout(idle, async {
        loop {
            if let Err(error) = body.chunk().await.unwrap() {
                return error;
            }
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(last.await.unwrap(), ProviderError::Timeout { phase: "total" });
}

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
        ("Mon, 06 Nov 1994 08:50:07 GMT", None),
        ("Sunday, 06-Nov-94 08:50:07 GMT", Some(30)),
        ("Sun Nov  6 08:50:07 1994", Some(30)),
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
fn only_the_media_type_of_event_streams_or_none_is_a_stream() {
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
fn a_request_id_that_is_too_long_is_ignored() {
    let of = |id: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("request-id", id.parse().unwrap());
        read_head(200, &headers, Timestamp::from_micros(0)).request_id
    };
    assert_eq!(of("req_1"), Some("req_1".to_owned()));
    assert_eq!(of(&"r".repeat(201)), None);
    assert_eq!(of(""), None);
}

mod retry_after {
    //! Round trip of the date format of RFC 9110 from a count of days.

    use proptest::prelude::*;

    use super::super::*;

    /// Returns the year, month and day of a day since 1970.
    fn date(mut days: u32) -> (u32, usize, u32) {
        let mut year = 1970;
        loop {
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let lengths = [31, if is_leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            for (month, length) in lengths.into_iter().enumerate() {
                if days < length {
                    return (year, month, days + 1);
                }
                days -= length;
            }
            year += 1;
        }
    }

    proptest! {
        #[test]
        fn a_date_yields_the_seconds_until_then(days in 0_u32..100_000, second in 0_u32..86_400, from in 0_i64..8_640_000_000) {
            let (year, month, day) = date(days);
            let (hour, minute) = (second / 3600, second / 60 % 60);
            let away = i64::from(days) * 86_400 + i64::from(second);
            let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][month];
            // The first of January 1970 was a Thursday.
            let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][days as usize % 7];
            let second = second % 60;
            let text = format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT");
            let away = away - from;
            let now = Timestamp::from_micros(0).plus_seconds(from);
            prop_assert_eq!(retry_after(&text, now), Some(u64::try_from(away.max(0)).unwrap()), "{}", text);
        }

        #[test]
        fn digits_are_seconds_and_anything_else_is_a_date_or_nothing(text in "[0-9]{1,25}|[A-Za-z0-9:, +-]{0,40}|\\PC{0,10}") {
            let now = Timestamp::from_micros(0);
            let read = retry_after(&text, now);
            if text.trim().bytes().all(|byte| byte.is_ascii_digit()) && !text.trim().is_empty() {
                prop_assert_eq!(read, Some(text.trim().parse().unwrap_or(u64::MAX)));
            } else if read.is_some() {
                prop_assert!(text.contains(", ") && text.ends_with(" GMT"), "{}", text);
            }
        }
    }
}
