//! What came back: read within bounds, and turned into words or an error.

use std::time::Duration;

use api_types::{Code, ErrorBody};
use http_out::reqwest::header::{ETAG, HeaderMap, RETRY_AFTER};
use registry_core::KnownSecrets;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::retry::may_pass;

/// A 2xx answer.
#[derive(Debug)]
pub(crate) struct ApiAnswer {
    status: u16,
    pub(crate) headers: HeaderMap,
    body: Vec<u8>,
}

/// A try that gave no answer.
pub(crate) struct FailedTry {
    pub(crate) error: Error,
    pub(crate) may_pass: bool,
    pub(crate) retry_after: Option<Duration>,
}

impl FailedTry {
    pub(crate) fn for_good(error: Error) -> Self {
        Self { error, may_pass: false, retry_after: None }
    }
}

impl ApiAnswer {
    /// `body` is `None` when it was larger than this client reads.
    pub(crate) fn whole(status: u16, headers: HeaderMap, body: Option<Vec<u8>>) -> Result<Self, FailedTry> {
        match body {
            Some(body) => Ok(Self { status, headers, body }),
            None => Err(FailedTry::for_good(Error::InvalidAnswer {
                status,
                problem: "is larger than this client reads; ask for less at once".to_owned(),
                request_id: request_id(&headers),
            })),
        }
    }

    /// The body as words of the API. What serde says of a mismatch is left out: it repeats values.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| {
            self.invalid(format!(
                "is not the JSON that was asked for, at line {} column {}",
                error.line(),
                error.column()
            ))
        })
    }

    pub(crate) fn invalid(&self, problem: impl Into<String>) -> Error {
        let request_id = request_id(&self.headers);
        Error::InvalidAnswer { status: self.status, problem: problem.into(), request_id }
    }

    pub(crate) fn etag(&self) -> Option<String> {
        header(&self.headers, ETAG.as_str())
    }
}

/// The error of an answer that is no 2xx. `body` is without `secrets`.
pub(crate) fn refusal(
    status: u16,
    headers: &HeaderMap,
    body: Option<&[u8]>,
    secrets: &KnownSecrets,
) -> FailedTry {
    let request_id = |headers| request_id(headers).map(|id| secrets.clean(&id).into_owned());
    if status < 400 {
        return FailedTry::for_good(Error::InvalidAnswer {
            status,
            problem: "sends elsewhere, and redirects are never followed".to_owned(),
            request_id: request_id(headers),
        });
    }
    let said = body.and_then(|body| serde_json::from_slice::<ErrorBody>(body).ok()).map(|body| body.error);
    let (code, message, named, details) = match said {
        Some(said) => (Code::parse(&said.code), said.message, Some(said.request_id), said.details),
        // A proxy's own page, most often.
        None => (None, "there is no error of the registry's in the answer".to_owned(), None, None),
    };
    let request_id = named.filter(|id| !id.is_empty()).or_else(|| request_id(headers));
    let retry_after = retry_after(headers);
    // A budget that is spent is a refusal with facts, not a matter of asking more slowly.
    let error = if status == 429 && code != Some(Code::InsufficientQuota) {
        Error::RateLimited { code, message, retry_after, request_id }
    } else {
        Error::Api { status, code, message, request_id, details: details.map(Box::new) }
    };
    FailedTry { error, may_pass: may_pass(status, code), retry_after }
}

/// `Retry-After` in seconds. The form with a date is what proxies send; it counts as absent.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    header(headers, RETRY_AFTER.as_str())?.trim().parse().ok().map(Duration::from_secs)
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    header(headers, "x-request-id")
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
