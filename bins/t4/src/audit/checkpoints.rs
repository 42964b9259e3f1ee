//! File of checkpoints that a server appends to, one JSON object per line.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use canonical::Digest;
use cli_support::Failure;
use serde::Deserialize;
use storage::SealedCheckpoint;

use crate::out;

/// One line. Fields that a later version adds are left alone.
#[derive(Deserialize)]
struct CheckpointLine {
    next_seq: u64,
    head: String,
}

/// Reads the checkpoints of a file.
pub fn read(path: &Path) -> Result<Vec<SealedCheckpoint>, Failure> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("the checkpoints `{}` can't be read", path.display()));
    parse(&text.map_err(Failure::trouble)?, path)
}

fn parse(text: &str, path: &Path) -> Result<Vec<SealedCheckpoint>, Failure> {
    let mut checkpoints = Vec::new();
    for (number, line) in text.split_inclusive('\n').enumerate() {
        match checkpoint(line) {
            Some(checkpoint) => checkpoints.push(checkpoint),
            None if line.trim().is_empty() => {}
            // The server may be at it, or may have died at it.
            None if !line.ends_with('\n') => out::say("the last checkpoint is not whole and is left out"),
            None => {
                let (number, path) = (number + 1, path.display());
                return Err(Failure::trouble(anyhow!("line {number} of `{path}` is no checkpoint")));
            }
        }
    }
    Ok(checkpoints)
}

fn checkpoint(line: &str) -> Option<SealedCheckpoint> {
    let line: CheckpointLine = serde_json::from_str(line).ok()?;
    let head = Digest::from_hex(&line.head).ok()?;
    Some(SealedCheckpoint { next_seq: line.next_seq, chain: *head.as_bytes() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_line_may_be_torn() {
        let line = |n: u64| format!("{{\"at\":\"x\",\"next_seq\":{n},\"head\":\"{}\"}}\n", "ab".repeat(32));
        let path = Path::new("c");
        let read =
            |text: &str| parse(text, path).map(|all| all.iter().map(|c| c.next_seq).collect::<Vec<_>>());
        assert_eq!(read(&(line(1) + &line(2))).unwrap(), [1, 2]);
        assert_eq!(read(&(line(1) + "\n" + line(2).trim())).unwrap(), [1, 2]);
        assert_eq!(read(&(line(1) + "{\"at\":")).unwrap(), [1]);
        assert!(read(&(line(1) + "{\"at\":\n" + &line(2))).is_err());
        assert!(read("{\"next_seq\":1,\"head\":\"abc\"}\n").is_err());
    }
}
