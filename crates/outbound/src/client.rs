//! The HTTP client that everything here sends with.

use std::sync::Once;
use std::time::Duration;

use reqwest::{Client, Error, Url, redirect, retry};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);

/// A client for one address. Redirects are not followed and proxies of the environment not asked: what is sent goes
/// where the operator said, or nowhere. All of a call, from the connection to the end of the answer, may take `total`.
pub fn client(url: &Url, total: Duration) -> Result<Client, Error> {
    install_crypto();
    let mut http = Client::builder()
        .user_agent(concat!("t4/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        // The caller decides what is tried again.
        .retry(retry::never())
        .connect_timeout(CONNECT)
        .timeout(total);
    if url.scheme() == "http" {
        // No roots are loaded for plain http, so that a container without certificates can use it.
        http = http.tls_certs_only([]);
    }
    http.build()
}

/// Names the cryptography that `reqwest` is to use; somebody else in the process may have done so already.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}
