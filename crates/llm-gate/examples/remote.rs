//! An agent that calls its provider itself and keeps its budget with the registry: each call is held there before it
//! leaves, and settled after. `T4_INTENT_API` and `T4_API_KEY` say where the registry is and who asks.
//!
//! `cargo run -p llm-gate --example remote -- BASE_URL MODEL PROMPT`; the provider's key is in `PROVIDER_KEY`.

use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;
use std::sync::Arc;

use llm_gate::{ChatRequest, Gate};
use llm_policy::{LlmConfig, ProviderConfig, ProviderKind};
use policy_client::{Client, RemoteLedger};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [base_url, model, prompt] = arguments.as_slice() else {
        drop(writeln!(stderr(), "usage: remote BASE_URL MODEL PROMPT"));
        return ExitCode::from(2);
    };
    match ask(base_url, model, prompt).await {
        Ok(line) => {
            drop(writeln!(stdout(), "{line}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            drop(writeln!(stderr(), "remote: {error}"));
            ExitCode::from(3)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a program's own main reads its environment")]
async fn ask(base_url: &str, model: &str, prompt: &str) -> Result<String, Box<dyn std::error::Error>> {
    // Prices come from the registry's book, under this name.
    let openai = ProviderConfig::new("openai", ProviderKind::Openai, base_url, [model])?;
    let gate = Gate::builder()
        .config(LlmConfig { providers: vec![openai.key_from("PROVIDER_KEY")?], ..LlmConfig::default() })
        .ledger(Arc::new(RemoteLedger::new(Client::from_env()?)))
        .keys(|name| std::env::var(name).ok())
        .build()?;
    let answer =
        gate.chat(ChatRequest { model: Some(model.to_owned()), ..ChatRequest::prompt(prompt) }).await?;
    let receipt = &answer.receipt;
    let line = format!(
        "{} ({} + {} tokens, {} pico-dollars, call {})",
        answer.text.trim(),
        receipt.usage.prompt_tokens,
        receipt.usage.completion_tokens,
        receipt.cost_pico_usd,
        receipt.call_id
    );
    // The settlement may still be on its way.
    gate.drain(std::time::Duration::from_secs(10)).await;
    Ok(line)
}
