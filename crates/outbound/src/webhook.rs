//! JSON documents to one address.

use std::fmt;
use std::time::Duration;

use http_out::reqwest::header::{CONTENT_TYPE, HeaderValue};
use http_out::reqwest::{self, Client, Url};

use crate::{Unanswered, client};

/// How long all may take, from the connection to the status of the answer.
const TOTAL: Duration = Duration::from_secs(10);

/// Posts JSON documents to one address. Redirects are not followed and proxies of the environment not asked: what is
/// posted goes where the operator said, or nowhere.
#[derive(Clone)]
pub struct Webhook {
    http: Client,
    url: Url,
    host: String,
}

/// An address that can't be posted to.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// It is no URL, or not one that names a host.
    #[error("the address is no URL such as `https://alerts.example.com/hook`")]
    NotAUrl,
    /// It is a URL of another protocol.
    #[error("the address starts with `{0}:`, only `http:` and `https:` are posted to")]
    Scheme(String),
    /// The machine lacks what `https` needs.
    #[error("https needs the system's root certificates (package `ca-certificates`, or `SSL_CERT_FILE`)")]
    Setup(#[source] reqwest::Error),
}

/// A document that was not taken, or not surely.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The other side answered with something else than success.
    #[error("`{host}` answered with status {status}")]
    Status {
        /// The host of the address.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// There was no answer.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
}

impl Webhook {
    /// A poster for an address.
    ///
    /// # Errors
    /// [`UrlError`]; it does not tell the address.
    pub fn new(address: &str) -> Result<Self, UrlError> {
        let url = Url::parse(address.trim()).map_err(|_| UrlError::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlError::Scheme(url.scheme().to_owned()));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(UrlError::NotAUrl)?.to_owned();
        let http = client(&url, TOTAL).map_err(UrlError::Setup)?;
        Ok(Self { http, url, host })
    }

    /// The host of the address; the rest of it may be a secret.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Posts one JSON document.
    ///
    /// # Errors
    /// [`PostError`] for any end but a status from 200 to 299.
    pub async fn post(&self, body: String) -> Result<(), PostError> {
        let json = HeaderValue::from_static("application/json");
        let sent = self.http.post(self.url.clone()).header(CONTENT_TYPE, json).body(body).send().await;
        let host = || self.host.clone();
        match sent {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(PostError::Status { host: host(), status: answer.status().as_u16() }),
            Err(error) => Err(Unanswered::new(host(), error).into()),
        }
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("host", &self.host).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// Answers one request with `answer`; gives what it read.
    async fn serve_once(listener: TcpListener, answer: String) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        let mut part = [0; 4096];
        while !String::from_utf8_lossy(&read).ends_with('}') {
            let count = stream.read(&mut part).await.unwrap();
            assert!(count > 0, "the request ended early: {}", String::from_utf8_lossy(&read));
            read.extend_from_slice(&part[..count]);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(read).unwrap()
    }

    async fn post_to(answer: &str) -> (Result<(), PostError>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let hook = Webhook::new(&format!("http://{address}/hook/s3cret?token=t0ken")).unwrap();
        let (posted, seen) =
            tokio::join!(hook.post("{\"a\":1}".to_owned()), serve_once(listener, answer.to_owned()));
        (posted, seen)
    }

    #[tokio::test]
    async fn a_document_arrives_whole_as_json() {
        let (posted, seen) = post_to("HTTP/1.1 204 No Content\r\n\r\n").await;
        posted.unwrap();
        assert!(seen.starts_with("POST /hook/s3cret?token=t0ken HTTP/1.1\r\n"), "{seen}");
        assert!(seen.to_lowercase().contains("content-type: application/json\r\n"), "{seen}");
        assert!(seen.ends_with("\r\n\r\n{\"a\":1}"), "{seen}");
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_not_followed() {
        let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let location = format!("http://{}/", elsewhere.local_addr().unwrap());
        let answer =
            format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        let (posted, _) = post_to(&answer).await;
        assert!(matches!(posted, Err(PostError::Status { status: 307, .. })), "{posted:?}");
        let nobody = tokio::time::timeout(Duration::from_millis(50), elsewhere.accept()).await;
        assert!(nobody.is_err(), "the redirect was followed");
    }

    #[tokio::test]
    async fn an_error_status_is_no_delivery() {
        let (posted, _) = post_to("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n").await;
        assert!(matches!(posted, Err(PostError::Status { status: 500, .. })), "{posted:?}");
    }

    #[tokio::test]
    async fn neither_an_error_nor_debug_tells_more_than_the_host() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let hook = Webhook::new(&format!("http://user:passw0rd@{address}/s3cret?token=t0ken")).unwrap();
        let error = hook.post("{}".to_owned()).await.unwrap_err();
        let mut told = format!("{hook:?} {error} {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            told = format!("{told} {cause} {cause:?}");
            source = cause.source();
        }
        assert!(told.contains("127.0.0.1"), "{told}");
        for secret in ["passw0rd", "s3cret", "t0ken"] {
            assert!(!told.contains(secret), "{told}");
        }
    }

    #[test]
    fn only_http_and_https_addresses_are_taken_and_none_is_told() {
        for address in ["https://example.com/x", "http://127.0.0.1:9/x?y=1", " http://[::1]/ "] {
            assert!(Webhook::new(address).is_ok(), "{address}");
        }
        for address in ["", "example.com/s3cret", "file:///s3cret", "ftp://x/s3cret", "http://", "https:"] {
            let error = Webhook::new(address).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
    }
}
