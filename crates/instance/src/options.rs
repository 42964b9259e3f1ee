//! Settings of an instance.

use std::path::PathBuf;
use std::sync::Arc;

use api_keys::QuotaLimits;
use control_plane::AuditMode;
use llm_policy::{BudgetRule, CallLimits, LlmConfig, PriceBook};
use storage::Store;

/// Source of the pepper.
#[derive(Clone)]
pub enum PepperSource {
    /// This text.
    Text(String),
    /// This file.
    File(PathBuf),
    /// A file next to the database, created when both are missing.
    Beside,
}

/// Source of the admin token.
#[derive(Clone)]
pub enum AdminSource {
    /// This token.
    Token(String),
    /// The argon2id hash of the token.
    Hash(String),
    /// A file next to the database, created when it is missing.
    Beside,
}

/// Rules for model calls: prices, caps and budgets. The providers are known to the gate alone.
#[derive(Clone)]
pub struct LlmOptions {
    /// Prices of tokens.
    pub prices: PriceBook,
    /// Caps.
    pub limits: CallLimits,
    /// Budgets in addition to each key's daily limit.
    pub budgets: Vec<BudgetRule>,
    /// Whether prompts are kept in the audit log.
    pub keep_prompts: bool,
}

impl Default for LlmOptions {
    /// Creates the built-in prices and default caps, without further budgets.
    fn default() -> Self {
        Self {
            prices: PriceBook::builtin(),
            limits: CallLimits::default(),
            budgets: Vec::new(),
            keep_prompts: false,
        }
    }
}

impl LlmOptions {
    /// Creates the rules of an operator's file, with this price book.
    #[must_use]
    pub fn of(config: &LlmConfig, prices: PriceBook) -> Self {
        Self {
            prices,
            limits: config.limits.clone(),
            budgets: config.budgets.clone(),
            keep_prompts: config.keep_prompts,
        }
    }
}

/// Wrapper around the store, such as faults for a test.
pub type WrapStore = Arc<dyn Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync>;

/// Options of an instance.
#[derive(Clone)]
pub struct Options {
    /// Path of the database file.
    pub db: PathBuf,
    /// The pepper.
    pub pepper: PepperSource,
    /// The admin token.
    pub admin: AdminSource,
    /// Whether only this machine can reach the server.
    pub loopback: bool,
    /// Static keys of the configuration.
    pub static_keys: Vec<String>,
    /// Redis server that counts limits for all processes.
    pub redis: Option<String>,
    /// Requests that a key may make in any 60 seconds, unless the key has another limit.
    pub rate_per_minute: u32,
    /// Quotas of a key, unless the key has others.
    pub quotas: QuotaLimits,
    /// When the row of a read becomes durable.
    pub audit: AuditMode,
    /// File that each verified checkpoint of the audit log is appended to.
    pub checkpoints: Option<PathBuf>,
    /// Number of connections for lists, scans and figures.
    pub readers: u32,
    /// Number of connections for reads of a few rows by key: more than the server has threads that make them.
    pub point_readers: u32,
    /// Rules for model calls.
    pub llm: LlmOptions,
    /// Webhook for budget alerts (`T4_ALERT_WEBHOOK`).
    pub alert_webhook: Option<String>,
    /// Secrets that the services do not use but must not reveal: the keys of model providers.
    pub known_secrets: Vec<String>,
    /// Wrapper around the store; none in a server.
    pub wrap_store: Option<WrapStore>,
}

impl Options {
    /// Creates the default options for a database file.
    #[must_use]
    pub fn new(db: PathBuf) -> Self {
        Self {
            db,
            pepper: PepperSource::Beside,
            admin: AdminSource::Beside,
            loopback: true,
            static_keys: Vec::new(),
            redis: None,
            rate_per_minute: 120,
            quotas: QuotaLimits::default(),
            audit: AuditMode::Batched,
            checkpoints: None,
            readers: 4,
            point_readers: 4,
            llm: LlmOptions::default(),
            alert_webhook: None,
            known_secrets: Vec::new(),
            wrap_store: None,
        }
    }
}
