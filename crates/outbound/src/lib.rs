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

/// Call that got no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// None came in time.
    #[error("`{host}` did not answer in time")]
    TimedOut {
        /// The host of the address.
        host: String,
    },
    /// There was no connection, or it broke.
    #[error("`{host}` can't be reached")]
    Unreachable {
        /// The host of the address.
        host: String,
        /// What failed, without the address.
        #[source]
        source: Error,
    },
}

impl Unanswered {
    fn new(host: String, error: Error) -> Self {
        if error.is_timeout() {
            Self::TimedOut { host }
        } else {
            Self::Unreachable { host, source: error.without_url() }
        }
    }
}

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);

/// A client for one address. All of a call, from the connection to the end of the answer, may take `total`.
fn client(url: &Url, total: Duration) -> Result<Client, Error> {
    let user_agent = concat!("t4/", env!("CARGO_PKG_VERSION"));
    ClientOptions::new(user_agent, UrlScheme::of(url), CONNECT).total_timeout(total).build()
}
