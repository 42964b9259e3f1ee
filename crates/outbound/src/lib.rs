//! What the platform sends out by itself.
//!
//! It owns the poster of webhooks and the client of GitHub's API. It refuses what is sent and when: its callers hand in
//! whole bodies and decide about repeats. No address of a webhook is told in full: their paths and queries often are
//! their credentials.

mod github;
mod webhook;

use std::time::Duration;

use http_out::reqwest::{Client, Error, Url};
use http_out::{ClientOptions, UrlScheme};

pub use github::{GitHub, GitHubError, Reply};
pub use webhook::{PostError, UrlError, Webhook};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);

/// A client for one address. All of a call, from the connection to the end of the answer, may take `total`.
fn client(url: &Url, total: Duration) -> Result<Client, Error> {
    let user_agent = concat!("t4/", env!("CARGO_PKG_VERSION"));
    ClientOptions::new(user_agent, UrlScheme::of(url), CONNECT).total_timeout(total).build()
}
