//! What an operator sets: flags first, then the environment, then `.env`. A bad value stops the start with the
//! name of the variable and what it takes.

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use cli_support::Environment;
use control_plane::{AuditMode, MAX_QUOTA};
use http_api::{Cidr, ConnectionLimits, DEFAULT_MEMORY_MIB};
use instance::{AdminSource, LlmOptions, Options, PepperSource};

use crate::llm::{LlmSetup, LlmSources};
use crate::log_file::LogLimits;
use crate::logging::LogConfig;

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
    bind: Option<String>,
    /// The database file [T4_DB, default reports/todos/intent_registry.db]
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// A file with the admin token [T4_ADMIN_TOKEN has the token itself]
    #[arg(long, value_name = "FILE")]
    admin_token_file: Option<PathBuf>,
    /// A file with the argon2id hash of the admin token [T4_ADMIN_TOKEN_HASH has the hash itself]
    #[arg(long, value_name = "FILE")]
    admin_token_hash_file: Option<PathBuf>,
    /// A file with the key pepper [T4_KEY_PEPPER_FILE; T4_KEY_PEPPER has the pepper itself]
    #[arg(long, value_name = "FILE")]
    key_pepper_file: Option<PathBuf>,
    /// A file with the URL of the Redis server that counts limits [T4_RATE_REDIS has the URL itself]
    #[arg(long, value_name = "FILE")]
    rate_redis_file: Option<PathBuf>,
    /// A file with static keys, one per line or separated by commas [API_TOKENS, API_KEY have the keys themselves]
    #[arg(long, value_name = "FILE")]
    api_tokens_file: Option<PathBuf>,
    /// Requests per key in any 60 seconds [T4_RATE_PER_MINUTE, default 120]
    #[arg(long, value_name = "N")]
    rate_per_minute: Option<String>,
    /// Intents that a key may have at a time [T4_QUOTA_INTENTS, default 1000000]
    #[arg(long, value_name = "N")]
    quota_intents: Option<String>,
    /// Bytes that a key may store [T4_QUOTA_STORED_BYTES, default 1073741824]
    #[arg(long, value_name = "N")]
    quota_stored_bytes: Option<String>,
    /// Idempotency keys that are remembered per key [T4_QUOTA_IDEMPOTENCY_ROWS, default 200000]
    #[arg(long, value_name = "N")]
    quota_idempotency_rows: Option<String>,
    /// Bytes of audit rows per key and day [T4_QUOTA_AUDIT_BYTES_PER_DAY, default 1073741824]
    #[arg(long, value_name = "N")]
    quota_audit_bytes_per_day: Option<String>,
    /// Proxies whose X-Forwarded-For is believed, as CIDRs [T4_TRUSTED_PROXIES, default none]
    #[arg(long, value_name = "CIDR,...")]
    trusted_proxies: Option<String>,
    /// Providers, models, caps and budgets of model calls [T4_LLM_CONFIG, default a provider for each key that is set]
    #[arg(long, value_name = "FILE")]
    llm_config: Option<PathBuf>,
    /// Prices that are laid over the built-in book [T4_PRICES, default none]
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// A file with OpenAI's key [OPENAI_API_KEY has the key itself]
    #[arg(long, value_name = "FILE")]
    openai_api_key_file: Option<PathBuf>,
    /// Where OpenAI's calls go when there is no --llm-config [OPENAI_BASE_URL]
    #[arg(long, value_name = "URL")]
    openai_base_url: Option<String>,
    /// A file with Groq's key [GROQ_API_KEY has the key itself]
    #[arg(long, value_name = "FILE")]
    groq_api_key_file: Option<PathBuf>,
    /// A file with the URL that alerts of budgets are posted to [T4_ALERT_WEBHOOK has the URL itself]
    #[arg(long, value_name = "FILE")]
    alert_webhook_file: Option<PathBuf>,
    /// When the audit row of a read is durable: batched or strict [T4_AUDIT, default batched]
    #[arg(long, value_name = "MODE")]
    audit: Option<String>,
    /// A file that verified checkpoints of the audit log are appended to [T4_AUDIT_CHECKPOINTS, default none]
    #[arg(long, value_name = "FILE")]
    audit_checkpoints: Option<PathBuf>,
    /// Let everybody read /metrics [T4_METRICS_PUBLIC=1]
    #[arg(long)]
    metrics_public: bool,
    /// What to log, such as info or warn [T4_LOG or LOG_LEVEL, default info]
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
    /// Log to this file, a new one each day and whenever one is full [LOG_FILE, default stderr]
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// The size at which a log file is full, in bytes [LOG_MAX_BYTES, default 67108864]
    #[arg(long, value_name = "N")]
    log_max_bytes: Option<String>,
    /// Full log files that are kept [LOG_BACKUPS, default 14]
    #[arg(long, value_name = "N")]
    log_backups: Option<String>,
    /// Threads that serve requests [T4_WORKERS, default one per core]
    #[arg(long, value_name = "N")]
    workers: Option<String>,
    /// Memory that callers' bodies and answers may take, in MiB [T4_MEMORY_MIB, default and least 96]
    #[arg(long, value_name = "MIB")]
    memory_mib: Option<String>,
    /// Open connections in all, and from one network [T4_CONNECTIONS, default 2048,1024]
    #[arg(long, value_name = "ALL,NETWORK")]
    connections: Option<String>,
    /// Print what to do next (used by `make run`)
    #[arg(long)]
    welcome: bool,
}

/// The configuration, checked.
pub struct Config {
    pub bind: SocketAddr,
    pub instance: Options,
    pub llm: LlmSetup,
    pub trusted_proxies: Vec<Cidr>,
    pub metrics_public: bool,
    pub log: LogConfig,
    pub workers: Option<usize>,
    pub memory_mib: Option<u32>,
    pub connections: ConnectionLimits,
    pub welcome: bool,
}

impl Config {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// The name of the variable and what it takes.
    pub fn read(flags: Flags) -> Result<Self> {
        Self::of(flags, &Environment::read()?)
    }

    fn of(flags: Flags, env: &Environment) -> Result<Self> {
        let bind = flags.bind.or_else(|| env.get("T4_BIND")).unwrap_or_else(|| "127.0.0.1:8001".to_owned());
        let bind: SocketAddr = parse("T4_BIND", &bind, "an address and port such as 127.0.0.1:8001")?;
        let default_db = || PathBuf::from("reports/todos/intent_registry.db");
        let db = flags.db.or_else(|| env.get("T4_DB").map(PathBuf::from)).unwrap_or_else(default_db);
        let mut options = Options::new(db);
        options.loopback = bind.ip().is_loopback();
        options.admin = admin(flags.admin_token_file, flags.admin_token_hash_file, env)?;
        options.pepper = pepper(flags.key_pepper_file, env);
        options.redis = secret(flags.rate_redis_file, env, "T4_RATE_REDIS")?;
        options.static_keys = static_keys(flags.api_tokens_file, env)?;
        if let Some(text) = flags.rate_per_minute.or_else(|| env.get("T4_RATE_PER_MINUTE")) {
            let takes = "a whole number from 0 to 10000000";
            options.rate_per_minute = parse("T4_RATE_PER_MINUTE", &text, takes)?;
            if options.rate_per_minute > 10_000_000 {
                bail!("T4_RATE_PER_MINUTE takes {takes}, got `{text}`");
            }
        }
        let quotas = &mut options.quotas;
        for (name, flag, quota) in [
            ("T4_QUOTA_INTENTS", flags.quota_intents, &mut quotas.intents),
            ("T4_QUOTA_STORED_BYTES", flags.quota_stored_bytes, &mut quotas.stored_bytes),
            ("T4_QUOTA_IDEMPOTENCY_ROWS", flags.quota_idempotency_rows, &mut quotas.idempotency_rows),
            (
                "T4_QUOTA_AUDIT_BYTES_PER_DAY",
                flags.quota_audit_bytes_per_day,
                &mut quotas.audit_bytes_per_day,
            ),
        ] {
            if let Some(text) = flag.or_else(|| env.get(name)) {
                let takes = "a whole number from 0 to 9007199254740991";
                *quota = parse(name, &text, takes)?;
                if *quota > MAX_QUOTA {
                    bail!("{name} takes {takes}, got `{text}`");
                }
            }
        }
        options.audit = match flags.audit.or_else(|| env.get("T4_AUDIT")).as_deref() {
            None | Some("batched") => AuditMode::Batched,
            Some("strict") => AuditMode::Strict,
            Some(other) => bail!("T4_AUDIT takes batched or strict, got `{other}`"),
        };
        let llm = LlmSetup::read(&LlmSources {
            config: flags.llm_config.or_else(|| env.get("T4_LLM_CONFIG").map(PathBuf::from)),
            prices: flags.prices.or_else(|| env.get("T4_PRICES").map(PathBuf::from)),
            openai_base_url: flags.openai_base_url.or_else(|| env.get("OPENAI_BASE_URL")),
            variable: &|name| match name {
                "OPENAI_API_KEY" => secret(flags.openai_api_key_file.clone(), env, name),
                "GROQ_API_KEY" => secret(flags.groq_api_key_file.clone(), env, name),
                other => Ok(env.get(other)),
            },
        })?;
        options.llm = LlmOptions::of(&llm.config, llm.prices.clone());
        options.alert_webhook = secret(flags.alert_webhook_file, env, "T4_ALERT_WEBHOOK")?;
        options.checkpoints =
            flags.audit_checkpoints.or_else(|| env.get("T4_AUDIT_CHECKPOINTS").map(PathBuf::from));
        let proxies = flags.trusted_proxies.or_else(|| env.get("T4_TRUSTED_PROXIES")).unwrap_or_default();
        let trusted_proxies = words(&proxies)
            .map(|cidr| parse("T4_TRUSTED_PROXIES", cidr, "CIDRs such as 10.0.0.0/8,::1/128"))
            .collect::<Result<Vec<Cidr>>>()?;
        let metrics_public = flags.metrics_public
            || match env.get("T4_METRICS_PUBLIC").as_deref() {
                None | Some("0" | "false") => false,
                Some("1" | "true") => true,
                Some(other) => bail!("T4_METRICS_PUBLIC takes 0 or 1, got `{other}`"),
            };
        let level = flags.log.or_else(|| env.get("T4_LOG")).or_else(|| env.get("LOG_LEVEL"));
        let log = LogConfig {
            filter: level.unwrap_or_else(|| "info".to_owned()).to_ascii_lowercase(),
            file: flags.log_file.or_else(|| env.get("LOG_FILE").map(PathBuf::from)),
            limits: log_limits(flags.log_max_bytes, flags.log_backups, env)?,
        };
        let workers = match flags.workers.or_else(|| env.get("T4_WORKERS")) {
            None => None,
            Some(text) => {
                let count: usize = parse("T4_WORKERS", &text, "a whole number from 1 to 256")?;
                if !(1..=256).contains(&count) {
                    bail!("T4_WORKERS takes a whole number from 1 to 256, got `{text}`");
                }
                Some(count)
            }
        };
        let serving =
            workers.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(4);
        let serving = u32::try_from(serving).unwrap_or(4);
        options.readers = serving.clamp(4, 64);
        options.point_readers = serving + 2;
        let memory_mib = match flags.memory_mib.or_else(|| env.get("T4_MEMORY_MIB")) {
            None => None,
            Some(text) => {
                let takes = format!("a whole number from {DEFAULT_MEMORY_MIB} to 65536");
                let mib: u32 = parse("T4_MEMORY_MIB", &text, &takes)?;
                if !(DEFAULT_MEMORY_MIB..=65_536).contains(&mib) {
                    bail!("T4_MEMORY_MIB takes {takes}, got `{text}`");
                }
                Some(mib)
            }
        };
        let connections = match flags.connections.or_else(|| env.get("T4_CONNECTIONS")) {
            None => ConnectionLimits::default(),
            Some(text) => connection_limits(&text)?,
        };
        Ok(Self {
            bind,
            instance: options,
            llm,
            trusted_proxies,
            metrics_public,
            log,
            workers,
            memory_mib,
            connections,
            welcome: flags.welcome,
        })
    }
}

fn parse<T: FromStr>(name: &str, text: &str, takes: &str) -> Result<T> {
    text.trim().parse().map_err(|_| anyhow::anyhow!("{name} takes {takes}, got `{text}`"))
}

/// All connections, and those from one network; the latter may be left out.
fn connection_limits(text: &str) -> Result<ConnectionLimits> {
    let takes = "one or two whole numbers from 16 to 100000 such as 2048,1024";
    let mut limits = words(text).map(|word| parse::<usize>("T4_CONNECTIONS", word, takes));
    let total = limits.next().transpose()?.unwrap_or_default();
    let per_network = limits.next().transpose()?.unwrap_or(total);
    let sane = |count: usize| (16..=100_000).contains(&count);
    if !sane(total) || !sane(per_network) || limits.next().is_some() {
        bail!("T4_CONNECTIONS takes {takes}, got `{text}`");
    }
    Ok(ConnectionLimits { total, per_network })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '\n']).map(str::trim).filter(|word| !word.is_empty())
}

/// The smallest log file, so that the longest line fits.
const LEAST_LOG_BYTES: u64 = 64 * 1024;

fn log_limits(max_bytes: Option<String>, backups: Option<String>, env: &Environment) -> Result<LogLimits> {
    let mut limits = LogLimits::default();
    if let Some(text) = max_bytes.or_else(|| env.get("LOG_MAX_BYTES")) {
        let takes = "a whole number of bytes, at least 65536";
        limits.max_bytes = parse("LOG_MAX_BYTES", &text, takes)?;
        if limits.max_bytes < LEAST_LOG_BYTES {
            bail!("LOG_MAX_BYTES takes {takes}, got `{text}`");
        }
    }
    if let Some(text) = backups.or_else(|| env.get("LOG_BACKUPS")) {
        let takes = "a whole number from 0 to 10000";
        limits.backups = parse("LOG_BACKUPS", &text, takes)?;
        if limits.backups > 10_000 {
            bail!("LOG_BACKUPS takes {takes}, got `{text}`");
        }
    }
    Ok(limits)
}

/// Reads a secret's file. One that every user of the machine can read holds no secret. (A group may: that is how
/// service managers hand a secret over.)
fn read_file(path: &Path) -> Result<String> {
    let meta = std::fs::metadata(path);
    let meta = meta.with_context(|| format!("the secret file `{}` can't be read", path.display()))?;
    if meta.is_file() && meta.mode() & 0o007 != 0 {
        bail!("the secret file `{0}` can be read by others: run `chmod 600 {0}`", path.display());
    }
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("the secret file `{}` can't be read", path.display()))?;
    Ok(text.trim().to_owned())
}

/// A secret from a file that a flag names, or from a variable.
fn secret(file: Option<PathBuf>, env: &Environment, name: &str) -> Result<Option<String>> {
    match file {
        Some(path) => read_file(&path).map(Some),
        None => Ok(env.get(name)),
    }
}

fn admin(token: Option<PathBuf>, hash: Option<PathBuf>, env: &Environment) -> Result<AdminSource> {
    if let Some(hash) = secret(hash, env, "T4_ADMIN_TOKEN_HASH")? {
        return Ok(AdminSource::Hash(hash));
    }
    match secret(token, env, "T4_ADMIN_TOKEN")? {
        Some(token) => Ok(AdminSource::Token(token)),
        None => Ok(AdminSource::Beside),
    }
}

fn pepper(file: Option<PathBuf>, env: &Environment) -> PepperSource {
    if let Some(path) = file.or_else(|| env.get("T4_KEY_PEPPER_FILE").map(PathBuf::from)) {
        return PepperSource::File(path);
    }
    env.get("T4_KEY_PEPPER").map_or(PepperSource::Beside, PepperSource::Text)
}

fn static_keys(file: Option<PathBuf>, env: &Environment) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    if let Some(path) = file {
        texts.push(read_file(&path)?);
    }
    texts.extend(["API_TOKENS", "API_KEY"].iter().filter_map(|name| env.get(name)));
    Ok(texts.iter().flat_map(|text| words(text)).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(env: &[(&str, &str)], args: &[&str]) -> Result<Config> {
        let env = env.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let args = std::iter::once("intent-api").chain(args.iter().copied());
        Config::of(Flags::try_parse_from(args).unwrap(), &Environment::of(env))
    }

    #[test]
    fn a_flag_wins_over_the_environment() {
        let env = [("T4_BIND", "127.0.0.1:1"), ("T4_RATE_PER_MINUTE", "5"), ("T4_QUOTA_INTENTS", "6")];
        let config = config(&env, &["--bind", "0.0.0.0:2"]).unwrap();
        assert_eq!(config.bind.port(), 2);
        assert!(!config.instance.loopback);
        assert_eq!((config.instance.rate_per_minute, config.instance.quotas.intents), (5, 6));
    }

    #[test]
    fn a_bad_value_is_refused_with_its_name() {
        for (name, value) in [
            ("T4_BIND", "nowhere"),
            ("T4_RATE_PER_MINUTE", "-1"),
            ("T4_RATE_PER_MINUTE", "99999999"),
            ("T4_QUOTA_INTENTS", "-1"),
            ("T4_QUOTA_STORED_BYTES", "1 GiB"),
            ("T4_QUOTA_IDEMPOTENCY_ROWS", "many"),
            ("T4_QUOTA_AUDIT_BYTES_PER_DAY", "9007199254740992"),
            ("T4_AUDIT", "sometimes"),
            ("T4_TRUSTED_PROXIES", "10.0.0.0/99"),
            ("T4_METRICS_PUBLIC", "perhaps"),
            ("T4_WORKERS", "0"),
            ("LOG_MAX_BYTES", "1000"),
            ("LOG_BACKUPS", "-1"),
            ("LOG_BACKUPS", "10001"),
            ("T4_MEMORY_MIB", "95"),
            ("T4_MEMORY_MIB", "lots"),
            ("T4_CONNECTIONS", "15"),
            ("T4_CONNECTIONS", "100,100,100"),
            ("T4_LLM_CONFIG", "/nowhere/llm.toml"),
            ("T4_PRICES", "/nowhere/prices.toml"),
        ] {
            let error = config(&[(name, value)], &[]).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(error.starts_with(name), "{name}={value}: {error}");
        }
    }

    #[test]
    fn static_keys_are_split_at_commas() {
        let config = config(&[("API_TOKENS", "one,two"), ("API_KEY", "three")], &[]).unwrap();
        assert_eq!(config.instance.static_keys, ["one", "two", "three"]);
    }
}
