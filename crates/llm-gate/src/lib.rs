//! Model calls within a budget, for any ledger: hold, call the provider, settle. Agents link this crate.
//!
//! The crate owns the execution of a call: the choice and order of providers, the parsing of their answers, and the
//! guarantee that every attempt that was sent is settled. It owns no budgets and no prices, which belong to
//! `llm-policy` and the ledger, no storage and no HTTP server.
//!
//! Every call runs in a separate task. The task holds the worst-case cost on the ledger, sends the request to a
//! provider, passes the answer to the caller, and settles. The caller may stop waiting at any time; an attempt that was
//! sent is still settled.
//!
//! ```
//! use std::sync::Arc;
//!
//! use llm_gate::{ChatRequest, Gate, GateError, SetupError};
//! use llm_policy::{Ledger, LlmConfig};
//!
//! /// Builds a gate with the providers of a file. `key` looks up an API key by the name in the file.
//! fn connect(
//!     file: LlmConfig,
//!     key: impl Fn(&str) -> Option<String> + Send + 'static,
//!     ledger: Arc<dyn Ledger>,
//! ) -> Result<Gate, SetupError> {
//!     Gate::builder().config(file).ledger(ledger).keys(key).build()
//! }
//!
//! /// Returns one answer, and its cost in pico-dollars.
//! async fn ask(gate: &Gate, prompt: &str) -> Result<(String, i64), GateError> {
//!     let answer = gate.chat(ChatRequest::prompt(prompt)).await?;
//!     Ok((answer.text, answer.receipt.cost_pico_usd))
//! }
//!
//! /// Prints an answer while it arrives.
//! async fn show(gate: &Gate, prompt: &str, mut print: impl FnMut(&str)) -> Result<(), GateError> {
//!     let mut answer = gate.chat_stream(ChatRequest::prompt(prompt)).await?;
//!     while let Some(piece) = answer.next().await {
//!         print(&piece?);
//!     }
//!     Ok(())
//! }
//! ```

mod answer;
mod anthropic;
mod attempt;
mod breaker;
mod builder;
mod chat;
mod embed;
mod error;
mod estimate;
mod gate;
mod http;
mod open_calls;
mod openai;
pub mod provider;
mod sse;

pub use answer::{AnswerStream, GateAnswer, Opened, Receipt};
pub use anthropic::anthropic;
pub use attempt::CallReport;
pub use breaker::BreakerState;
pub use builder::{GateBuilder, provider_of};
pub use chat::{ChatAnswer, ChatMessage, ChatRequest, ChatStream};
pub use embed::{EmbedAnswer, EmbedRequest};
pub use error::{GateError, SetupError};
pub use gate::{CallHoldings, Gate, GateCall, ModelInfo, ProviderStatus};
pub use openai::openai;
