//! What agents link to speak with the T4 intent registry: intents, the pre-PR check, the ledger of model calls, and
//! the admins' calls.
//!
//! It owns the way to the server: URLs, credentials, timeouts, retries that are safe to make, paging, and errors
//! that say what to do. It refuses rules: whether a change is legal is the server's word.
//!
//! [`Client`] is async and needs a tokio runtime; [`blocking::Client`] brings its own. [`AdminClient`] makes the
//! calls that take the admin token.
//!
//! # What is repeated, and what is not
//! A call is tried again (see [`RetryPolicy`]) when the connection fails, when no answer comes in time, and on
//! 429, 502, 503 and 504, unless the code says that it would not help (`insufficient_quota`, `no_provider`) or would
//! cost again. Every change carries an `Idempotency-Key` that is minted once per call and kept over its tries, so a
//! change whose answer was lost is not made twice. Holds and settlements need none: the server knows them by their
//! call and attempt. Nothing else is repeated.
//!
//! # What never happens
//! Redirects are not followed, no proxy is used, and secrets appear in no error and no `Debug` output.
//!
//! ```no_run
//! # async fn example() -> Result<(), policy_client::Error> {
//! use policy_client::Placeholders;
//! let client = policy_client::Client::from_env()?;
//! let files = vec!["src/lib.rs".to_owned()];
//! let check = client.pre_pr_check(files, vec!["F821".to_owned()], Placeholders::Reserve).await?;
//! if !check.ok {
//!     eprintln!("no intent for {:?}", check.missing);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Calls to models
//! [`RemoteLedger`] keeps a budget over HTTP: it is an [`llm_policy::Ledger`], so whatever makes calls against a
//! ledger can pay from the registry's. An agent that links the gate (crate `llm-gate`) hands it to the gate's
//! builder, as an `Arc`, in the place of a ledger on its own disk, beside the configuration of its providers and the
//! price book. The gate then calls the providers itself; each attempt is one round trip to the registry before it
//! leaves and one, which nobody waits for, after it has ended. The price book of the agent bounds the input alone:
//! what is held and settled is at the prices of the registry's book, which come with each hold.
//!
//! Without a gate, [`Client::create_hold`], [`Client::settle_hold`] and [`Client::release_hold`] are put around a
//! call by hand.

mod admin;
mod admin_llm;
mod answer;
pub mod blocking;
mod builder;
mod client;
mod encoding;
mod error;
mod from_env;
mod link;
mod llm;
mod pages;
mod pre_pr;
mod remote_ledger;
mod retry;
mod transport;
mod usage;

pub use admin::{AdminClient, AuditFilter};
pub use api_types;
pub use api_types::UsageGroup;
pub use builder::Builder;
pub use client::{Client, IntentFilter, Versioned};
pub use error::Error;
pub use from_env::{API_KEY_VARIABLE, BASE_URL_VARIABLE};
pub use llm::QuotaQuestion;
pub use pre_pr::Placeholders;
pub use registry_core::Status;
pub use remote_ledger::RemoteLedger;
pub use retry::RetryPolicy;
pub use usage::{UsageFilter, UsageRows};
