//! `GET /readyz`: whether this server can serve requests.

use std::sync::atomic::Ordering;

use api_types::{CheckState, Readiness};
use rate_limit::LimiterMode;

use crate::services::Services;

/// Without a successful look at the database for this long, the store counts as failing.
const LOOK_MICROS: u64 = 2_000_000;

/// Runs every check; names those that fail, and nothing more.
#[must_use]
pub fn readiness(services: &Services) -> Readiness {
    let watch = services.store.watch();
    let age = services.clock.monotonic_micros().saturating_sub(watch.last_good_look_micros);
    // While writes are stopped nothing can be written, which is not a fault of the disk.
    let stopped = watch.audit_broken;
    let failing = |fails: bool| if fails { CheckState::Failing } else { CheckState::Ok };
    let store = failing((watch.write_trouble && !stopped) || age > LOOK_MICROS);
    let audit = failing(!services.audit.recorder.is_well() && !stopped);
    let chain =
        if services.audit.broken.load(Ordering::Relaxed) { CheckState::Degraded } else { CheckState::Ok };
    let limiter = match services.auth.limiter.mode() {
        LimiterMode::Memory | LimiterMode::Redis => CheckState::Ok,
        LimiterMode::Degraded => CheckState::Degraded,
    };
    let all = [
        ("store", store),
        ("audit", audit),
        ("audit_chain", chain),
        ("audit_broken", failing(stopped)),
        ("limiter", limiter),
    ];
    let worst = if all.iter().any(|(_, state)| *state == CheckState::Failing) {
        CheckState::Failing
    } else if all.iter().any(|(_, state)| *state == CheckState::Degraded) {
        CheckState::Degraded
    } else {
        CheckState::Ok
    };
    let checks = all
        .into_iter()
        .filter(|(_, state)| *state != CheckState::Ok)
        .map(|(name, _)| name.to_owned())
        .collect();
    Readiness { status: worst, checks }
}
