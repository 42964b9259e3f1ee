//! One T4 on one database file: opens the database and its secrets, builds the services, and runs the background
//! work.
//!
//! This crate owns the wiring: which store, which limiter, which clock. It has no HTTP and does not read the
//! environment: settings come as [`Options`].

mod alert_hook;
mod error;
mod jobs;
mod open;
mod options;
mod secrets;

pub use error::InstanceError;
pub use jobs::Jobs;
pub use open::{Instance, migrate, open, open_tool, open_with};
pub use options::{AdminSource, LlmOptions, Options, PepperSource, WrapStore};
pub use secrets::{beside, secrets_of};
pub use storage::{OpenError, OpenMode, OpenReport};
