//! The head of an answer, and the time limits of reading its body.

use super::*;

/// Bytes without end and without a pause.
struct Flood;

impl Stream for Flood {
    type Item = reqwest::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(Some(Ok(Bytes::from_static(b"x"))))
    }
}

#[tokio::test]
async fn a_body_that_never_pauses_ends_at_its_total() {
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
        read_head(200, &headers, Timestamp::from_micros(0)).request_id
    };
    assert_eq!(of("req_1"), Some("req_1".to_owned()));
    assert_eq!(of(&"r".repeat(201)), None);
    assert_eq!(of(""), None);
}
