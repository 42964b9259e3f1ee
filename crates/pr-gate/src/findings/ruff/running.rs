//! Running ruff processes and their output.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use annotations::Finding;

use super::{Ruff, failed};
use crate::Error;
use crate::findings::file_names::Names;
use crate::findings::ruff_json;

/// The maximum size of ruff's output, in bytes.
const LARGEST: u64 = 1 << 30;

/// The maximum size of ruff's messages on stderr that is kept, in bytes.
const SAID: u64 = 64 << 10;

impl Ruff {
    /// Runs ruff until it exits. Returns the findings and the messages on stderr.
    pub(super) fn run(
        &self,
        command: &mut Command,
        text: Option<&[u8]>,
        known: &mut Names<'_>,
    ) -> Result<(Vec<Finding>, String), Error> {
        command.stdin(if text.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running =
            RunningRuff::start(command).map_err(|error| failed(format!("can't be run: {error}")))?;
        let (Some(stdout), Some(stderr)) = (running.child.stdout.take(), running.child.stderr.take()) else {
            return Err(failed("its output can't be read".to_owned()));
        };
        let stdin = running.child.stdin.take();
        let (findings, said) = std::thread::scope(|scope| {
            let said = scope.spawn(move || {
                let mut said = Vec::new();
                let mut stderr = stderr;
                let _ = stderr.by_ref().take(SAID).read_to_end(&mut said);
                let _ = std::io::copy(&mut stderr, &mut std::io::sink());
                String::from_utf8_lossy(&said).into_owned()
            });
            if let (Some(mut stdin), Some(text)) = (stdin, text) {
                // If ruff exits before it has read everything, its message is the error.
                let _ = stdin.write_all(text);
            }
            let findings = ruff_json::stream(stdout.take(LARGEST), known);
            if findings.is_err() {
                // ruff may still write output, which is no longer read.
                let _ = running.child.kill();
            }
            (findings, said.join().unwrap_or_default())
        });
        let status = running.child.wait().map_err(|error| failed(error.to_string()))?;
        let said = self.said.told(&said);
        if !status.success() && !said.trim().is_empty() {
            return Err(failed(said.trim().to_owned()));
        }
        match findings {
            Ok(findings) if status.success() => Ok((findings, said)),
            Ok(_) => Err(failed(format!("it failed with {status}"))),
            Err(error) => Err(Error::unreadable("ruff's output", format!("{error} ({status})"))),
        }
    }

    /// Returns what a command prints to stdout.
    ///
    /// # Errors
    /// The command can't be run, or fails.
    pub(super) fn printed(&self, command: &mut Command) -> Result<Vec<u8>, Error> {
        let output = command.stdin(Stdio::null()).output();
        let output = output.map_err(|error| failed(format!("can't be run: {error}")))?;
        if output.status.success() { Ok(output.stdout) } else { Err(self.failed_with(&output.stderr)) }
    }
}

/// A running ruff, which is killed when this value is dropped.
pub struct RunningRuff {
    child: Child,
    pub said: Option<String>,
}

impl RunningRuff {
    pub fn start(command: &mut Command) -> std::io::Result<Self> {
        Ok(Self { child: command.spawn()?, said: None })
    }

    /// Returns the first line that it prints to stdout, or `None` when it fails.
    pub fn text(&mut self) -> Option<String> {
        let mut text = String::new();
        self.child.stdout.take()?.take(1024).read_to_string(&mut text).ok()?;
        let ended_well = self.child.wait().is_ok_and(|status| status.success());
        ended_well.then(|| text.lines().next().unwrap_or_default().trim().to_owned())
    }
}

impl Drop for RunningRuff {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
