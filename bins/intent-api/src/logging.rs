//! Where the log goes: JSON lines on stderr, or in files that are rotated by day and size.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use registry_core::SystemClock;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::log_file::{LogLimits, RotatingFile};

/// How many lines may wait for a slow disk or a slow reader of stderr; further ones are dropped.
const MAX_WAITING_LINES: usize = 8_192;

/// What to log, and where.
pub struct LogConfig {
    pub filter: String,
    pub file: Option<PathBuf>,
    pub limits: LogLimits,
}

/// Starts the log. The guard writes what waits when it is dropped.
///
/// # Errors
/// When the filter or the file can't be used.
pub fn start(config: &LogConfig) -> Result<WorkerGuard> {
    let filter = filter(&config.filter)?;
    let (writer, guard) = match &config.file {
        None => in_background(std::io::stderr()),
        Some(path) => file(path, config.limits)?,
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

/// A level, or a list of them with targets (`info,storage_sqlite=debug`). The filter itself takes any word for a
/// target, and a mistyped level would switch the log off.
fn filter(text: &str) -> Result<EnvFilter> {
    let refused = || format!("T4_LOG takes error, warn, info, debug or trace, got `{text}`");
    let level = |word: &str| match word {
        // As Python's logging, and so the original service, has it.
        "warning" => Some("warn".to_owned()),
        "critical" => Some("error".to_owned()),
        "off" | "error" | "warn" | "info" | "debug" | "trace" => Some(word.to_owned()),
        word => word.contains('=').then(|| word.to_owned()),
    };
    let levels: Option<Vec<_>> = text.split(',').map(|word| level(word.trim())).collect();
    EnvFilter::builder().parse(levels.with_context(refused)?.join(",")).with_context(refused)
}

/// A thread of its own writes: a request never waits for the log.
fn in_background(writer: impl std::io::Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().buffered_lines_limit(MAX_WAITING_LINES).finish(writer)
}

fn file(path: &std::path::Path, limits: LogLimits) -> Result<(NonBlocking, WorkerGuard)> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("LOG_FILE takes a file, got `{}`", path.display()))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(std::path::Path::new("."));
    std::fs::create_dir_all(folder)
        .with_context(|| format!("the folder of LOG_FILE `{}` can't be made", path.display()))?;
    let log = RotatingFile::open(folder, name, limits, Arc::new(SystemClock::new()))
        .with_context(|| format!("LOG_FILE `{}` can't be written", path.display()))?;
    Ok(in_background(log))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_level_is_refused_and_does_not_switch_the_log_off() {
        for text in ["info", "warning", "critical", "off", "info,storage_sqlite=debug"] {
            assert!(filter(text).is_ok(), "{text}");
        }
        for text in ["", "loud", "inof", "not a level!", "info,loud", "storage_sqlite=loud"] {
            let error = filter(text).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.starts_with("T4_LOG takes"), "{text}: {error}");
        }
    }
}
