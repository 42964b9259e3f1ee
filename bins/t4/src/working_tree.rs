//! Shared parts of the commands on a working tree: the project, its errors, and progress.

use std::io::{IsTerminal as _, stderr};
use std::path::PathBuf;
use std::time::Duration;

use cli_support::Failure;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pr_gate::{Error, Progress, Project};
use registry_core::Timestamp;
use time::{Date, OffsetDateTime};

use crate::config;

/// The linter that is run.
#[derive(Debug, Clone, clap::Args)]
pub struct RuffChoice {
    /// The ruff to run, such as `.venv/bin/ruff` [default: that of the active virtual environment, on PATH, of
    /// `python3`, or through `uvx`]
    #[arg(long, value_name = "FILE")]
    ruff: Option<PathBuf>,
}

impl RuffChoice {
    /// The program, seen from the working directory.
    pub fn program(&self) -> Result<Option<PathBuf>, Failure> {
        let here = config::here()?;
        Ok(self.ruff.as_ref().map(|ruff| here.join(ruff)))
    }

    /// The project around the working directory, with this ruff.
    pub fn project(&self) -> Result<Project, Failure> {
        Ok(Project { ruff: self.program()?, ..project()? })
    }
}

/// The project around the working directory.
pub fn project() -> Result<Project, Failure> {
    let here = config::here()?;
    Project::find(&here, &config::launcher(&here)).map_err(failure)
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

/// How far long work is, for somebody who waits at a terminal: a bar on stderr; nothing where that is no terminal.
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar that shows itself when a part begins.
    pub fn new() -> Self {
        let target =
            if stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bar: ProgressBar::with_draw_target(None, target) }
    }
}

impl Progress for Bar {
    fn begin(&self, part: &'static str, steps: Option<u64>) {
        let template = if steps.is_some() { "{msg} {wide_bar} {pos}/{len}" } else { "{spinner} {msg}" };
        self.bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        self.bar.set_message(part);
        self.bar.set_position(0);
        match steps {
            Some(steps) => self.bar.set_length(steps),
            None => self.bar.enable_steady_tick(Duration::from_millis(120)),
        }
    }

    fn step(&self, steps: u64) {
        self.bar.inc(steps);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
