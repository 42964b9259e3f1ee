//! What the commands on a working tree share.

use cli_support::Failure;
use pr_gate::{Error, Project};
use registry_core::Timestamp;
use time::{Date, OffsetDateTime};

use crate::config;

/// The project around the working directory.
pub fn project() -> Result<Project, Failure> {
    Project::find(&config::here()?).map_err(failure)
}

/// Wrong usage, or something that stood in the way.
pub fn failure(error: impl Into<Error>) -> Failure {
    let error = error.into();
    if error.is_usage() { Failure::usage(error) } else { Failure::trouble(error) }
}

/// The day of a point in time, in UTC.
pub fn day(now: Timestamp) -> Date {
    OffsetDateTime::from_unix_timestamp(now.unix_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH).date()
}
