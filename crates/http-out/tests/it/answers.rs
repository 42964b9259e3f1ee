//! Answers that are read up to a bound.

use http_out::read_at_most;

use crate::support::{listen, options, serve_once};

/// What is read of an answer of these bytes; the connection ends after them.
async fn read(answer: &str, max_bytes: usize) -> Result<Option<Vec<u8>>, http_out::reqwest::Error> {
    let (listener, url) = listen().await;
    let client = options().build().unwrap();
    let read = async {
        let mut response = client.get(&url).send().await?;
        read_at_most(&mut response, max_bytes).await
    };
    let serve = async { drop(serve_once(&listener, answer).await) };
    tokio::join!(read, serve).0
}

#[tokio::test]
async fn an_answer_of_the_bound_is_read_and_a_longer_one_is_not() {
    for head in ["content-length: 5\r\n", ""] {
        let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\nabcde");
        assert_eq!(read(&answer, 5).await.unwrap(), Some(b"abcde".to_vec()), "{head}");
        assert_eq!(read(&answer, 4).await.unwrap(), None, "{head}");
    }
    assert_eq!(read("HTTP/1.1 204 No Content\r\n\r\n", 0).await.unwrap(), Some(Vec::new()));
}

#[tokio::test]
async fn an_answer_that_says_it_is_longer_is_not_read_at_all() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551000\r\n\r\n";
    assert_eq!(read(answer, 1 << 20).await.unwrap(), None);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let error = read("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", 9).await.unwrap_err();
    assert!(!error.is_timeout(), "{error:?}");
}
