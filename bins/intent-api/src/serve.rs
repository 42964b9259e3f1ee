//! Start and orderly stop of the server. A stop accepts no more connections, finishes running requests, settles the
//! calls of disconnected clients, ends the background work, writes what is queued, and closes the database.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::web;
use anyhow::{Context as _, Result};
use control_plane::{AuditMode, Services};
use http_api::{HttpSettings, HttpState, ServerMetrics, ServerOptions};
use llm_gate::Gate;
use llm_policy::{LlmConfig, PriceBook, count_text};
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;
use crate::llm::LlmSetup;
use crate::logging::LogSecrets;
use crate::welcome;

/// How long running requests may take to finish after the signal, in seconds.
const DRAIN_SECONDS: u64 = 10;
/// The longest time that calls may take to be settled after the server has stopped.
const DRAIN_CALLS_MOST: Duration = Duration::from_secs(30);
/// How long the store may take to close.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);

/// Serves until a signal says to stop. The log then knows the secrets that are kept in files.
///
/// # Errors
/// What kept the server from starting or from stopping in order.
pub async fn run(config: Config, log_secrets: &LogSecrets) -> Result<()> {
    let mut term = signal(SignalKind::terminate()).context("SIGTERM can't be watched")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT can't be watched")?;
    let db = config.instance.db.clone();
    // Who wants every row before its answer wants the settlement there as well.
    let audit = config.instance.audit;
    let instance = instance::open(config.instance).await?;
    log_secrets.set(instance.services.secrets.clone());
    tell(&instance, &db);
    let settings = HttpSettings {
        trusted_proxies: config.trusted_proxies,
        metrics_public: config.metrics_public,
        memory_mib: config.memory_mib,
        connections: config.connections,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let mut state =
        HttpState::new(instance.services.clone(), settings).context("the metrics can't be made")?;
    let gate = gate(config.llm, &instance.services, &state.metrics, audit)?;
    state.gate.clone_from(&gate);
    let state = web::Data::new(state);
    let options = ServerOptions { bind: config.bind, workers: config.workers, drain_seconds: DRAIN_SECONDS };
    let (server, address) =
        http_api::serve(state, options).with_context(|| format!("`{}` can't be listened on", config.bind))?;
    let jobs = instance.start_jobs();
    let handle = server.handle();
    say(address, config.welcome.then_some(&instance))?;
    let stop = async move {
        tokio::select! { _ = term.recv() => {} _ = interrupt.recv() => {} }
        tracing::info!("stopping: running requests may finish");
        handle.stop(true).await;
    };
    let (ended, ()) = tokio::join!(server, stop);
    if let Some(gate) = gate {
        drain(&gate, instance.services.llm.rules.limits.drain_seconds).await;
    }
    jobs.stop().await;
    let closed = instance.close(CLOSE_WITHIN).await;
    tracing::info!("stopped");
    ended.context("the server failed")?;
    closed.context("the store did not close in order")
}

/// The way to the providers; `None` when there are none. Its calls run on this runtime, which outlives the server's
/// workers and its callers.
fn gate(
    setup: LlmSetup,
    services: &Services,
    metrics: &ServerMetrics,
    audit: AuditMode,
) -> Result<Option<Gate>> {
    let LlmSetup { config, prices, keys } = setup;
    if config.providers.is_empty() {
        tracing::info!("no provider of models is configured: calls of models get 503 `no_provider`");
        return Ok(None);
    }
    for provider in &config.providers {
        let (name, kind, models) = (&provider.name, provider.kind.as_str(), provider.models.len());
        tracing::info!(llm.provider = name, llm.kind = kind, llm.models = models, "a provider of models");
    }
    warm(&config, &prices);
    let gate = Gate::builder()
        .config(config)
        .prices(prices)
        .clock(services.clock.clone())
        .entropy(services.entropy.clone())
        .secrets(services.secrets.clone())
        .runtime(Handle::current())
        .observer(metrics.call_observer())
        .keys(move |variable| keys.get(variable).cloned());
    // Strict: no answer ends before its row is on disk.
    let gate = if audit == AuditMode::Strict { gate.settle_before_answer() } else { gate };
    gate.build().map(Some).context("T4_LLM_CONFIG")
}

/// Reads the tokenizers of the configured models: the first call of each would wait for that, and all others with it.
/// Nothing waits for this thread, a stop neither.
fn warm(config: &LlmConfig, prices: &PriceBook) {
    let mut encodings = Vec::new();
    for provider in &config.providers {
        let entries = provider.models.iter().filter_map(|model| prices.find(&provider.priced_as, model));
        for encoding in entries.filter_map(|entry| entry.encoding) {
            if !encodings.contains(&encoding) {
                encodings.push(encoding);
            }
        }
    }
    let read = move || {
        for encoding in encodings {
            let _: u64 = count_text("a", Some(encoding));
        }
    };
    if let Err(error) = std::thread::Builder::new().name("tokenizers".to_owned()).spawn(read) {
        tracing::warn!("the tokenizers are read when they are first used: {error}");
    }
}

/// Waits for calls whose callers are gone: what they cost is known when they end.
async fn drain(gate: &Gate, drain_seconds: u32) {
    let within = Duration::from_secs(u64::from(drain_seconds)).min(DRAIN_CALLS_MOST);
    let open = gate.drain(within).await;
    if open > 0 {
        tracing::warn!(
            llm.open_calls = open,
            "calls were still open; their holds run out and are settled then"
        );
    }
}

/// The first line of stdout tells where the server listens.
fn say(address: SocketAddr, welcome: Option<&instance::Instance>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{{\"listening\":\"{address}\"}}")?;
    if let Some(instance) = welcome {
        welcome::write(&mut out, address, instance)?;
    }
    Ok(out.flush()?)
}

/// What was found and done at start, for the log.
fn tell(instance: &instance::Instance, db: &std::path::Path) {
    let report = &instance.report;
    let db = db.display().to_string();
    tracing::info!(db, audit.log_id = report.log_id, created = report.created, "the registry is open");
    if let Some(path) = &instance.admin_token_file {
        tracing::info!(path = path.display().to_string(), "the admin token lies in a file");
    }
    if let Some(adopted) = &report.adopted {
        tracing::warn!(
            copy = adopted.copy.display().to_string(),
            keys = adopted.keys,
            intents = adopted.intents,
            audit_rows = adopted.audit_rows,
            "a database of the original service was adopted; the copy holds its keys in clear"
        );
    }
}
