//! Where a request goes, how often, and for how long.

use std::process::Command;

use http_out::reqwest::Url;
use http_out::reqwest::header::{HeaderMap, HeaderValue};
use http_out::{ClientOptions, UrlScheme};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::{PLENTY, SHORT, is_left_alone, listen, options, serve_once};

const DONE: &str = "HTTP/1.1 204 No Content\r\n\r\n";

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let (elsewhere, location) = listen().await;
    for status in [301, 302, 303, 307, 308] {
        let (listener, url) = listen().await;
        let client = options().build().unwrap();
        let answer = format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        let (response, _) = tokio::join!(client.get(&url).send(), serve_once(&listener, &answer));
        assert_eq!(response.unwrap().status().as_u16(), status);
    }
    assert!(is_left_alone(&elsewhere).await, "a redirect was followed");
}

#[tokio::test]
async fn a_request_whose_connection_breaks_is_not_sent_again() {
    let (listener, url) = listen().await;
    let client = options().build().unwrap();
    let serve = async { drop(serve_once(&listener, "").await) };
    let (response, ()) = tokio::join!(client.get(&url).send(), serve);
    assert!(!response.unwrap_err().is_timeout());
    assert!(is_left_alone(&listener).await, "the request was sent again");
}

#[tokio::test]
async fn a_request_carries_the_name_of_its_client_and_its_headers() {
    let (listener, url) = listen().await;
    let mut headers = HeaderMap::new();
    headers.insert("x-mark", HeaderValue::from_static("a"));
    let client = options().headers(headers).build().unwrap();
    let (response, (_, seen)) = tokio::join!(client.get(&url).send(), serve_once(&listener, DONE));
    response.unwrap();
    for header in ["user-agent: t4-test/7\r\n", "x-mark: a\r\n"] {
        assert!(seen.contains(header), "{header}: {seen}");
    }
    assert!(!seen.contains("referer"), "{seen}");
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_is_given_up() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    // Nobody accepts: once the queue is full, the system leaves further connections without an answer.
    let mut waiting = Vec::new();
    while let Ok(stream) = timeout(SHORT, TcpStream::connect(address)).await {
        waiting.push(stream.unwrap());
        assert!(waiting.len() < 64, "the queue is never full");
    }
    let client = ClientOptions::new("t4-test/7", UrlScheme::Http, SHORT).build().unwrap();
    let error = timeout(PLENTY, client.get(format!("http://{address}/")).send()).await.unwrap().unwrap_err();
    assert!(error.is_connect() && error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn a_call_ends_at_its_total() {
    let (listener, url) = listen().await;
    let client = options().total_timeout(SHORT).build().unwrap();
    let (response, _open) = tokio::join!(client.get(&url).send(), serve_once(&listener, ""));
    let error = response.unwrap_err();
    assert!(error.is_timeout() && !error.is_connect(), "{error:?}");
}

#[tokio::test]
async fn the_body_of_an_answer_must_come_within_the_total() {
    let (listener, url) = listen().await;
    let client = options().total_timeout(SHORT).build().unwrap();
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc";
    let (response, _open) = tokio::join!(client.get(&url).send(), serve_once(&listener, half));
    let mut response = response.unwrap();
    let error = http_out::read_at_most(&mut response, 9).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn a_client_for_https_sends_nothing_in_the_clear() {
    let (listener, url) = listen().await;
    let client = ClientOptions::new("t4-test/7", UrlScheme::Https, PLENTY).build().unwrap();
    assert!(client.get(&url).send().await.unwrap_err().is_builder());
    assert!(is_left_alone(&listener).await, "it connected");
}

#[test]
fn only_http_is_plain() {
    for (url, scheme) in [
        ("http://h", UrlScheme::Http),
        ("HTTP://h", UrlScheme::Http),
        ("https://h", UrlScheme::Https),
        ("ftp://h", UrlScheme::Https),
    ] {
        assert_eq!(UrlScheme::of(&Url::parse(url).unwrap()), scheme, "{url}");
    }
}

#[test]
fn tls_is_by_ring() {
    options().build().unwrap();
    let installed = rustls::crypto::CryptoProvider::get_default().unwrap();
    let ring = rustls::crypto::ring::default_provider();
    assert_eq!(format!("{:?}", installed.cipher_suites), format!("{:?}", ring.cipher_suites));
    assert!(format!("{installed:?}").contains("Ring"), "{installed:?}");
}

#[tokio::test]
async fn a_request_goes_to_the_address_that_was_given() {
    let (listener, url) = listen().await;
    let client = options().build().unwrap();
    let call = async { tokio::join!(client.get(&url).send(), serve_once(&listener, DONE)) };
    let (response, (_, seen)) = timeout(PLENTY, call).await.unwrap();
    response.unwrap();
    assert!(seen.starts_with("GET / HTTP/1.1\r\n"), "a proxy would read the whole address: {seen}");
}

/// The test above once more, in a process whose environment names proxies.
#[tokio::test]
async fn proxies_of_the_environment_are_not_asked() {
    let (proxy, url) = listen().await;
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "calls::a_request_goes_to_the_address_that_was_given"]);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        child.env(name, &url);
    }
    let output = child.env_remove("no_proxy").env_remove("NO_PROXY").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert!(is_left_alone(&proxy).await, "the proxy was asked");
}
