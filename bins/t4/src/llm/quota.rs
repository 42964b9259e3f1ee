//! `t4 llm quota`: whether a call would be admitted, and what is left of the budgets.

use api_types::{BudgetView, Code, QuotaView};
use cli_support::table::{Column, Lines, lay_out};
use cli_support::{CommandVerdict, Failure};
use policy_client::{Error, QuotaQuestion};

use super::Server;
use super::money::dollars;
use crate::{config, out};

/// Show what every budget of the key has left, and whether a call would run.
///
/// With --model, ends with 1 when a call of that size would not run. Asking changes nothing. Reads `T4_API_KEY` and
/// `T4_INTENT_API` (default `http://127.0.0.1:8001`).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model of the call
    #[arg(long, value_name = "MODEL", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    model: Option<String>,

    /// An upper bound of its input, in tokens [default: 0]
    #[arg(long, value_name = "N", requires = "model", alias = "input_tokens")]
    input_tokens: Option<u64>,

    /// The `max_tokens` of its answer [default: what the server would fill in]
    #[arg(long, value_name = "N", requires = "model", alias = "max_tokens",
          value_parser = clap::value_parser!(u64).range(1..))]
    max_tokens: Option<u64>,

    /// Print one JSON object, as `GET /llm/quota` has it
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: Server,
}

/// Runs the command.
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    let client = config::registry(args.server.api.as_deref())?;
    let named = args.model.is_some();
    let question =
        QuotaQuestion { model: args.model, input_tokens: args.input_tokens, max_tokens: args.max_tokens };
    let quota = match client.quota(&question) {
        Ok(quota) => quota,
        Err(error) if named && is_no(&error) => refused(&error),
        Err(error) => return Err(config::failure(error)),
    };
    if args.json {
        out::print_json(&quota)?;
    } else {
        out::print(&human(&quota))?;
    }
    Ok(if quota.would_run == Some(false) { CommandVerdict::No } else { CommandVerdict::Fine })
}

/// Whether the server's refusal to answer is itself the answer: no such call can run.
fn is_no(error: &Error) -> bool {
    matches!(
        error.code(),
        Some(
            Code::ModelNotFound
                | Code::ModelNotPriced
                | Code::PartNotPriced
                | Code::MaxTokensAboveCap
                | Code::InsufficientQuota
                | Code::NoProvider
        )
    )
}

fn refused(error: &Error) -> QuotaView {
    let reason = match error {
        Error::Api { message, .. } => message.clone(),
        other => other.to_string(),
    };
    QuotaView {
        would_run: Some(false),
        reason: Some(reason),
        cost_bound_usd: None,
        cost_bound_pico_usd: None,
        max_tokens: None,
        provider: None,
        budgets: Vec::new(),
    }
}

fn human(quota: &QuotaView) -> String {
    let budgets = match quota.budgets.as_slice() {
        [] => String::new(),
        budgets => table(budgets),
    };
    let verdict = match quota.would_run {
        None => String::new(),
        Some(true) => {
            let provider = quota.provider.as_deref().map_or(String::new(), |name| format!(" at {name}"));
            let cost = quota
                .cost_bound_pico_usd
                .map_or(String::new(), |most| format!(", for at most {}", dollars(most)));
            let tokens = quota.max_tokens.map_or(String::new(), |most| format!(", with max_tokens {most}"));
            format!("The call would run{provider}{cost}{tokens}.\n")
        }
        Some(false) => {
            let reason = quota.reason.as_deref().unwrap_or("the server does not say why");
            format!("The call would not run: {reason}\n")
        }
    };
    let verdict: Vec<_> = verdict.lines().map(|line| out::plain(line) + "\n").collect();
    match (budgets.is_empty(), verdict.is_empty()) {
        (true, true) => "No budget bounds this key's calls.\n".to_owned(),
        (false, false) => format!("{budgets}\n{}", verdict.concat()),
        _ => budgets + &verdict.concat(),
    }
}

fn table(budgets: &[BudgetView]) -> String {
    let columns = [
        Column::Text("Budget"),
        Column::Number("Limit"),
        Column::Number("Used"),
        Column::Number("Held"),
        Column::Number("Left"),
    ];
    let rows = budgets.iter().map(|budget| {
        vec![
            Lines::of([
                &format!("{} {}", budget.scope, budget.id),
                &format!("{} {}", budget.window, budget.window_id),
            ]),
            Lines::from(dollars(budget.limit_pico_usd)),
            Lines::from(dollars(budget.used_pico_usd)),
            Lines::from(dollars(budget.held_pico_usd)),
            Lines::from(dollars(budget.remaining_pico_usd)),
        ]
    });
    lay_out(&columns, rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cli_support::table::width;

    #[test]
    fn budgets_fit_in_80_columns() {
        let budget = BudgetView {
            scope: "platform".to_owned(),
            id: "ein Team mit langem Namen ".repeat(5),
            window: "month".to_owned(),
            window_id: "2026-11".to_owned(),
            starts_at: String::new(),
            ends_at: String::new(),
            limit_usd: 0.0,
            used_usd: 0.0,
            held_usd: 0.0,
            remaining_usd: 0.0,
            limit_pico_usd: 9_000_000_000_000_000_000,
            used_pico_usd: 8_999_999_999_999_999_999,
            held_pico_usd: 1,
            remaining_pico_usd: 123_456,
        };
        let quota = QuotaView { budgets: vec![budget], would_run: None, ..refused(&Error::MissingKey) };
        let text = human(&quota);
        assert!(width(&text) <= 80, "{text}");
        assert!(text.contains("$9000000.00") && text.contains("$0.000000000001"), "{text}");
    }
}
