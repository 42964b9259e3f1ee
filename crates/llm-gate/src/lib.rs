//! What agents link for LLM calls: hold, call the provider, settle, on any ledger.
//!
//! It owns the way of one call: which provider is asked, in which order, how its answer is read, and that every
//! attempt that left is settled. It refuses budgets and prices (`llm-policy` and the ledger have them), storage,
//! and the HTTP server.
//!
//! Every call runs in a task of its own: it holds the worst case on the ledger, asks a provider, hands the answer
//! on, and settles. Who asked may leave at any time; what has left is settled all the same.
//!
//! ```
//! use std::sync::Arc;
//!
//! use llm_gate::{ChatRequest, Gate, GateError, SetupError};
//! use llm_policy::{Ledger, LlmConfig};
//!
//! /// The providers of a file, their keys looked up by the names that the file gives them.
//! fn connect(
//!     file: LlmConfig,
//!     key: impl Fn(&str) -> Option<String> + Send + 'static,
//!     ledger: Arc<dyn Ledger>,
//! ) -> Result<Gate, SetupError> {
//!     Gate::builder().config(file).ledger(ledger).keys(key).build()
//! }
//!
//! /// One answer, and what it cost, in pico-dollars.
//! async fn ask(gate: &Gate, prompt: &str) -> Result<(String, i64), GateError> {
//!     let answer = gate.chat(ChatRequest::prompt(prompt)).await?;
//!     Ok((answer.text, answer.receipt.cost_pico_usd))
//! }
//!
//! /// The same, shown while it comes.
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
