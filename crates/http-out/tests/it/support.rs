//! A server of canned bytes, and clients that call it.

use std::time::Duration;

use http_out::{ClientOptions, UrlScheme};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Longer than anything here takes.
pub const PLENTY: Duration = Duration::from_secs(20);
/// A time that a test waits out.
pub const SHORT: Duration = Duration::from_millis(60);

/// Options of a client that nothing here is too slow for.
pub fn options() -> ClientOptions {
    ClientOptions::new("t4-test/7", UrlScheme::Http, PLENTY)
}

/// A listener, and its address as a URL.
pub async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    (listener, url)
}

/// Takes one connection, reads a request's head and writes `answer`; gives the connection and what it read.
pub async fn serve_once(listener: &TcpListener, answer: &str) -> (TcpStream, String) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut read = Vec::new();
    let mut part = [0; 4096];
    while !read.windows(4).any(|end| end == b"\r\n\r\n") {
        let count = stream.read(&mut part).await.unwrap();
        assert!(count > 0, "the request ended early");
        read.extend_from_slice(&part[..count]);
    }
    stream.write_all(answer.as_bytes()).await.unwrap();
    (stream, String::from_utf8(read).unwrap())
}

/// Whether nobody connects within a short time.
pub async fn is_left_alone(listener: &TcpListener) -> bool {
    tokio::time::timeout(SHORT, listener.accept()).await.is_err()
}
