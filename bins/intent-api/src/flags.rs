//! Flags of the server.

use std::path::PathBuf;

use clap::Parser;

/// The T4 intent registry.
///
/// Every flag is also an environment variable, read from the process or from `.env` in the working directory.
/// Secrets are no flags, because flags can be seen by every user of the machine: name a file that holds them.
#[derive(Parser)]
#[command(version, max_term_width = 80)]
#[expect(clippy::doc_markdown, reason = "these comments are the help text of a terminal")]
pub struct Flags {
    /// Where to listen [T4_BIND, default 127.0.0.1:8001]
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) bind: Option<String>,
    /// The database file [T4_DB, default reports/todos/intent_registry.db]
    #[arg(long, value_name = "FILE")]
    pub(crate) db: Option<PathBuf>,
    /// A file with the admin token [T4_ADMIN_TOKEN has the token itself]
    #[arg(long, value_name = "FILE")]
    pub(crate) admin_token_file: Option<PathBuf>,
    /// A file with the argon2id hash of the admin token [T4_ADMIN_TOKEN_HASH has the hash itself]
    #[arg(long, value_name = "FILE")]
    pub(crate) admin_token_hash_file: Option<PathBuf>,
    /// A file with the key pepper [T4_KEY_PEPPER_FILE; T4_KEY_PEPPER has the pepper itself]
    #[arg(long, value_name = "FILE")]
    pub(crate) key_pepper_file: Option<PathBuf>,
    /// A file with the URL of the Redis server that counts limits [T4_RATE_REDIS has the URL itself]
    #[arg(long, value_name = "FILE")]
    pub(crate) rate_redis_file: Option<PathBuf>,
    /// A file with static keys, one per line or separated by commas [API_TOKENS, API_KEY have the keys themselves]
    #[arg(long, value_name = "FILE")]
    pub(crate) api_tokens_file: Option<PathBuf>,
    /// Requests per key in any 60 seconds [T4_RATE_PER_MINUTE, default 120]
    #[arg(long, value_name = "N")]
    pub(crate) rate_per_minute: Option<String>,
    /// Intents that a key may have at a time [T4_QUOTA_INTENTS, default 1000000]
    #[arg(long, value_name = "N")]
    pub(crate) quota_intents: Option<String>,
    /// Bytes that a key may store [T4_QUOTA_STORED_BYTES, default 1073741824]
    #[arg(long, value_name = "N")]
    pub(crate) quota_stored_bytes: Option<String>,
    /// Idempotency keys that are remembered per key [T4_QUOTA_IDEMPOTENCY_ROWS, default 200000]
    #[arg(long, value_name = "N")]
    pub(crate) quota_idempotency_rows: Option<String>,
    /// Bytes of audit rows per key and day [T4_QUOTA_AUDIT_BYTES_PER_DAY, default 1073741824]
    #[arg(long, value_name = "N")]
    pub(crate) quota_audit_bytes_per_day: Option<String>,
    /// Proxies whose X-Forwarded-For is believed, as CIDRs [T4_TRUSTED_PROXIES, default none]
    #[arg(long, value_name = "CIDR,...")]
    pub(crate) trusted_proxies: Option<String>,
    /// Providers, models, caps and budgets of model calls [T4_LLM_CONFIG, default a provider for each key that is set]
    #[arg(long, value_name = "FILE")]
    pub(crate) llm_config: Option<PathBuf>,
    /// Prices that are laid over the built-in book [T4_PRICES, default none]
    #[arg(long, value_name = "FILE")]
    pub(crate) prices: Option<PathBuf>,
    /// A file with OpenAI's key [OPENAI_API_KEY has the key itself]
    #[arg(long, value_name = "FILE")]
    pub(crate) openai_api_key_file: Option<PathBuf>,
    /// Where OpenAI's calls go when there is no --llm-config [OPENAI_BASE_URL]
    #[arg(long, value_name = "URL")]
    pub(crate) openai_base_url: Option<String>,
    /// A file with Groq's key [GROQ_API_KEY has the key itself]
    #[arg(long, value_name = "FILE")]
    pub(crate) groq_api_key_file: Option<PathBuf>,
    /// A file with the URL that alerts of budgets are posted to [T4_ALERT_WEBHOOK has the URL itself]
    #[arg(long, value_name = "FILE")]
    pub(crate) alert_webhook_file: Option<PathBuf>,
    /// When the audit row of a read is durable: batched or strict [T4_AUDIT, default batched]
    #[arg(long, value_name = "MODE")]
    pub(crate) audit: Option<String>,
    /// A file that verified checkpoints of the audit log are appended to [T4_AUDIT_CHECKPOINTS, default none]
    #[arg(long, value_name = "FILE")]
    pub(crate) audit_checkpoints: Option<PathBuf>,
    /// Let everybody read /metrics [T4_METRICS_PUBLIC=1]
    #[arg(long)]
    pub(crate) metrics_public: bool,
    /// What to log, such as info or warn [T4_LOG or LOG_LEVEL, default info]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log: Option<String>,
    /// Log to this file, a new one each day and whenever one is full [LOG_FILE, default stderr]
    #[arg(long, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,
    /// The size at which a log file is full, in bytes [LOG_MAX_BYTES, default 67108864]
    #[arg(long, value_name = "N")]
    pub(crate) log_max_bytes: Option<String>,
    /// Full log files that are kept [LOG_BACKUPS, default 14]
    #[arg(long, value_name = "N")]
    pub(crate) log_backups: Option<String>,
    /// Threads that serve requests [T4_WORKERS, default one per core]
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<String>,
    /// Memory that callers' bodies and answers may take, in MiB [T4_MEMORY_MIB, default and least 96]
    #[arg(long, value_name = "MIB")]
    pub(crate) memory_mib: Option<String>,
    /// Open connections in all, and from one network [T4_CONNECTIONS, default 2048,1024]
    #[arg(long, value_name = "ALL,NETWORK")]
    pub(crate) connections: Option<String>,
    /// Print what to do next (used by `make run`)
    #[arg(long)]
    pub(crate) welcome: bool,
}
