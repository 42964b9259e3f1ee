//! Where the log goes: JSON lines on stderr, or in a file that is rotated every day.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

/// How many files of past days are kept.
const KEPT_FILES: usize = 14;

/// What to log, and where.
pub struct LogConfig {
    pub filter: String,
    pub file: Option<PathBuf>,
}

/// Starts the log. The guard writes what waits when it is dropped.
///
/// # Errors
/// When the filter or the file can't be used.
pub fn start(config: &LogConfig) -> Result<WorkerGuard> {
    let takes = "T4_LOG takes error, warn, info, debug or trace";
    let filter = EnvFilter::builder().parse(&config.filter);
    let filter = filter.with_context(|| format!("{takes}, got `{}`", config.filter))?;
    let (writer, guard) = match &config.file {
        None => tracing_appender::non_blocking(std::io::stderr()),
        Some(path) => file(path)?,
    };
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter)
        .with_writer(writer)
        .try_init()
        .map_err(|error| anyhow::anyhow!("the log can't be started: {error}"))?;
    Ok(guard)
}

fn file(path: &std::path::Path) -> Result<(NonBlocking, WorkerGuard)> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("LOG_FILE takes a file, got `{}`", path.display()))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(name)
        .max_log_files(KEPT_FILES)
        .build(folder.unwrap_or(std::path::Path::new(".")))
        .with_context(|| format!("LOG_FILE `{}` can't be written", path.display()))?;
    Ok(tracing_appender::non_blocking(appender))
}
