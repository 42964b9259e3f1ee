//! Settings of the server: flags first, then the environment, then `.env`. A wrong value stops the start with the
//! name of the variable and the values that it accepts.

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use cli_support::Environment;
use control_plane::{AuditMode, MAX_QUOTA};
use http_api::{Cidr, ConnectionLimits, DEFAULT_MEMORY_MIB};
use instance::{AdminSource, LlmOptions, Options, PepperSource};

use crate::flags::Flags;
use crate::llm::{LlmSetup, LlmSources};
use crate::log_file::LogLimits;
use crate::logging::LogConfig;

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
        options.known_secrets = llm.keys.values().cloned().collect();
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
    use clap::Parser as _;

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
