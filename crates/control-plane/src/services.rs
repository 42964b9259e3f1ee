//! Services: everything that use cases need.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use api_keys::{Pepper, QuotaLimits};
use audit::Refusals;
use rate_limit::{FailureLimiter, Limiter};
use registry_core::{Clock, Entropy, KnownSecrets};
use storage::Store;

use crate::audit::Recorder;
use crate::auth::AdminToken;
use crate::auth::KeyCache;
use crate::auth::StaticKeys;
use crate::llm::{AbandonedHolds, CallSlots, LlmRules, RunningCalls};
use crate::page::CursorKey;

/// What an operator may set.
#[derive(Debug, Clone, Copy)]
pub struct ServiceSettings {
    /// Requests that a key may make in any 60 seconds, unless the key says otherwise.
    pub rate_per_minute: u32,
    /// What a key may keep and log, unless the key says otherwise.
    pub quotas: QuotaLimits,
}

/// Everything that a use case may need, by area. `instance` builds it.
pub struct Services {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The secrets of this process, which no answer, row or log line may hold.
    pub secrets: KnownSecrets,
    /// What seals cursors.
    pub cursors: CursorKey,
    /// Settings.
    pub settings: ServiceSettings,
    /// Callers: who they are and how often they may ask.
    pub auth: AuthServices,
    /// The audit log.
    pub audit: AuditServices,
    /// Model calls.
    pub llm: LlmServices,
}

/// What checks callers.
pub struct AuthServices {
    /// The limiter of requests by key.
    pub limiter: Arc<dyn Limiter>,
    /// The limiter of failed authentications by address.
    pub failures: FailureLimiter,
    /// What keys are hashed under.
    pub pepper: Arc<Pepper>,
    /// Keys that were read lately.
    pub keys: KeyCache,
    /// Keys of the configuration.
    pub static_keys: StaticKeys,
    /// The admin token.
    pub admin: AdminToken,
    /// Keys that were read from the store because the cache did not have them.
    pub key_reads: AtomicU64,
}

/// What writes the audit log.
pub struct AuditServices {
    /// Where rows of reads and refusals go.
    pub recorder: Arc<Recorder>,
    /// The counter of refusals that are too many for a row each.
    pub refusals: Arc<Refusals>,
    /// Whether the last verification of the audit log found a bad row.
    pub broken: AtomicBool,
}

/// What model calls need.
pub struct LlmServices {
    /// Prices, caps and budgets.
    pub rules: Arc<LlmRules>,
    /// Calls under way, by key.
    pub slots: Arc<CallSlots>,
    /// The rights of calls under way.
    pub running: Arc<RunningCalls>,
    /// Holds that nobody in this process will settle.
    pub abandoned: AbandonedHolds,
    /// Budgets that reached 50, 80 and 100 % of their limit, in this order ([`llm_policy::ALERT_PERCENTS`]).
    pub budget_alerts: [AtomicU64; 3],
    /// Holds that were settled at their worst case because nobody settled them in time.
    pub orphaned_holds: AtomicU64,
}

impl LlmServices {
    /// The services of a process that starts, under these rules.
    #[must_use]
    pub fn new(rules: LlmRules) -> Self {
        Self {
            rules: Arc::new(rules),
            slots: Arc::default(),
            running: Arc::default(),
            abandoned: AbandonedHolds::default(),
            budget_alerts: Default::default(),
            orphaned_holds: AtomicU64::default(),
        }
    }
}
