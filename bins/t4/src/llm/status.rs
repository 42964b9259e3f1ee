//! `t4 llm status`: the providers that calls go to.

use api_types::LlmStatus;
use cli_support::table::{Column, Lines, lay_out};
use cli_support::{CommandVerdict, Failure};

use super::Server;
use crate::{config, out};

/// Show the providers of models, whether calls go there, and the version of the price book.
///
/// Reads `T4_API_KEY` and `T4_INTENT_API` (default `http://127.0.0.1:8001`).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object, as `GET /llm/status` has it
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: Server,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<CommandVerdict, Failure> {
    let client = config::registry(args.server.api.as_deref())?;
    let status = client.llm_status().map_err(config::failure)?;
    if args.json {
        out::print_json(&status)?;
    } else {
        out::print(&human(&status))?;
    }
    Ok(CommandVerdict::Fine)
}

fn human(status: &LlmStatus) -> String {
    let prices = format!("Price book: {}\n", out::plain(&status.price_version));
    if !status.configured {
        return format!(
            "No provider is configured: an admin sets OPENAI_API_KEY or T4_LLM_CONFIG.\n{prices}"
        );
    }
    let columns =
        [Column::Whole("Provider"), Column::Whole("Kind"), Column::Text("Models"), Column::Whole("State")];
    let rows = status.providers.iter().map(|provider| {
        let state = match provider.breaker.as_str() {
            "closed" => "up",
            "open" => "failing, left alone",
            "half_open" => "failing, on trial",
            other => other,
        };
        vec![
            Lines::from(provider.name.as_str()),
            Lines::from(provider.kind.as_str()),
            Lines::from(provider.models.join(" ")),
            Lines::from(state),
        ]
    });
    let table = lay_out(&columns, rows.collect());
    let default = status.model_default.as_deref().unwrap_or("none");
    format!("{table}\nDefault model: {}\n{prices}", out::plain(default))
}

#[cfg(test)]
mod tests {
    use api_types::ProviderView;

    use super::*;
    use cli_support::table::width;

    #[test]
    fn providers_fit_in_80_columns_and_say_whether_calls_go_there() {
        let provider = |breaker: &str| ProviderView {
            name: "p".repeat(24),
            kind: "anthropic".to_owned(),
            models: vec!["a-model-with-a-long-name".to_owned(); 9],
            breaker: breaker.to_owned(),
        };
        let mut status = LlmStatus {
            configured: true,
            model_default: Some("gpt-4o".to_owned()),
            price_version: "0123456789ab".to_owned(),
            providers: vec![provider("closed"), provider("open"), provider("half_open")],
        };
        let text = human(&status);
        assert!(width(&text) <= 80, "{text}");
        for word in ["up", "failing, left alone", "failing, on trial", "gpt-4o", "0123456789ab"] {
            assert!(text.contains(word), "{word} {text}");
        }
        status.configured = false;
        assert!(human(&status).contains("No provider"));
    }
}
