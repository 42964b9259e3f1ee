//! The GitHub API.

use std::fmt;
use std::time::Duration;

use http_out::read_at_most;
use http_out::reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http_out::reqwest::{self, Client, Method, Response};
use registry_core::{BaseUrl, BaseUrlFault, KnownSecrets};
use serde_json::Value;

use crate::{Unanswered, client};

/// How long a call may take, from the connection to the end of the answer.
const TOTAL: Duration = Duration::from_secs(30);
/// The version of the API that is spoken.
const API_VERSION: &str = "2022-11-28";
/// The largest answer that is read, in bytes: protections and pull requests are a few thousand.
const MAX_ANSWER: usize = 8 << 20;

/// A repository host that speaks the GitHub API.
///
/// Redirects are answers and not followed: the token goes to this host alone, and over plain http to this machine alone.
#[derive(Clone)]
pub struct GitHub {
    http: Client,
    api: BaseUrl,
    authorization: HeaderValue,
    secrets: KnownSecrets,
}

/// What it answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body; `null` when there was none, or none in JSON.
    pub body: Value,
}

/// A call that was not answered. No text tells the token.
#[derive(Debug, thiserror::Error)]
pub enum GitHubError {
    /// The address is not one of an API.
    #[error("`{api}` is no address of an API such as `https://api.github.com`: it {problem}")]
    Address {
        /// The address.
        api: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The token can't be sent.
    #[error("the token holds characters that no token has")]
    Token,
    /// The machine lacks what `https` needs.
    #[error("https needs the system's root certificates (package `ca-certificates`, or `SSL_CERT_FILE`)")]
    Setup(#[source] reqwest::Error),
    /// The call itself is malformed.
    #[error("`{method} {path}` is no call of the API")]
    Call {
        /// The method.
        method: String,
        /// The path.
        path: String,
    },
    /// Too many calls were made with this token.
    #[error("`{host}` takes no more calls for now: {problem}; try again {again}")]
    Limited {
        /// The host.
        host: String,
        /// What it said.
        problem: String,
        /// When calls are taken again, such as `in 60 s`.
        again: String,
    },
    /// There was no answer.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
    /// The answer is larger than any that the API gives.
    #[error("`{host}` answered with more than {MAX_ANSWER} bytes")]
    TooLarge {
        /// The host.
        host: String,
    },
}

impl Reply {
    /// Whether it is a success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The status with what the host said about it, on one line: `422, Validation Failed: already_exists (name)`.
    #[must_use]
    pub fn problem(&self) -> String {
        let message = self.body.get("message").and_then(Value::as_str).unwrap_or_default();
        let errors = self.body.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let errors: Vec<_> = errors.iter().map(detail).collect();
        let mut text = self.status.to_string();
        if !message.trim().is_empty() {
            text = format!("{text}, {message}");
        }
        if !errors.is_empty() {
            text = format!("{text}: {}", errors.join("; "));
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// One of `errors`: a text, or an object with a code and a field or a message.
fn detail(error: &Value) -> String {
    let part = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    match (error.as_str(), part("message"), part("code"), part("field")) {
        (Some(text), ..) => text.to_owned(),
        (None, "", code, "") => code.to_owned(),
        (None, "", code, field) => format!("{code} ({field})"),
        (None, message, ..) => message.to_owned(),
    }
}

impl GitHub {
    /// Calls go to `api` (`https://api.github.com`, or `https://HOST/api/v3`), with this token.
    ///
    /// # Errors
    /// When the address is no URL, or names another machine by `http`, or the token can't be sent.
    pub fn new(api: &str, token: &str) -> Result<Self, GitHubError> {
        let address = |problem| GitHubError::Address { api: without_secrets(api), problem };
        let api = BaseUrl::parse(api).map_err(|fault| {
            address(match fault {
                BaseUrlFault::Credentials => {
                    "has a user name or a password; the token comes from the environment"
                }
                fault => fault.problem(),
            })
        })?;
        if api.url().scheme() == "http" && !is_loopback(api.host()) {
            return Err(address("would have the token travel unencrypted, use https"));
        }
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {}", token.trim())).map_err(|_| GitHubError::Token)?;
        authorization.set_sensitive(true);
        let http = client(api.url(), TOTAL).map_err(GitHubError::Setup)?;
        let secrets = KnownSecrets::new([token], []);
        Ok(Self { http, api, authorization, secrets })
    }

    /// Where a path is called, for people to read.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.api)
    }

    /// One call; any status but that of a used-up rate limit is an answer. `method` is `GET`, `PUT`, `POST`, `PATCH` or
    /// `DELETE`; `path` begins with `/`, its parts percent-encoded.
    ///
    /// # Errors
    /// When there was no answer, or no more calls are taken for now: nothing is tried again.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Reply, GitHubError> {
        let malformed = || GitHubError::Call { method: method.to_owned(), path: path.to_owned() };
        let verb = Method::from_bytes(method.as_bytes()).map_err(|_| malformed())?;
        let url = Some(path).filter(|path| path.starts_with('/'));
        let url = url.and_then(|path| self.api.join(path).ok()).ok_or_else(malformed)?;
        let mut request = self
            .http
            .request(verb, url)
            .header(AUTHORIZATION, self.authorization.clone())
            .header(ACCEPT, HeaderValue::from_static("application/vnd.github+json"))
            .header(HeaderName::from_static("x-github-api-version"), HeaderValue::from_static(API_VERSION));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|error| self.failed(error))?;
        let status = answer.status().as_u16();
        let again = again(answer.headers());
        let reply = Reply { status, body: self.body(answer).await? };
        // GitHub answers with 403 both to a missing right and to too many calls.
        let said = reply.body.get("message").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let limited = status == 429 || (status == 403 && (again.is_some() || said.contains("rate limit")));
        if limited {
            let again = again.unwrap_or_else(|| "in a minute".to_owned());
            return Err(GitHubError::Limited {
                host: self.api.host().to_owned(),
                problem: reply.problem(),
                again,
            });
        }
        Ok(reply)
    }

    async fn body(&self, mut answer: Response) -> Result<Value, GitHubError> {
        let bytes = read_at_most(&mut answer, MAX_ANSWER).await.map_err(|error| self.failed(error))?;
        let bytes = bytes.ok_or_else(|| GitHubError::TooLarge { host: self.api.host().to_owned() })?;
        if answer.status().is_success() {
            return Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null));
        }
        // What is said of a failed call is shown: the token must not be in it.
        let text = String::from_utf8_lossy(&bytes);
        Ok(serde_json::from_str(&self.secrets.clean_parts(&text)).unwrap_or(Value::Null))
    }

    fn failed(&self, error: reqwest::Error) -> GitHubError {
        Unanswered::new(self.api.host().to_owned(), error).into()
    }
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub").field("api", &self.api).finish_non_exhaustive()
    }
}

/// When calls are taken again, if the headers speak of a limit that is used up.
fn again(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(seconds) = text(RETRY_AFTER.as_str()).and_then(|text| text.trim().parse::<u64>().ok()) {
        return Some(format!("in {seconds} s"));
    }
    if text("x-ratelimit-remaining") != Some("0") {
        return None;
    }
    let reset = text("x-ratelimit-reset").and_then(|text| text.trim().parse::<i64>().ok());
    Some(reset.map_or_else(
        || "within the hour".to_owned(),
        |seconds| format!("at {seconds} (seconds since 1970, `date -d @{seconds}`)"),
    ))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// An address without what stands before `@`, which may be a token.
fn without_secrets(api: &str) -> String {
    api.rsplit_once('@').map_or_else(|| api.to_owned(), |(_, rest)| format!("***@{rest}"))
}

#[cfg(test)]
mod tests;
