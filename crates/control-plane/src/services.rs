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

/// Settings of an operator.
#[derive(Debug, Clone, Copy)]
pub struct ServiceSettings {
    /// Requests that a key may make in any 60 seconds, unless the key has another limit.
    pub rate_per_minute: u32,
    /// Quotas of a key, unless the key has others.
    pub quotas: QuotaLimits,
}

/// Services for use cases, by area. `instance` builds them.
pub struct Services {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Clock.
    pub clock: Arc<dyn Clock>,
    /// Source of randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Secrets of this process, which must not be in any answer, row or log line.
    pub secrets: KnownSecrets,
    /// Key that authenticates cursors.
    pub cursors: CursorKey,
    /// Settings.
    pub settings: ServiceSettings,
    /// Authentication and rate limits.
    pub auth: AuthServices,
    /// The audit log.
    pub audit: AuditServices,
    /// Model calls.
    pub llm: LlmServices,
}

/// Services of authentication.
pub struct AuthServices {
    /// Limiter of requests by key.
    pub limiter: Arc<dyn Limiter>,
    /// Limiter of failed authentications by address.
    pub failures: FailureLimiter,
    /// Pepper under which keys are hashed.
    pub pepper: Arc<Pepper>,
    /// Cache of recently read keys.
    pub keys: KeyCache,
    /// Static keys of the configuration.
    pub static_keys: StaticKeys,
    /// The admin token.
    pub admin: AdminToken,
    /// Number of keys that were read from the store because they were not in the cache.
    pub key_reads: AtomicU64,
}

/// Services of the audit log.
pub struct AuditServices {
    /// Recorder of reads and refusals.
    pub recorder: Arc<Recorder>,
    /// Counter of refusals that are too many for a row each.
    pub refusals: Arc<Refusals>,
    /// Whether the last verification of the audit log found a bad row.
    pub broken: AtomicBool,
}

/// Services of model calls.
pub struct LlmServices {
    /// Prices, caps and budgets.
    pub rules: Arc<LlmRules>,
    /// Calls under way, by key.
    pub slots: Arc<CallSlots>,
    /// Rights of calls under way.
    pub running: Arc<RunningCalls>,
    /// Holds that this process will not settle.
    pub abandoned: AbandonedHolds,
    /// Number of budgets that reached 50, 80 and 100 % of their limit, in this order
    /// ([`llm_policy::ALERT_PERCENTS`]).
    pub budget_alerts: [AtomicU64; 3],
    /// Number of holds that were settled at their worst case because they were not settled in time.
    pub orphaned_holds: AtomicU64,
}

impl LlmServices {
    /// Creates the services of a starting process, under these rules.
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
