//! What the platform sends out by itself.
//!
//! It owns the poster of webhooks. It refuses what is sent and when: its callers hand in whole bodies and decide
//! about repeats. No address is told in full: paths and queries of webhooks often are their credentials.

mod github;
mod webhook;

pub use github::{GitHub, GitHubError, Reply};
pub use webhook::{PostError, UrlError, Webhook};
