//! One call over HTTP: its tries, its waits, and the bounds of all of them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_out::read_at_most;
use http_out::reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH};
use http_out::reqwest::{self, Method, Url};
use registry_core::{BaseUrl, Clock, Entropy, KnownSecrets};
use serde::Serialize;

use crate::answer::{ApiAnswer, FailedTry, refusal};
use crate::{Error, RetryPolicy};

/// Errors are small; a longer body of an error answer is not read.
const MAX_ERROR_BYTES: usize = 1 << 20;

/// The header of a credential and its value, which is marked sensitive and so never printed.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) header: HeaderName,
    pub(crate) value: HeaderValue,
}

/// The way to one registry with one credential.
pub(crate) struct Transport {
    pub(crate) http: reqwest::Client,
    pub(crate) base: BaseUrl,
    pub(crate) credential: Credential,
    pub(crate) timeout: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) max_answer_bytes: usize,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("origin", &self.base.origin())
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// What is asked. Paths and queries are encoded already.
#[derive(Clone)]
pub(crate) struct ApiCall {
    method: Method,
    path: String,
    pub(crate) query: Option<String>,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    public: bool,
}

impl ApiCall {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            query: None,
            headers: HeaderMap::new(),
            body: None,
            public: false,
        }
    }

    /// A call that carries no credential.
    pub(crate) fn public(path: &str) -> Self {
        Self { public: true, ..Self::get(path) }
    }

    /// A deletion. It needs no idempotency key: made twice, it leaves what it leaves when made once.
    pub(crate) fn delete(path: String) -> Self {
        Self { method: Method::DELETE, ..Self::get(path) }
    }

    pub(crate) fn query(self, query: String) -> Self {
        Self { query: Some(query), ..self }
    }

    /// Sets `If-Match`.
    pub(crate) fn if_match(mut self, etag: &str) -> Result<Self, Error> {
        let value = HeaderValue::from_str(etag).map_err(|_| Error::InvalidArgument {
            what: "ETag",
            problem: "holds characters that no header carries: hand back the one that `get` gave",
        })?;
        self.headers.insert(IF_MATCH, value);
        Ok(self)
    }
}

impl Transport {
    /// The URL of a route. `path` begins with `/` and is encoded already.
    pub(crate) fn url(&self, path: &str) -> Result<Url, Error> {
        self.base.join(path).map_err(|_| Error::InvalidUrl { problem: "can't be joined with a route" })
    }

    /// A POST or PATCH with a JSON body and an `Idempotency-Key` of its own.
    pub(crate) fn change(
        &self,
        method: Method,
        path: impl Into<String>,
        body: &impl Serialize,
    ) -> Result<ApiCall, Error> {
        let mut call = Self::repeatable(method, path, body)?;
        let mut random = [0; 16];
        self.entropy.fill(&mut random);
        let key = format!("{:032x}", u128::from_be_bytes(random));
        let key = HeaderValue::from_str(&key)
            .map_err(|_| Error::InvalidArgument { what: "idempotency key", problem: "can't be sent" })?;
        call.headers.insert(HeaderName::from_static("idempotency-key"), key);
        Ok(call)
    }

    /// A call with a JSON body that the server knows again by what it names: made twice, it does what it does when
    /// made once. It needs no idempotency key.
    pub(crate) fn repeatable(
        method: Method,
        path: impl Into<String>,
        body: &impl Serialize,
    ) -> Result<ApiCall, Error> {
        let unsendable = |_| Error::InvalidArgument { what: "body", problem: "can't be written as JSON" };
        let body = serde_json::to_vec(body).map_err(unsendable)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(ApiCall { method, headers, body: Some(body), ..ApiCall::get(path) })
    }

    /// Makes the call, again where that is safe and may help, within the policy's deadline.
    pub(crate) async fn send(&self, call: &ApiCall) -> Result<ApiAnswer, Error> {
        let begun = self.clock.monotonic_micros();
        let left = || {
            let spent = self.clock.monotonic_micros().saturating_sub(begun);
            self.retry.deadline.saturating_sub(Duration::from_micros(spent))
        };
        let mut done = 0;
        loop {
            let failed = match self.attempt(call, self.timeout.min(left())).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            done += 1;
            let wait = self.retry.wait(done, failed.retry_after, &*self.entropy);
            match wait {
                Some(wait) if failed.may_pass && done < self.retry.tries && wait < left() => {
                    tokio::time::sleep(wait).await;
                }
                _ => return Err(failed.error),
            }
        }
    }

    async fn attempt(&self, call: &ApiCall, timeout: Duration) -> Result<ApiAnswer, FailedTry> {
        let mut url = self.url(&call.path).map_err(FailedTry::for_good)?;
        url.set_query(call.query.as_deref());
        let mut request =
            self.http.request(call.method.clone(), url).timeout(timeout).headers(call.headers.clone());
        if !call.public {
            request = request.header(self.credential.header.clone(), self.credential.value.clone());
        }
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let network = |error| self.network(error, timeout);
        let mut response = request.send().await.map_err(network)?;
        let status = response.status().as_u16();
        if response.status().is_success() {
            let body = read_at_most(&mut response, self.max_answer_bytes).await.map_err(network)?;
            return ApiAnswer::whole(status, response.headers().clone(), body);
        }
        // The status alone is an answer: when the rest is cut off, a refusal is still one and not repeated.
        let body = read_at_most(&mut response, MAX_ERROR_BYTES).await.ok().flatten();
        // Errors are shown: the credential must not be in them, even when the server repeats it.
        let secrets = KnownSecrets::default().with_presented(self.credential.value.to_str());
        let body = body.map(|body| secrets.clean(&String::from_utf8_lossy(&body)).into_owned());
        Err(refusal(status, response.headers(), body.as_ref().map(String::as_bytes), &secrets))
    }

    /// Trouble of the network's; it always may pass.
    fn network(&self, error: reqwest::Error, after: Duration) -> FailedTry {
        let origin = self.base.origin();
        // A connection that is not there in time is an address that can't be reached, not a slow answer.
        let timed_out = error.is_timeout() && !error.is_connect();
        let error = if timed_out {
            Error::TimedOut { origin, after }
        } else {
            Error::Unreachable { origin, source: Box::new(error.without_url()) }
        };
        FailedTry { error, may_pass: true, retry_after: None }
    }
}
