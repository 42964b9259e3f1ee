//! Opening of an instance: from options to services.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use api_keys::{Pepper, Scope};
use audit::Refusals;
use control_plane::jobs::{AlertDesk, AlertSink};
use control_plane::{
    AdminToken, AuditServices, AuthServices, CursorKey, KeyCache, LlmRules, LlmServices, LocalLedger,
    Recorder, ServiceError, ServiceSettings, Services, StaticKeys, authenticate_agent,
};
use outbound::Webhook;
use rate_limit::{FailureLimiter, Limiter, MemoryLimiter};
use rate_limit_redis::{RedisLimiter, RedisOptions};
use registry_core::{Clock, Entropy, SystemClock, SystemEntropy};
use storage::{OpenMode, OpenReport, Store, StoreError};
use storage_sqlite::SqliteStore;

use crate::alert_hook::AlertHook;
use crate::error::InstanceError;
use crate::options::{AdminSource, LlmOptions, Options, PepperSource};
use crate::secrets;

/// The token of the original's examples, which is public.
const WELL_KNOWN_TOKEN: &str = "CHANGE_ME_ADMIN_TOKEN";

/// How long the last part of a migration may take: the WAL of a large adoption is written back then.
const MIGRATION_CLOSES_WITHIN: Duration = Duration::from_mins(2);

/// Open instance.
pub struct Instance {
    /// Services.
    pub services: Arc<Services>,
    /// Report of opening the database.
    pub report: OpenReport,
    /// Path of the file with the admin token, if it is in a file.
    pub admin_token_file: Option<PathBuf>,
    pub(crate) memory: Arc<MemoryLimiter>,
    pub(crate) checkpoints: Option<PathBuf>,
    pub(crate) alerts: Arc<AlertDesk>,
    /// The store itself, for what this backend has beyond [`Store`].
    pub(crate) sqlite: Arc<SqliteStore>,
}

/// Opens everything for a server. Must run inside the runtime that will outlive the others.
///
/// # Errors
/// [`InstanceError`], which says what to do.
pub async fn open(options: Options) -> Result<Instance, InstanceError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    open_with(options, OpenMode::Serve, clock, entropy).await
}

/// Opens a database for a tool that works on the file. It creates a missing one, and refuses an older or newer one.
///
/// # Errors
/// [`InstanceError`], which says what to do.
pub async fn open_tool(options: Options) -> Result<Instance, InstanceError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    open_with(options, OpenMode::Tool, clock, entropy).await
}

/// Creates, adopts or upgrades a database like a server's start, and closes it again. No admin token is created.
///
/// # Errors
/// [`InstanceError`], which says what to do.
pub fn migrate(options: Options) -> Result<OpenReport, InstanceError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let (pepper, _) = pepper(&options, entropy.as_ref())?;
    let usual = storage_sqlite::SqliteOptions::new(options.db, clock, entropy, &pepper);
    let (store, report) = SqliteStore::open(storage_sqlite::SqliteOptions {
        mode: OpenMode::Serve,
        readers: 1,
        point_readers: 1,
        ..usual
    })?;
    store.close(MIGRATION_CLOSES_WITHIN)?;
    Ok(report)
}

/// Opens everything with a given clock and random source, for tests and replays.
///
/// # Errors
/// [`InstanceError`], which says what to do.
pub async fn open_with(
    options: Options,
    mode: OpenMode,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Instance, InstanceError> {
    let (pepper, pepper_text) = pepper(&options, entropy.as_ref())?;
    let pepper = Arc::new(pepper);
    let AdminAccess { token: admin, secret: admin_secret, file: admin_token_file } =
        admin(&options, mode, entropy.as_ref())?;
    let known_secrets = secrets::known(&options, [&*pepper_text, &*admin_secret]);
    let static_keys = StaticKeys::new(&options.static_keys, options.loopback, &pepper)
        .map_err(|error| InstanceError::StaticKey(error.to_string()))?;
    let memory = Arc::new(MemoryLimiter::new(Arc::clone(&clock)));
    // Before the database: a wrong address leaves no file behind.
    let limiter = limiter(options.redis.as_deref(), &memory, &clock).await?;
    let webhook = options.alert_webhook.as_deref().map(Webhook::new).transpose()?;
    let sink = webhook.map(|hook| Arc::new(AlertHook(hook)) as Arc<dyn AlertSink>);
    let llm = rules(options.llm, entropy.as_ref());
    let open = storage_sqlite::SqliteOptions {
        mode,
        readers: options.readers,
        point_readers: options.point_readers,
        ..storage_sqlite::SqliteOptions::new(options.db, Arc::clone(&clock), Arc::clone(&entropy), &pepper)
    };
    let (sqlite, report) = SqliteStore::open(open)?;
    let store: Arc<dyn Store> = Arc::<SqliteStore>::clone(&sqlite);
    let store = options.wrap_store.map_or_else(|| Arc::clone(&store), |wrap| wrap(Arc::clone(&store)));
    let recorder = Arc::new(Recorder::new(Arc::clone(&store), Arc::clone(&clock), options.audit));
    let cursors = CursorKey::new(pepper.derive("t4/cursor/v1"));
    let auth = AuthServices {
        limiter,
        failures: FailureLimiter::new(Arc::clone(&clock)),
        pepper,
        keys: KeyCache::default(),
        static_keys,
        admin,
        key_reads: AtomicU64::new(0),
    };
    let audit =
        AuditServices { recorder, refusals: Arc::new(Refusals::new()), broken: AtomicBool::new(false) };
    let services = Services {
        store,
        clock,
        entropy,
        secrets: known_secrets,
        cursors,
        settings: ServiceSettings { rate_per_minute: options.rate_per_minute, quotas: options.quotas },
        auth,
        audit,
        llm: LlmServices::new(llm),
    };
    let checkpoints = options.checkpoints;
    let alerts = Arc::new(AlertDesk::new(sink));
    let services = Arc::new(services);
    Ok(Instance { services, report, admin_token_file, memory, checkpoints, alerts, sqlite })
}

/// The holder's name is random: a restarted server must not renew what a crash has left.
fn rules(options: LlmOptions, entropy: &dyn Entropy) -> LlmRules {
    let LlmOptions { prices, limits, budgets, keep_prompts } = options;
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    let holder = format!("t4-{:016x}", u64::from_be_bytes(bytes));
    LlmRules::new(prices, limits, budgets, keep_prompts, holder)
}

impl Instance {
    /// Returns the ledger of the agent with this key. [`start_ledger_jobs`](Self::start_ledger_jobs) renews the
    /// leases of its holds while calls run.
    ///
    /// # Errors
    /// 401 for an invalid key, 403 without `llm:call`, 429 for the key's limit, 503 for the store.
    pub async fn local_ledger(&self, api_key: &str) -> Result<Arc<LocalLedger>, ServiceError> {
        let services = &self.services;
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let now = services.clock.now();
        let admitted = authenticate_agent(services, Some(api_key), here, Scope::LlmCall, now).await;
        let caller = admitted.map_err(|refused| refused.error)?.caller;
        Ok(LocalLedger::for_agent(services, caller))
    }

    /// Writes what is queued and closes the store. The background work must have stopped.
    ///
    /// # Errors
    /// A storage error.
    pub async fn close(&self, within: Duration) -> Result<(), StoreError> {
        let services = &self.services;
        control_plane::jobs::flush_refusals(services, services.clock.now(), true);
        let flushed = services.audit.recorder.flush().await;
        let closed = services.store.close(within);
        flushed.and(closed)
    }
}

/// Returns the pepper, and its text.
fn pepper(options: &Options, entropy: &dyn Entropy) -> Result<(Pepper, String), InstanceError> {
    let of_text = |text: String| Ok((Pepper::from_text(&text)?, text));
    let path = match &options.pepper {
        PepperSource::Text(text) => return of_text(text.clone()),
        PepperSource::File(path) => path.clone(),
        PepperSource::Beside => secrets::beside(&options.db, "pepper"),
    };
    if let Some(text) = secrets::read(&path)? {
        return of_text(text);
    }
    if storage_sqlite::has_pepper(&options.db) {
        return Err(InstanceError::PepperMissing { db: options.db.clone(), path });
    }
    let (text, _) = Pepper::generate(entropy);
    of_text(secrets::make(&path, &text)?)
}

/// Admin token and its source.
struct AdminAccess {
    token: AdminToken,
    /// The token, or its hash when only that is known.
    secret: String,
    /// File in which the token was created.
    file: Option<PathBuf>,
}

fn admin(options: &Options, mode: OpenMode, entropy: &dyn Entropy) -> Result<AdminAccess, InstanceError> {
    let random = || {
        let mut bytes = [0_u8; 32];
        entropy.fill(&mut bytes);
        format!("t4adm_{}", hex::encode(bytes))
    };
    match (&options.admin, mode) {
        (AdminSource::Token(token), _) => {
            if token == WELL_KNOWN_TOKEN && !options.loopback {
                return Err(InstanceError::WellKnownAdminToken);
            }
            Ok(AdminAccess { token: AdminToken::plain(token, entropy), secret: token.clone(), file: None })
        }
        (AdminSource::Hash(hash), _) => {
            Ok(AdminAccess { token: AdminToken::hashed(hash, entropy)?, secret: hash.clone(), file: None })
        }
        // A tool shows no token to anyone, so it needs none that would be found later.
        (AdminSource::Beside, OpenMode::Tool) => {
            let secret = random();
            Ok(AdminAccess { token: AdminToken::plain(&secret, entropy), secret, file: None })
        }
        (AdminSource::Beside, OpenMode::Serve) => {
            let path = secrets::beside(&options.db, "admin-token");
            let secret = match secrets::read(&path)? {
                Some(token) => token,
                None => secrets::make(&path, &random())?,
            };
            Ok(AdminAccess { token: AdminToken::plain(&secret, entropy), secret, file: Some(path) })
        }
    }
}

async fn limiter(
    redis: Option<&str>,
    memory: &Arc<MemoryLimiter>,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Limiter>, InstanceError> {
    let Some(url) = redis else { return Ok(Arc::clone(memory) as Arc<dyn Limiter>) };
    let limiter = RedisLimiter::connect(url, Arc::clone(memory), Arc::clone(clock), RedisOptions::default())
        .await
        .map_err(|error| InstanceError::Redis(error.to_string()))?;
    let limiter = Arc::new(limiter);
    // The probe ends when the limiter is dropped.
    drop(limiter.spawn_probe());
    Ok(limiter)
}
