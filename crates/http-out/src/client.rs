//! Builder of clients for outgoing calls.

use std::sync::Once;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Error, Url, redirect, retry};

/// How long a connection is silent before its other side is asked whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The scheme of the addresses that a client calls. A client calls addresses of one scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlScheme {
    /// `https`, checked against the system's root certificates. Plain `http` is refused.
    Https,
    /// Plain `http`. No root certificates are loaded, so that a container without them can use it.
    Http,
}

impl UrlScheme {
    /// The scheme of an address: `Http` for `http:` alone, so that nothing else is sent in the clear.
    #[must_use]
    pub fn of(url: &Url) -> Self {
        if url.scheme() == "http" { Self::Http } else { Self::Https }
    }
}

/// What the clients for calls out differ in.
///
/// ```
/// use std::time::Duration;
///
/// use http_out::{ClientOptions, UrlScheme};
///
/// let client = ClientOptions::new("t4-example/1", UrlScheme::Http, Duration::from_secs(2))
///     .total_timeout(Duration::from_secs(10))
///     .build()?;
/// # drop(client);
/// # Ok::<(), http_out::reqwest::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct ClientOptions {
    user_agent: &'static str,
    scheme: UrlScheme,
    connect_timeout: Duration,
    total_timeout: Option<Duration>,
    pool_idle_timeout: Option<Duration>,
    headers: HeaderMap,
}

impl ClientOptions {
    /// A client that names itself `user_agent`, calls addresses of `scheme`, and gives a connection `connect_timeout`
    /// to come about, TLS included.
    pub fn new(user_agent: &'static str, scheme: UrlScheme, connect_timeout: Duration) -> Self {
        Self {
            user_agent,
            scheme,
            connect_timeout,
            total_timeout: None,
            pool_idle_timeout: None,
            headers: HeaderMap::new(),
        }
    }

    /// How long a call may take, from the connection to the end of the answer. Without it the caller limits each call.
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.total_timeout = Some(timeout);
        self
    }

    /// How long an idle connection is kept for the next call. 90 s when nothing is said.
    pub fn pool_idle_timeout(mut self, timeout: Duration) -> Self {
        self.pool_idle_timeout = Some(timeout);
        self
    }

    /// Headers of every request. One that holds a secret should be marked sensitive.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// The client.
    ///
    /// A redirect is an answer and is not followed, proxies of the environment are not asked, and nothing is sent
    /// again: a request goes where its caller said, once, or nowhere.
    ///
    /// # Errors
    /// When the scheme is `https` and the machine has no root certificates.
    pub fn build(self) -> Result<Client, Error> {
        install_crypto();
        let mut client = Client::builder()
            .user_agent(self.user_agent)
            .default_headers(self.headers)
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            // The caller decides what is tried again.
            .retry(retry::never())
            .tcp_nodelay(true)
            .tcp_keepalive(KEEP_ALIVE)
            .connect_timeout(self.connect_timeout);
        if let Some(timeout) = self.total_timeout {
            client = client.timeout(timeout);
        }
        if let Some(timeout) = self.pool_idle_timeout {
            client = client.pool_idle_timeout(timeout);
        }
        client = match self.scheme {
            UrlScheme::Https => client.https_only(true),
            UrlScheme::Http => client.tls_certs_only([]),
        };
        client.build()
    }
}

/// Makes ring the process's crypto provider, unless the program has chosen one.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that another one is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
