//! Runs of ruff, and what they print.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use annotations::Finding;

use super::{Ruff, failed};
use crate::Error;
use crate::findings::file_names::Names;
use crate::findings::ruff_json;

/// How much ruff may print before its output is refused.
const LARGEST: u64 = 1 << 30;

/// How much is kept of what ruff says beside its findings.
const SAID: u64 = 64 << 10;

impl Ruff {
    /// Runs ruff to its end: the findings, and what it said beside them.
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
                // A ruff that ends before it has read everything says why.
                let _ = stdin.write_all(text);
            }
            let findings = ruff_json::stream(stdout.take(LARGEST), known);
            if findings.is_err() {
                // It may still write, and nobody reads.
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
            Ok(_) => Err(failed(format!("it ended with {status}"))),
            Err(error) => {
                Err(Error::unreadable("ruff's output", format!("{error} (it ended with {status})")))
            }
        }
    }

    /// What a command prints when it ends well.
    pub(super) fn printed(&self, command: &mut Command) -> Result<Vec<u8>, Error> {
        let output = command.stdin(Stdio::null()).output();
        let output = output.map_err(|error| failed(format!("can't be run: {error}")))?;
        if output.status.success() { Ok(output.stdout) } else { Err(self.failed_with(&output.stderr)) }
    }
}

/// A program that is ended when nobody waits for it any more.
pub struct RunningRuff {
    child: Child,
    pub said: Option<String>,
}

impl RunningRuff {
    pub fn start(command: &mut Command) -> std::io::Result<Self> {
        Ok(Self { child: command.spawn()?, said: None })
    }

    /// What it prints, in one line, when it ends well.
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
