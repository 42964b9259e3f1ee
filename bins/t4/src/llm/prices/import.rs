//! `t4 llm prices import`: converts a published table of prices into a file for `T4_PRICES`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use cli_support::{CommandVerdict, Failure};
use llm_policy::{ChangedPrice, PriceEntry, PriceImport, import_litellm};
use registry_core::{Clock as _, SystemClock};

use super::{Overlay, rates};
use crate::llm::money::per_million;
use crate::out;

/// Make a file of prices from a table in the form of `model_prices_and_context_window.json`.
///
/// The file is written as a whole or not at all. What is new against the book is told on stderr, and what was
/// refused by name: prices above $1,000 per million tokens, below zero, or that do not bound a call. Ends with 1
/// when something was refused; the rest is written all the same.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The table, as JSON
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Where to write the prices, as TOML [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// The day on which the table was fetched, such as 2026-11-21 [default: today, UTC]
    #[arg(long, value_name = "DATE")]
    date: Option<String>,

    #[command(flatten)]
    overlay: Overlay,
}

/// Runs the command.
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    let book = args.overlay.book()?;
    let what = || format!("the table `{}` can't be read", args.file.display());
    let table = std::fs::read_to_string(&args.file).with_context(what).map_err(Failure::trouble)?;
    let date = args.date.unwrap_or_else(today);
    let import = match import_litellm(&table, &book, &date) {
        Ok(import) => import,
        Err(error @ llm_policy::BookError::Date(_)) => return Err(Failure::usage(anyhow!(error))),
        Err(error) => {
            return Err(Failure::trouble(
                anyhow!(error).context(format!("`{}` is refused", args.file.display())),
            ));
        }
    };
    match &args.out {
        None => out::print(&import.toml)?,
        Some(path) => {
            let what = || format!("the prices `{}` can't be written", path.display());
            replace(path, &import.toml).with_context(what).map_err(Failure::trouble)?;
        }
    }
    out::say(&report(&import));
    Ok(if import.refused.is_empty() { CommandVerdict::Fine } else { CommandVerdict::No })
}

fn today() -> String {
    SystemClock::new().now().to_string().chars().take(10).collect()
}

/// Writes a file so that a server that starts meanwhile reads the old text or the new one, never a half.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

/// What the import came to, a line for each model that changed or was refused.
fn report(import: &PriceImport) -> String {
    let PriceImport { added, changed, refused, unchanged, skipped, .. } = import;
    let changes = changed.iter().map(change);
    let refusals = refused.iter().map(|refused| format!("refused {}: {}", refused.model, refused.why));
    let counts = format!(
        "{} added, {} changed, {unchanged} unchanged, {} refused, {skipped} skipped",
        added.len(),
        changed.len(),
        refused.len()
    );
    let lines: Vec<_> = added.iter().map(addition).chain(changes).chain(refusals).chain([counts]).collect();
    lines.join("\n")
}

fn addition(entry: &PriceEntry) -> String {
    let (input, output) = (per_million(entry.rates.input), per_million(entry.rates.output));
    format!("added {} {}: input ${input}, output ${output}", entry.provider, entry.model)
}

/// What of an entry is new: its prices, else what it is not needed to name.
fn change(ChangedPrice { before, after }: &ChangedPrice) -> String {
    let prices = rates(&before.rates).into_iter().zip(rates(&after.rates));
    let changes: Vec<_> = prices
        .filter(|((_, old), (_, new))| old != new)
        .map(|((name, old), (_, new))| format!("{} ${old} -> ${new}", name.to_lowercase()))
        .collect();
    let changes = if changes.is_empty() { "limits or long calls".to_owned() } else { changes.join(", ") };
    format!("changed {} {}: {changes}", after.provider, after.model)
}

#[cfg(test)]
mod tests {
    use llm_policy::{PriceBook, RefusedModel};

    use super::*;

    fn import() -> PriceImport {
        let book = PriceBook::builtin();
        let before = book.find("openai", "gpt-4o-mini").unwrap().clone();
        let mut after = before.clone();
        after.rates.input = 150_000;
        let mut limits = before.clone();
        limits.max_output = Some(1);
        PriceImport {
            toml: String::new(),
            added: vec![after.clone()],
            changed: vec![
                ChangedPrice { before: before.clone(), after },
                ChangedPrice { before: before.clone(), after: limits },
            ],
            unchanged: 4,
            refused: vec![RefusedModel { model: "dear".to_owned(), why: "too dear".to_owned() }],
            skipped: 5,
        }
    }

    #[test]
    fn every_model_that_is_new_or_refused_is_named_with_its_figures() {
        let report = report(&import());
        let lines: Vec<_> = report.lines().collect();
        assert!(lines[0].starts_with("added openai gpt-4o-mini: input $0.15, output $"), "{report}");
        let old = per_million(PriceBook::builtin().find("openai", "gpt-4o-mini").unwrap().rates.input);
        assert!(lines[1].starts_with("changed openai gpt-4o-mini: input $"), "{report}");
        assert!(lines[1].contains(&format!("input ${old} -> $0.15")), "{report}");
        assert_eq!(lines[2], "changed openai gpt-4o-mini: limits or long calls");
        assert_eq!(lines[3], "refused dear: too dear");
        assert_eq!(lines[4], "1 added, 2 changed, 4 unchanged, 1 refused, 5 skipped");
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.toml");
        replace(&path, "a").unwrap();
        replace(&path, "b").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "b");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(replace(&folder.path().join("no/such/folder"), "a").is_err());
    }
}
