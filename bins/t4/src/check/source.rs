//! Source of the findings: ruff, a file or stdin.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use anyhow::{Context as _, anyhow};
use pr_gate::check::FindingSource;
use pr_gate::findings::LARGEST;

use cli_support::Failure;

/// ruff, or what `--from` names.
pub fn read(from: Option<&Path>) -> Result<FindingSource, Failure> {
    let Some(path) = from else { return Ok(FindingSource::Ruff) };
    let read = if path.as_os_str() == "-" {
        all(stdin().lock())
    } else {
        let named = || format!("`{}` can't be read", path.display());
        File::open(path).map_err(anyhow::Error::from).and_then(all).with_context(named)
    };
    read.map(FindingSource::Given).map_err(Failure::trouble)
}

fn all(from: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(LARGEST)?;
    from.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() > LARGEST {
        return Err(anyhow!("it has more than {} MB", LARGEST >> 20));
    }
    Ok(bytes)
}
