//! HTTP client of a provider. It pools connections, limits the time of each phase, and reports whether a failed request
//! surely was not sent.

#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http_out::reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http_out::reqwest::{self, Url};
use http_out::{ClientOptions, UrlScheme};
use llm_policy::{BoxFuture, HoldId, ProviderConfig};
use registry_core::{Clock, KnownSecrets, Timestamp, with_causes};
use tokio::time::{Instant, Sleep, sleep_until, timeout, timeout_at};

use crate::SetupError;
use crate::provider::{Head, Incoming, Outgoing, Provider, ProviderError};

/// The largest whole answer that is read, in bytes.
pub(crate) const MAX_WHOLE: usize = 32 << 20;
/// The maximum of an answer with an error status that is kept, in bytes.
const MAX_REFUSAL: usize = 64 << 10;
/// The time for which an idle connection is kept. Providers and their load balancers close idle connections after a
/// minute or more. A call that takes a connection at the moment it is closed fails, so this client closes it earlier.
const KEEP_IDLE: Duration = Duration::from_secs(50);
/// The longest time limit, in milliseconds: one year. It keeps sums of times from overflowing.
const MAX_MILLIS: u64 = 365 * 86_400_000;
/// The maximum memory that is reserved before a body arrives, in bytes. The stated length of an answer may be wrong.
const MAX_AHEAD: u64 = 1 << 20;
/// The time limit for reading the end of a body whose content is complete.
const LINGER: Duration = Duration::from_secs(1);
/// The maximum number of bytes that are read for that.
const MAX_LINGER: usize = 64 << 10;
/// The headers in which providers send the id of a request.
const REQUEST_IDS: [&str; 2] = ["x-request-id", "request-id"];
/// The longest request id that is kept, in bytes.
const MAX_REQUEST_ID: usize = 200;

/// Protocol that a provider speaks.
pub(crate) trait Protocol: Send + Sync {
    /// Sends one attempt: see [`Provider::send`].
    fn attempt<'a>(
        &'a self,
        http: &'a Http,
        request: Outgoing,
    ) -> BoxFuture<'a, Result<Incoming, ProviderError>>;
}

/// Provider that is reached over HTTP.
pub(crate) struct HttpProvider<P> {
    pub(crate) name: String,
    pub(crate) secrets: KnownSecrets,
    pub(crate) http: Http,
    pub(crate) protocol: P,
}

impl<P: Protocol> Provider for HttpProvider<P> {
    fn name(&self) -> &str {
        &self.name
    }

    fn secrets(&self) -> KnownSecrets {
        self.secrets.clone()
    }

    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, ProviderError>> {
        self.protocol.attempt(&self.http, request)
    }
}

/// The HTTP client of one provider.
pub(crate) struct Http {
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    first_byte: Duration,
    idle: Duration,
    total: Duration,
}

/// An answer whose body has not been read yet.
pub(crate) struct ProviderAnswer {
    pub(crate) head: Head,
    /// Whether the body is a stream of events: its media type says so, or is absent.
    pub(crate) is_event_stream: bool,
    pub(crate) body: AnswerBody,
}

impl Http {
    /// Makes a client that sends `headers` with every request.
    pub(crate) fn new(
        config: &ProviderConfig,
        mut headers: HeaderMap,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let scheme = UrlScheme::of(config.base_url.url());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let user_agent = concat!("t4-llm-gate/", env!("CARGO_PKG_VERSION"));
        // The client must not retry a request by itself: every attempt needs its own hold.
        let client = ClientOptions::new(user_agent, scheme, millis(config.connect_timeout_ms))
            .headers(headers)
            .pool_idle_timeout(KEEP_IDLE)
            .build()
            .map_err(|error| setup(config, &with_causes(&error)))?;
        Ok(Self {
            client,
            clock,
            first_byte: millis(config.first_byte_timeout_ms),
            idle: millis(config.idle_timeout_ms),
            total: millis(config.total_timeout_ms),
        })
    }

    /// Sends a JSON body and waits for the head of the answer.
    pub(crate) async fn post(
        &self,
        url: &Url,
        hold: &HoldId,
        body: Vec<u8>,
    ) -> Result<ProviderAnswer, ProviderError> {
        let now = Instant::now();
        let (first_byte, total) = (now + self.first_byte, now + self.total);
        let (limit, phase) = if first_byte < total { (first_byte, "first_byte") } else { (total, "total") };
        let request =
            self.client.post(url.clone()).header("x-client-request-id", hold.as_str()).body(body).send();
        let response = timeout_at(limit, request)
            .await
            .map_err(|_| ProviderError::Timeout { phase })?
            .map_err(failure)?;
        let headers = response.headers();
        Ok(ProviderAnswer {
            head: read_head(response.status().as_u16(), headers, self.clock.now()),
            is_event_stream: is_event_stream(headers),
            body: AnswerBody::new(response, self.idle, total),
        })
    }
}

impl ProviderAnswer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.head.status)
    }

    /// Returns the head and the body of an answer with an error status. If the body breaks off, the part that arrived
    /// is returned, because the status already states the outcome.
    pub(crate) async fn refusal(mut self) -> (Head, Bytes) {
        let body = self.body.read_some(MAX_REFUSAL).await;
        (self.head, body)
    }
}

/// A body that is being received. Dropping it before its end closes the connection.
pub(crate) struct AnswerBody {
    chunks: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    length: Option<u64>,
    timer: Pin<Box<Sleep>>,
    idle: Duration,
    total: Instant,
}

impl AnswerBody {
    fn new(response: reqwest::Response, idle: Duration, total: Instant) -> Self {
        let length = response.content_length();
        let limit = total.min(Instant::now() + idle);
        Self {
            chunks: Box::pin(response.bytes_stream()),
            length,
            timer: Box::pin(sleep_until(limit)),
            idle,
            total,
        }
    }

    /// Polls for the next bytes; `None` at the end.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ProviderError>>> {
        let next = match self.chunks.as_mut().poll_next(cx) {
            Poll::Ready(next) => next,
            Poll::Pending => {
                return self.timer.as_mut().poll(cx).map(|()| {
                    let phase = if self.timer.deadline() < self.total { "idle" } else { "total" };
                    Some(Err(ProviderError::Timeout { phase }))
                });
            }
        };
        let now = Instant::now();
        Poll::Ready(match next {
            None => None,
            Some(Err(error)) => Some(Err(ProviderError::Broken(with_causes(&error.without_url())))),
            // The timer is polled only when the body pauses, so the total time is checked here as well.
            Some(Ok(_)) if self.total <= now => Some(Err(ProviderError::Timeout { phase: "total" })),
            Some(Ok(chunk)) => {
                self.timer.as_mut().reset(self.total.min(now + self.idle));
                Some(Ok(chunk))
            }
        })
    }

    async fn chunk(&mut self) -> Option<Result<Bytes, ProviderError>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// Reads the whole body.
    ///
    /// # Errors
    /// - [`ProviderError::BadAnswer`] when it is longer than `most` bytes.
    /// - [`ProviderError::Timeout`] or [`ProviderError::Broken`] when it ends early.
    pub(crate) async fn read(&mut self, most: usize) -> Result<Bytes, ProviderError> {
        let too_long = || ProviderError::BadAnswer(format!("it is longer than {} MiB", most >> 20));
        let stated = self.length.unwrap_or(0);
        if usize::try_from(stated).is_ok_and(|stated| stated > most) {
            return Err(too_long());
        }
        let mut all = BytesMut::with_capacity(usize::try_from(stated.min(MAX_AHEAD)).unwrap_or(0));
        while let Some(chunk) = self.chunk().await {
            let chunk = chunk?;
            if all.len() + chunk.len() > most {
                return Err(too_long());
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    /// Reads the first `most` bytes, or fewer if the body ends or breaks off.
    async fn read_some(&mut self, most: usize) -> Bytes {
        let mut all = BytesMut::new();
        while all.len() <= most
            && let Some(Ok(chunk)) = self.chunk().await
        {
            all.extend_from_slice(&chunk);
        }
        all.truncate(most);
        all.freeze()
    }

    /// Reads the end of a body whose content is complete, so that the connection can be reused.
    pub(crate) fn release(mut self, cx: &mut Context<'_>) {
        if let Poll::Ready(None | Some(Err(_))) = self.poll_chunk(cx) {
            return;
        }
        tokio::spawn(async move {
            let rest = self.read_some(MAX_LINGER);
            // If the end does not arrive in time, only the connection is lost.
            let _ = timeout(LINGER, rest).await;
        });
    }
}

/// Reads the status and headers of an answer.
fn read_head(status: u16, headers: &HeaderMap, now: Timestamp) -> Head {
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

/// Returns whether the body is an event stream. An answer without a media type is assumed to have the requested format.
fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_none_or(|value| {
        let media = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
        media.trim().eq_ignore_ascii_case("text/event-stream")
    })
}

/// Parses `Retry-After` (RFC 9110, section 10.2.3), a number of seconds or a date, to seconds from now. A date in the
/// past is 0.
fn retry_after(value: &str, now: Timestamp) -> Option<u64> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit is the longest delay.
        return Some(value.parse().unwrap_or(u64::MAX));
    }
    let micros = http_date(value)?.since(now).max(0);
    Some(u64::try_from(micros).unwrap_or(0).div_ceil(1_000_000))
}

/// Parses a date in one of the formats of RFC 9110, section 5.6.7.
fn http_date(value: &str) -> Option<Timestamp> {
    let since = httpdate::parse_http_date(value).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_micros(i64::try_from(since.as_micros()).ok()?))
}

/// Returns the URL of a route of a provider.
pub(crate) fn route(config: &ProviderConfig, path: &str) -> Result<Url, SetupError> {
    config.base_url.join(path).map_err(|fault| setup(config, &format!("its `base_url` {}", fault.problem())))
}

/// Returns the header with a provider's API key, marked as sensitive so that it is not logged; none without a key.
pub(crate) fn secret(
    config: &ProviderConfig,
    name: HeaderName,
    prefix: &str,
    key: Option<&str>,
) -> Result<HeaderMap, SetupError> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key.map(str::trim).filter(|key| !key.is_empty()) {
        let mut value = HeaderValue::from_str(&format!("{prefix}{key}"))
            .map_err(|_| setup(config, "its key has characters that a header can't contain"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

fn setup(config: &ProviderConfig, cause: &str) -> SetupError {
    SetupError::Provider { provider: config.name.clone(), cause: cause.to_owned() }
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis.min(MAX_MILLIS))
}

/// Classifies a failure before the head of an answer. If a pooled connection was closed before anything was written to
/// it, the HTTP client gets the request back unsent and uses another connection by itself. Any other failure on a
/// connection may have happened after the provider read the request.
fn failure(error: reqwest::Error) -> ProviderError {
    let error = error.without_url();
    if error.is_builder() {
        ProviderError::NotSent(with_causes(&error))
    } else if error.is_connect() {
        ProviderError::NotConnected(with_causes(&error))
    } else {
        ProviderError::Broken(with_causes(&error))
    }
}
