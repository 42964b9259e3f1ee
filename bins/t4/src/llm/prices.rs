//! `t4 llm prices`: the price book, without a server.

mod import;

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Subcommand;
use cli_support::table::{Column, Lines, fields, lay_out};
use cli_support::{CommandVerdict, Failure};
use llm_policy::{Encoding, PriceBook, PriceEntry, Rates};
use serde::Serialize;

use super::money::per_million;
use crate::{config, out};

/// Show the price book, or make a file of prices from a published table. No server is asked.
///
/// The book is the built-in one with the file of --prices or `T4_PRICES` laid over it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(ListPrices),
    Show(ShowPrices),
    Import(import::Args),
}

/// Where prices are beside the built-in ones.
#[derive(Debug, clap::Args)]
pub struct Overlay {
    /// A TOML file of prices, laid over the built-in ones [`T4_PRICES`, default none]
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
}

/// Which prices are shown, and how.
#[derive(Debug, clap::Args)]
struct PriceView {
    /// Only models of this provider
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,

    /// Print one JSON object: version, prices (in pico-dollars per token)
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    overlay: Overlay,
}

/// List every price, in dollars per million tokens.
#[derive(Debug, clap::Args)]
struct ListPrices {
    #[command(flatten)]
    view: PriceView,
}

/// Show everything that the book knows of a model; ends with 1 when it has no price.
#[derive(Debug, clap::Args)]
struct ShowPrices {
    /// The model, by the provider's own name for it
    #[arg(value_name = "MODEL")]
    model: String,

    #[command(flatten)]
    view: PriceView,
}

/// What `--json` prints.
#[derive(Serialize)]
struct PricesJson<'a> {
    version: &'a str,
    prices: &'a [&'a PriceEntry],
}

/// Runs the command.
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    match args.command {
        Command::List(args) => {
            let PriceView { provider, json, overlay } = args.view;
            let book = overlay.book()?;
            print(&book, &chosen(&book, None, provider.as_deref()), json, list)?;
            Ok(CommandVerdict::Fine)
        }
        Command::Show(args) => {
            let PriceView { provider, json, overlay } = args.view;
            let book = overlay.book()?;
            let entries = chosen(&book, Some(&args.model), provider.as_deref());
            if entries.is_empty() {
                out::say(&format!("`{}` has no price: a call to it is refused", args.model));
            }
            print(&book, &entries, json, show)?;
            Ok(if entries.is_empty() { CommandVerdict::No } else { CommandVerdict::Fine })
        }
        Command::Import(args) => import::run(args),
    }
}

impl Overlay {
    /// The built-in book with the file laid over it.
    pub fn book(self) -> Result<PriceBook, Failure> {
        let builtin = PriceBook::builtin();
        let Some(path) = config::prices(self.prices)? else { return Ok(builtin) };
        let what = || format!("the prices `{}` can't be read", path.display());
        let text = std::fs::read_to_string(&path).with_context(what).map_err(Failure::trouble)?;
        let book = builtin.with_overlay(&text).map_err(|error| anyhow!(error));
        book.with_context(|| format!("`{}` is refused", path.display())).map_err(Failure::trouble)
    }
}

fn chosen<'a>(book: &'a PriceBook, model: Option<&str>, provider: Option<&str>) -> Vec<&'a PriceEntry> {
    let fits = |wanted: Option<&str>, has: &str| wanted.is_none_or(|wanted| wanted == has);
    book.entries().filter(|entry| fits(model, &entry.model) && fits(provider, &entry.provider)).collect()
}

fn print(
    book: &PriceBook,
    entries: &[&PriceEntry],
    json: bool,
    human: fn(&[&PriceEntry]) -> String,
) -> Result<(), Failure> {
    if json {
        return out::print_json(&PricesJson { version: book.version(), prices: entries });
    }
    let text = if entries.is_empty() { String::new() } else { human(entries) + "\n" };
    out::print(&format!("{text}Price book: {}, in dollars per million tokens\n", book.version()))
}

fn list(entries: &[&PriceEntry]) -> String {
    let columns = [
        Column::Text("Provider"),
        Column::Text("Model"),
        Column::Number("Input"),
        Column::Number("Cached"),
        Column::Number("Output"),
        Column::Whole("As of"),
    ];
    let rows = entries.iter().map(|entry| {
        vec![
            Lines::from(entry.provider.as_str()),
            Lines::from(entry.model.as_str()),
            Lines::from(per_million(entry.rates.input)),
            Lines::from(per_million(entry.rates.cached_input)),
            Lines::from(per_million(entry.rates.output)),
            Lines::from(entry.date.as_str()),
        ]
    });
    lay_out(&columns, rows.collect())
}

fn show(entries: &[&PriceEntry]) -> String {
    let tables: Vec<_> = entries.iter().map(|entry| show_one(entry)).collect();
    tables.join("\n")
}

fn show_one(entry: &PriceEntry) -> String {
    let or = |value: Option<u64>, other: &str| value.map_or(other.to_owned(), |value| value.to_string());
    let encoding = match entry.encoding {
        Some(Encoding::O200k) => "o200k_base",
        Some(Encoding::Cl100k) => "cl100k_base",
        None => "not known: input is bounded by its bytes",
    };
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let mut rows = vec![
        ("Model", entry.model.clone()),
        ("Provider", entry.provider.clone()),
        ("Operation", entry.operation.as_str().to_owned()),
    ];
    rows.extend(rates(&entry.rates).map(|(name, price)| (name, format!("${price}"))));
    if let Some(long) = entry.rates.long {
        let prices = [long.input, long.cached_input, long.cache_write, long.output];
        let prices = prices.map(per_million).join(", $");
        rows.push(("Of long calls", format!("${prices} above {} tokens of input", long.above)));
    }
    rows.extend([
        ("Free", yes(entry.free)),
        ("Reasons", yes(entry.reasoning)),
        ("Tokenizer", encoding.to_owned()),
        ("Tokens of an image", or(entry.image_tokens, "not known: images are refused")),
        ("Most output", or(entry.max_output, "not known")),
        ("Source", entry.source.clone()),
        ("As of", entry.date.clone()),
    ]);
    fields(rows)
}

/// The prices of a call, by name, as dollars per million tokens.
pub fn rates(rates: &Rates) -> [(&'static str, String); 4] {
    [
        ("Input", per_million(rates.input)),
        ("Cached input", per_million(rates.cached_input)),
        ("Cache write", per_million(rates.cache_write)),
        ("Output", per_million(rates.output)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use cli_support::table::width;

    #[test]
    fn the_built_in_book_fits_in_80_columns() {
        let book = PriceBook::builtin();
        let all = chosen(&book, None, None);
        for text in [list(&all), show(&all)] {
            assert!(width(&text) <= 80, "{} {text}", width(&text));
        }
    }

    #[test]
    fn a_model_is_chosen_by_its_whole_name_and_provider() {
        let book = PriceBook::builtin();
        let all: Vec<_> = chosen(&book, Some("gpt-4o"), None);
        assert!(!all.is_empty() && all.iter().all(|entry| entry.model == "gpt-4o"));
        assert_eq!(chosen(&book, Some("gpt-4o"), Some("openai")).len(), 1);
        assert!(chosen(&book, Some("gpt-4"), Some("nobody")).is_empty());
        assert!(chosen(&book, None, Some("openai")).iter().all(|entry| entry.provider == "openai"));
    }
}
