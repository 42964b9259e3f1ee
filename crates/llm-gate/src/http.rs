//! The HTTP client of a provider: its connections, the time limit of each phase, and which failure surely left
//! nothing behind.

mod body;
mod head;

use std::error::Error;
use std::sync::{Arc, Once};
use std::time::Duration;

use llm_policy::{HoldId, ProviderConfig};
use registry_core::Clock;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tokio::time::{Instant, timeout_at};

use crate::SetupError;
use crate::provider::{Head, ProviderError};

pub(crate) use body::AnswerBody;

/// The largest whole answer that is read, in bytes.
pub(crate) const MAX_WHOLE: usize = 32 << 20;
/// How much of an answer with an error status is kept, in bytes.
const MAX_REFUSAL: usize = 64 << 10;
/// How long an idle connection is kept. Providers and the balancers before them close theirs after a minute or
/// more; a connection that is closed just when a call takes it breaks that call.
const KEEP_IDLE: Duration = Duration::from_secs(50);
/// No time limit is longer, so that no sum overflows: a year, in milliseconds.
const MAX_MILLIS: u64 = 365 * 86_400_000;

/// A provider's client.
pub(crate) struct Http {
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    first_byte: Duration,
    idle: Duration,
    total: Duration,
}

/// An answer whose body is still to be read.
pub(crate) struct ProviderAnswer {
    pub(crate) head: Head,
    /// Whether the body is a stream of events, by its media type or for want of one.
    pub(crate) is_event_stream: bool,
    pub(crate) body: AnswerBody,
}

impl Http {
    /// A client that sends `headers` with every request.
    pub(crate) fn new(
        config: &ProviderConfig,
        mut headers: HeaderMap,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let is_https = route(config, "")?.scheme() == "https";
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        install_crypto();
        let mut client = reqwest::Client::builder()
            .user_agent(concat!("t4-llm-gate/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            // Every attempt has a hold of its own; one that the client repeats would have none.
            .retry(reqwest::retry::never())
            .tcp_nodelay(true)
            .pool_idle_timeout(KEEP_IDLE)
            .pool_max_idle_per_host(usize::MAX)
            .connect_timeout(millis(config.connect_timeout_ms));
        if is_https {
            client = client.https_only(true);
        } else {
            // No roots are loaded for plain http, so that a container without certificates can use it.
            client = client.tls_certs_only([]);
        }
        let client = client.build().map_err(|error| setup(config, &chain(&error)))?;
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
            head: head::read(response.status().as_u16(), headers, self.clock.now()),
            is_event_stream: head::is_event_stream(headers),
            body: AnswerBody::new(response, self.idle, total),
        })
    }
}

impl ProviderAnswer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.head.status)
    }

    /// What a provider wrote with a status that is no success, as far as it came. The status says what happened,
    /// so a body that breaks off does not change that.
    pub(crate) async fn refusal(mut self) -> (Head, bytes::Bytes) {
        let body = self.body.read_some(MAX_REFUSAL).await;
        (self.head, body)
    }
}

/// The address of a route.
pub(crate) fn route(config: &ProviderConfig, path: &str) -> Result<Url, SetupError> {
    // The address stays out of the errors: what is wrong with it may be a password in it.
    let wrong = |why: &str| setup(config, &format!("its `base_url` {why}"));
    let url = Url::parse(config.base_url.trim_end_matches('/')).map_err(|_| wrong("is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong("is not an http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("holds a user name or password, which is never sent"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("holds `?` or `#`, which no base URL has"));
    }
    let mut route = url.clone();
    route.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
    Ok(route)
}

/// The header with a provider's key, which is not shown in any log; none without a key.
pub(crate) fn secret(
    config: &ProviderConfig,
    name: HeaderName,
    prefix: &str,
    key: Option<&str>,
) -> Result<HeaderMap, SetupError> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key.map(str::trim).filter(|key| !key.is_empty()) {
        let mut value = HeaderValue::from_str(&format!("{prefix}{key}"))
            .map_err(|_| setup(config, "its key has characters that no header can carry"))?;
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

/// What a failure before the head of an answer says about the request. A connection from the pool that was closed
/// before anything was written to it is replaced by the HTTP client itself, which gets the request back unsent;
/// any other failure on a connection may have come after the provider had read the request.
fn failure(error: reqwest::Error) -> ProviderError {
    let error = error.without_url();
    if error.is_builder() {
        ProviderError::NotSent(chain(&error))
    } else if error.is_connect() {
        ProviderError::NotConnected(chain(&error))
    } else {
        ProviderError::Broken(chain(&error))
    }
}

/// An error with its causes.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Makes ring the process's crypto provider, unless the program has chosen one.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that another one is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
