//! How a client is put together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_out::reqwest::header::{HeaderName, HeaderValue};
use http_out::{ClientOptions, UrlScheme};
use registry_core::{BaseUrl, Clock, Entropy, SystemClock, SystemEntropy};

use crate::transport::{Credential, Transport};
use crate::{AdminClient, Client, Error, RetryPolicy, blocking};

/// Where the registry is when nobody says otherwise.
pub(crate) const DEFAULT_BASE_URL: &str = "http://127.0.0.1:8001";

/// Settings of a client. What is not set has a sane default; only the credential must be given.
///
/// ```no_run
/// # fn example() -> Result<(), policy_client::Error> {
/// use std::time::Duration;
/// let client = policy_client::Client::builder()
///     .base_url("https://intent-api.internal:8001")
///     .api_key("t4_...")
///     .timeout(Duration::from_secs(5))
///     .build()?;
/// # drop(client); Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Builder {
    base_url: String,
    api_key: Option<String>,
    admin_token: Option<String>,
    connect_timeout: Duration,
    timeout: Duration,
    retry: RetryPolicy,
    max_answer_bytes: usize,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The base URL is not checked yet and may hold a password, so it stays out as well.
        f.debug_struct("Builder")
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            base_url: DEFAULT_BASE_URL.to_owned(),
            api_key: None,
            admin_token: None,
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(10),
            retry: RetryPolicy::default(),
            max_answer_bytes: 64 << 20,
            clock: Arc::new(SystemClock::new()),
            entropy: Arc::new(SystemEntropy),
        }
    }
}

impl Builder {
    /// Where the registry is: `http` or `https`, perhaps with a path before every route. Default
    /// `http://127.0.0.1:8001`. Over plain `http` the key can be read on the way: keep that to loopback.
    ///
    /// ```no_run
    /// let builder = policy_client::Client::builder().base_url("https://intent-api.internal:8001");
    /// # drop(builder);
    /// ```
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// The agent's key, sent as `X-T4-API-KEY`. White space around it is cut off.
    ///
    /// ```no_run
    /// let builder = policy_client::Client::builder().api_key("t4_...");
    /// # drop(builder);
    /// ```
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// The admin token, sent as `X-T4-Admin-Token` by an [`AdminClient`] alone.
    ///
    /// ```no_run
    /// let builder = policy_client::Client::builder().admin_token("...");
    /// # drop(builder);
    /// ```
    pub fn admin_token(mut self, token: impl Into<String>) -> Self {
        self.admin_token = Some(token.into());
        self
    }

    /// How long one connection may take to come about. Default 2 s.
    ///
    /// ```no_run
    /// let builder = policy_client::Client::builder().connect_timeout(std::time::Duration::from_secs(1));
    /// # drop(builder);
    /// ```
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long one try may take, from the connection to the last byte. Default 10 s.
    ///
    /// ```no_run
    /// let builder = policy_client::Client::builder().timeout(std::time::Duration::from_secs(5));
    /// # drop(builder);
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How often and how long a call is tried.
    ///
    /// ```no_run
    /// let builder = policy_client::Client::builder().retry(policy_client::RetryPolicy::never());
    /// # drop(builder);
    /// ```
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// The largest answer that is read, in bytes. Default 64 MiB.
    ///
    /// ```no_run
    /// let builder = policy_client::Client::builder().max_answer_bytes(1 << 20);
    /// # drop(builder);
    /// ```
    pub fn max_answer_bytes(mut self, bytes: usize) -> Self {
        self.max_answer_bytes = bytes;
        self
    }

    /// The clock that the deadline is read from, for tests.
    ///
    /// ```no_run
    /// let builder = policy_client::Client::builder().clock(std::sync::Arc::new(registry_core::SystemClock::new()));
    /// # drop(builder);
    /// ```
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The random source of idempotency keys and waits, for tests.
    ///
    /// ```no_run
    /// let builder = policy_client::Client::builder().entropy(std::sync::Arc::new(registry_core::SystemEntropy));
    /// # drop(builder);
    /// ```
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// The async client of an agent.
    ///
    /// # Errors
    /// [`Error::MissingKey`], [`Error::UnusableSecret`], [`Error::InvalidUrl`], or [`Error::Setup`] when `https`
    /// is asked for and this machine has no root certificates.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), policy_client::Error> {
    /// let client = policy_client::Client::builder().api_key("t4_...").build()?;
    /// # drop(client); Ok(())
    /// # }
    /// ```
    pub fn build(self) -> Result<Client, Error> {
        let credential = credential("x-t4-api-key", "API key", self.api_key.as_deref(), Error::MissingKey)?;
        Ok(Client::over(Arc::new(self.transport(credential)?)))
    }

    /// The blocking client of an agent.
    ///
    /// # Errors
    /// As [`Builder::build`], and [`Error::Setup`] when no thread can be started.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), policy_client::Error> {
    /// let client = policy_client::Client::builder().api_key("t4_...").build_blocking()?;
    /// # drop(client); Ok(())
    /// # }
    /// ```
    pub fn build_blocking(self) -> Result<blocking::Client, Error> {
        blocking::Client::over(self.build()?)
    }

    /// The async client of an admin.
    ///
    /// # Errors
    /// As [`Builder::build`], with [`Error::MissingAdminToken`] for a missing token.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), policy_client::Error> {
    /// let client = policy_client::Client::builder().admin_token("...").build_admin()?;
    /// # drop(client); Ok(())
    /// # }
    /// ```
    pub fn build_admin(self) -> Result<AdminClient, Error> {
        let token = self.admin_token.as_deref();
        let credential = credential("x-t4-admin-token", "admin token", token, Error::MissingAdminToken)?;
        Ok(AdminClient::over(Arc::new(self.transport(credential)?)))
    }

    /// The blocking client of an admin, for what it reads of the ledger.
    ///
    /// # Errors
    /// As [`Builder::build_admin`], and [`Error::Setup`] when no thread can be started.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), policy_client::Error> {
    /// let client = policy_client::Client::builder().admin_token("...").build_admin_blocking()?;
    /// # drop(client); Ok(())
    /// # }
    /// ```
    pub fn build_admin_blocking(self) -> Result<blocking::AdminClient, Error> {
        blocking::AdminClient::over(self.build_admin()?)
    }

    fn transport(self, credential: Credential) -> Result<Transport, Error> {
        let base =
            BaseUrl::parse(&self.base_url).map_err(|fault| Error::InvalidUrl { problem: fault.problem() })?;
        // One place decides what is tried again: `Transport::send`.
        let user_agent = concat!("t4-policy-client/", env!("CARGO_PKG_VERSION"));
        let scheme = UrlScheme::of(base.url());
        let http = ClientOptions::new(user_agent, scheme, self.connect_timeout).build().map_err(|error| {
            Error::Setup {
                advice: "https needs the system's root certificates (package `ca-certificates`, or `SSL_CERT_FILE`)",
                source: Some(Box::new(error)),
            }
        })?;
        Ok(Transport {
            http,
            base,
            credential,
            timeout: self.timeout,
            retry: self.retry,
            max_answer_bytes: self.max_answer_bytes,
            clock: self.clock,
            entropy: self.entropy,
        })
    }
}

fn credential(
    header: &'static str,
    what: &'static str,
    secret: Option<&str>,
    missing: Error,
) -> Result<Credential, Error> {
    let secret = secret.map(str::trim).filter(|secret| !secret.is_empty()).ok_or(missing)?;
    let mut value = HeaderValue::from_str(secret).map_err(|_| Error::UnusableSecret { what })?;
    value.set_sensitive(true);
    Ok(Credential { header: HeaderName::from_static(header), value })
}
