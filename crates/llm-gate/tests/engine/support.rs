//! A gate with a scripted provider, a checked ledger and a manual clock.

mod ledger;
mod provider;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use llm_gate::{AnswerStream, CallReport, Gate, GateAnswer, GateBuilder, GateCall, GateError, Receipt};
use llm_policy::{
    CallLimits, LlmConfig, LostRight, Operation, PriceBook, ProviderConfig, ProviderKind, RouteConfig, Usage,
};
use registry_core::{ManualClock, SeededEntropy, Timestamp};
use serde_json::{Map, Value, json};

pub use ledger::{End, Entry, StrictLedger};
pub use provider::{
    Act, Script, answer, content, document, done, fail, frames, live, notice, silent_after, status, stream,
    told_usage, whole,
};

/// Prices of $1 for input and $2 for output per million tokens. Only `counted` has a tokenizer, because loading one is
/// slow without optimization. The tokens of other models are bounded by bytes.
const PRICES: &str = r#"
[[price]]
provider = "alpha"
model = "m"
input_usd_per_mtok = 1
output_usd_per_mtok = 2
source = "these tests"
date = "2026-11-21"

[[price]]
provider = "beta"
model = "m"
input_usd_per_mtok = 1
output_usd_per_mtok = 2
source = "these tests"
date = "2026-11-21"

[[price]]
provider = "alpha"
model = "counted"
input_usd_per_mtok = 1
output_usd_per_mtok = 2
encoding = "o200k"
source = "these tests"
date = "2026-11-21"

[[price]]
provider = "alpha"
model = "thinker"
input_usd_per_mtok = 1
output_usd_per_mtok = 2
reasoning = true
source = "these tests"
date = "2026-11-21"

[[price]]
provider = "alpha"
model = "vectors"
operation = "embeddings"
input_usd_per_mtok = 1
output_usd_per_mtok = 0
source = "these tests"
date = "2026-11-21"
"#;

/// The longest time for which a test waits for calls to end. On the paused clock it passes at once.
const PATIENCE: Duration = Duration::from_hours(1);

pub fn prices() -> PriceBook {
    PriceBook::builtin().with_overlay(PRICES).unwrap()
}

pub fn provider_config(name: &str, models: &[&str]) -> ProviderConfig {
    ProviderConfig {
        name: name.to_owned(),
        kind: ProviderKind::Openai,
        base_url: registry_core::BaseUrl::parse("http://127.0.0.1:9").unwrap(),
        api_key_env: None,
        models: models.iter().map(|model| (*model).to_owned()).collect(),
        priced_as: name.to_owned(),
        max_tokens_field: "max_tokens".to_owned(),
        connect_timeout_ms: 2_000,
        first_byte_timeout_ms: 60_000,
        idle_timeout_ms: 60_000,
        total_timeout_ms: 600_000,
    }
}

pub fn config(providers: Vec<ProviderConfig>) -> LlmConfig {
    LlmConfig {
        providers,
        routes: Vec::new(),
        limits: CallLimits::default(),
        budgets: Vec::new(),
        default_model: Some("m".to_owned()),
        keep_prompts: false,
    }
}

/// A gate and everything that it is connected to.
pub struct Bench {
    pub gate: Gate,
    pub ledger: Arc<StrictLedger>,
    pub alpha: Arc<Script>,
    pub beta: Arc<Script>,
    pub clock: Arc<ManualClock>,
    pub reports: Arc<Mutex<Vec<CallReport>>>,
}

impl Bench {
    /// Makes a bench with one provider, `alpha`.
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub fn with(change: impl FnOnce(GateBuilder) -> GateBuilder) -> Self {
        Self::build(config(vec![provider_config("alpha", &["m", "counted", "thinker", "vectors"])]), change)
    }

    /// Makes a bench with the providers `alpha` and `beta`, in this order, both with the model `m`.
    pub fn pair() -> Self {
        Self::build(config(vec![provider_config("alpha", &["m"]), provider_config("beta", &["m"])]), |b| b)
    }

    pub fn routed(to: &[&str]) -> Self {
        let mut config = config(vec![provider_config("alpha", &["m"]), provider_config("beta", &["m"])]);
        let to = to.iter().map(|name| (*name).to_owned()).collect();
        config.routes = vec![RouteConfig { model: "m".to_owned(), to }];
        Self::build(config, |builder| builder)
    }

    pub fn build(config: LlmConfig, change: impl FnOnce(GateBuilder) -> GateBuilder) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::parse("2026-11-21T12:00:00Z").unwrap()));
        let ledger = StrictLedger::new(prices(), config.limits.max_tokens);
        let alpha = Script::new("alpha", Arc::clone(&ledger));
        let beta = Script::new("beta", Arc::clone(&ledger));
        let reports = Arc::new(Mutex::new(Vec::new()));
        let mut builder = Gate::builder()
            .prices(prices())
            .ledger(Arc::<StrictLedger>::clone(&ledger))
            .clock(Arc::<ManualClock>::clone(&clock))
            .entropy(Arc::new(SeededEntropy::new(7)));
        for provider in &config.providers {
            let script = if provider.name == "alpha" { &alpha } else { &beta };
            builder = builder.provider(Arc::<Script>::clone(script));
        }
        let told = Arc::clone(&reports);
        builder = builder
            .config(config)
            .observer(Arc::new(move |report: &CallReport| told.lock().unwrap().push(report.clone())));
        let gate = change(builder).build().unwrap();
        Self { gate, ledger, alpha, beta, clock, reports }
    }

    /// Waits until every call has ended, and checks the ledger, the scripts and the observer.
    pub async fn finish(&self) -> Vec<Entry> {
        assert_eq!(self.gate.drain(PATIENCE).await, 0, "calls that never end");
        self.alpha.check();
        self.beta.check();
        let entries = self.ledger.check();
        let settled = entries.iter().filter(|entry| matches!(entry.end, Some(End::Settled(_)))).count();
        assert_eq!(self.reports.lock().unwrap().len(), settled, "one report for each settled attempt");
        entries
    }

    /// Does the same as [`Bench::finish`], and checks that there was exactly one attempt, which reached the provider.
    pub async fn finish_one(&self) -> (Entry, CallReport) {
        let mut entries = self.finish().await;
        assert_eq!(entries.len(), 1);
        let report = self.reports.lock().unwrap().first().unwrap().clone();
        (entries.remove(0), report)
    }

    pub async fn ask(&self, body: Value) -> Result<GateAnswer, GateError> {
        self.gate.call(call(body)).await
    }

    pub async fn ask_whole(&self, body: Value) -> Result<(Bytes, Receipt), GateError> {
        match self.ask(body).await? {
            GateAnswer::Whole { body, receipt } => Ok((body, receipt)),
            GateAnswer::Stream(_) => panic!("a stream that was not requested"),
        }
    }

    pub async fn ask_stream(&self, body: Value) -> Result<AnswerStream, GateError> {
        match self.ask(body).await? {
            GateAnswer::Stream(stream) => Ok(stream),
            GateAnswer::Whole { .. } => panic!("a complete answer instead of a stream"),
        }
    }

    /// Makes a streamed call and returns all its events.
    pub async fn events(&self, body: Value) -> Vec<String> {
        let mut stream = self.ask_stream(body).await.unwrap();
        let mut events = Vec::new();
        while let Some(event) = next(&mut stream).await {
            events.push(event);
        }
        events
    }
}

pub fn call(body: Value) -> GateCall {
    GateCall { operation: Operation::Chat, body: object(body), call_id: None, keep: None }
}

pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is not an object"),
    }
}

/// Returns a request with one message and at most 100 tokens of output.
pub fn question() -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 100})
}

/// Returns the request of [`question`] for a stream with usage.
pub fn streamed() -> Value {
    let mut body = question();
    body["stream"] = true.into();
    body["stream_options"] = json!({"include_usage": true});
    body
}

/// Changes a request to the model with a tokenizer.
pub fn counted(mut body: Value) -> Value {
    body["model"] = "counted".into();
    body
}

pub async fn next(stream: &mut AnswerStream) -> Option<String> {
    use futures_core::Stream as _;
    let bytes = std::future::poll_fn(|cx| std::pin::Pin::new(&mut *stream).poll_next(cx)).await?;
    let event = String::from_utf8(bytes.to_vec()).unwrap();
    Some(event.strip_prefix("data: ").unwrap().strip_suffix("\n\n").unwrap().to_owned())
}

pub fn parsed(event: &str) -> Value {
    serde_json::from_str(event).unwrap()
}

pub fn usage(prompt_tokens: u64, completion_tokens: u64) -> Usage {
    Usage { prompt_tokens, completion_tokens, ..Usage::default() }
}

/// Returns the reason that stops a caller whose key was revoked.
pub fn lost() -> LostRight {
    LostRight {
        code: "revoked_key".to_owned(),
        message: "the key was revoked: ask an admin for a new key".to_owned(),
        details: None,
        retry_after: None,
    }
}
