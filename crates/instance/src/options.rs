//! Settings of an instance.

use std::path::PathBuf;
use std::sync::Arc;

use api_keys::QuotaLimits;
use control_plane::AuditMode;
use llm_policy::{BudgetRule, CallLimits, LlmConfig, PriceBook};
use storage::Store;

/// Where the pepper comes from.
#[derive(Clone)]
pub enum PepperSource {
    /// This text.
    Text(String),
    /// This file.
    File(PathBuf),
    /// A file beside the database, made when both are missing.
    Beside,
}

/// Where the admin token comes from.
#[derive(Clone)]
pub enum AdminSource {
    /// This token.
    Token(String),
    /// The argon2id hash of the token.
    Hash(String),
    /// A file beside the database, made when it is missing.
    Beside,
}

/// What holds for model calls: prices, caps and budgets. Where calls go is the gate's to know.
#[derive(Clone)]
pub struct LlmOptions {
    /// What tokens cost.
    pub prices: PriceBook,
    /// Caps.
    pub limits: CallLimits,
    /// Budgets beside each key's own.
    pub budgets: Vec<BudgetRule>,
    /// Whether prompts are kept in the audit log.
    pub keep_prompts: bool,
}

impl Default for LlmOptions {
    /// The built-in prices, the default caps, no budgets besides the keys'.
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
    /// What an operator's file says, with this price book.
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

/// Puts something between the services and their store, such as faults for a test.
pub type WrapStore = Arc<dyn Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync>;

/// What an operator sets.
#[derive(Clone)]
pub struct Options {
    /// The database file.
    pub db: PathBuf,
    /// The pepper.
    pub pepper: PepperSource,
    /// The admin token.
    pub admin: AdminSource,
    /// Whether only this machine can reach the server.
    pub loopback: bool,
    /// Keys of the configuration.
    pub static_keys: Vec<String>,
    /// The Redis server that counts limits for all processes.
    pub redis: Option<String>,
    /// Requests that a key may make in any 60 seconds, unless the key says otherwise.
    pub rate_per_minute: u32,
    /// What a key may keep and log, unless the key says otherwise.
    pub quotas: QuotaLimits,
    /// When the row of a read is durable.
    pub audit: AuditMode,
    /// A file that each verified checkpoint of the audit log is appended to.
    pub checkpoints: Option<PathBuf>,
    /// How many connections serve lists, scans and figures.
    pub readers: u32,
    /// How many connections serve reads of a few rows by key: more than the server has threads that make them.
    pub point_readers: u32,
    /// Model calls.
    pub llm: LlmOptions,
    /// Where alerts of budgets are posted (`T4_ALERT_WEBHOOK`).
    pub alert_webhook: Option<String>,
    /// Secrets that the services do not use but must not let out: the keys of model providers.
    pub known_secrets: Vec<String>,
    /// What stands between the services and their store; nothing in a server.
    pub wrap_store: Option<WrapStore>,
}

impl Options {
    /// The usual options for a database file.
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
