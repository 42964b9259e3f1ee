//! Output of the log: JSON lines on stderr, or in files that are rotated by day and size.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context as _, Result};
use api_keys::hide_keys;
use registry_core::{KnownSecrets, SystemClock};
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

/// The secrets that no line of the log may hold. Those that lie in files become known after the log has begun.
pub struct LogSecrets(RwLock<KnownSecrets>);

impl LogSecrets {
    /// With what is known at start.
    pub fn new(secrets: KnownSecrets) -> Self {
        Self(RwLock::new(secrets))
    }

    /// From here on these are removed.
    pub fn set(&self, secrets: KnownSecrets) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = secrets;
    }

    /// The text without them, and without keys of agents.
    pub fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.0.read().unwrap_or_else(PoisonError::into_inner).clean(text) {
            Cow::Borrowed(text) => hide_keys(text),
            Cow::Owned(text) => Cow::Owned(hide_keys(&text).into_owned()),
        }
    }
}

/// A writer of log lines that removes known secrets: one call of `write` is one line.
struct CleanLines<W> {
    inner: W,
    secrets: Arc<LogSecrets>,
}

impl<W: Write> Write for CleanLines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(line) {
            Ok(text) => self.inner.write_all(self.secrets.clean(text).as_bytes())?,
            Err(_) => self.inner.write_all(self.secrets.clean(&String::from_utf8_lossy(line)).as_bytes())?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Starts the log. The guard writes what waits when it is dropped.
///
/// # Errors
/// When the filter or the file can't be used.
pub fn start(config: &LogConfig, secrets: &Arc<LogSecrets>) -> Result<WorkerGuard> {
    let filter = filter(&config.filter)?;
    let (writer, guard) = match &config.file {
        None => in_background(std::io::stderr(), secrets),
        Some(path) => in_background(file(path, config.limits)?, secrets),
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

/// A separate thread removes secrets and writes: a request never waits for the log.
fn in_background(
    writer: impl Write + Send + 'static,
    secrets: &Arc<LogSecrets>,
) -> (NonBlocking, WorkerGuard) {
    let lines = CleanLines { inner: writer, secrets: Arc::clone(secrets) };
    NonBlockingBuilder::default().buffered_lines_limit(MAX_WAITING_LINES).finish(lines)
}

fn file(path: &std::path::Path, limits: LogLimits) -> Result<RotatingFile> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("LOG_FILE takes a file, got `{}`", path.display()))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(std::path::Path::new("."));
    std::fs::create_dir_all(folder)
        .with_context(|| format!("the folder of LOG_FILE `{}` can't be made", path.display()))?;
    RotatingFile::open(folder, name, limits, Arc::new(SystemClock::new()))
        .with_context(|| format!("LOG_FILE `{}` can't be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_holds_a_known_secret_from_when_it_is_known() {
        let secrets = Arc::new(LogSecrets::new(KnownSecrets::new(["known-at-start"], [])));
        let mut lines = CleanLines { inner: Vec::new(), secrets: Arc::clone(&secrets) };
        lines.write_all(b"{\"cause\":\"known-at-start and known-later\"}\n").unwrap();
        secrets.set(KnownSecrets::new(["known-at-start", "known-later"], []));
        lines.write_all(b"known%2Dlater known-at-start\n").unwrap();
        lines.write_all(b"\xff known-later\n").unwrap();
        let key = "t4_000000000001_00000000000000000000000000000000000000000010dLTI1";
        writeln!(lines, "{key}").unwrap();
        let text = String::from_utf8(lines.inner).unwrap();
        let expected = "{\"cause\":\"[redacted] and known-later\"}\n[redacted] [redacted]\n\u{fffd} [redacted]\n\
                        t4_000000000001_[redacted]\n";
        assert_eq!(text, expected);
    }

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
