//! What the platform sends out by itself.
//!
//! It owns the poster of webhooks and the client of GitHub's API. It refuses what is sent and when: its callers hand in
//! whole bodies and decide about repeats. No address of a webhook is told in full: their paths and queries often are
//! their credentials.

mod client;
mod github;
mod webhook;

pub use github::{GitHub, GitHubError, Reply};
pub use webhook::{PostError, UrlError, Webhook};
