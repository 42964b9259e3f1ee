//! What agents link to speak with the T4 intent registry: intents, the pre-PR check, and the admins' calls.
//!
//! It owns the way to the server: URLs, credentials, timeouts, retries that are safe to make, paging, and errors
//! that say what to do. It refuses rules: whether a change is legal is the server's word.
//!
//! [`Client`] is async and needs a tokio runtime; [`blocking::Client`] brings its own. [`AdminClient`] makes the
//! calls that take the admin token.
//!
//! # What is repeated, and what is not
//! A call is tried again (see [`RetryPolicy`]) when the connection fails, when no answer comes in time, and on
//! 429, 502, 503 and 504. Every change carries an `Idempotency-Key` that is minted once per call and kept over
//! its tries, so a change whose answer was lost is not made twice. Nothing else is repeated.
//!
//! # What never happens
//! Redirects are not followed, no proxy is used, and secrets appear in no error and no `Debug` output.
//!
//! ```no_run
//! # async fn example() -> Result<(), policy_client::Error> {
//! let client = policy_client::Client::from_env()?;
//! let files = vec!["src/lib.rs".to_owned()];
//! let check = client.pre_pr_check(files, vec!["F821".to_owned()], true).await?;
//! if !check.ok {
//!     eprintln!("no intent for {:?}", check.missing);
//! }
//! # Ok(())
//! # }
//! ```

mod admin;
mod answer;
pub mod blocking;
mod builder;
mod client;
mod error;
mod from_env;
mod link;
mod pages;
mod pre_pr;
mod retry;
mod transport;
mod url;

pub use admin::{AdminClient, AuditFilter};
pub use api_types;
pub use builder::Builder;
pub use client::{Client, Versioned};
pub use error::Error;
pub use from_env::{API_KEY_VARIABLE, BASE_URL_VARIABLE};
pub use retry::RetryPolicy;
