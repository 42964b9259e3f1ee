//! Key as admins see it, and the checks that its fields share.

use api_keys::{KeyRecord, MAX_QUOTA, QuotaLimits, ScopeSet, dollars_to_pico, pico_to_dollars};
use api_types::{Code, KeyUsageView, KeyView, QuotaUse, ScopeList};
use llm_policy::{WindowKind, Zone};
use registry_core::{Limits, Owner, Timestamp, check_name};
use storage::{KeyUsage, day_of};

use crate::error::ServiceError;
use crate::llm::zone_or_utc;

/// Number of roles that a key may have.
const MAX_ROLES: usize = 50;

/// Returns a key without its secret, with what it has used on the day of `now`; `defaults` are the server's quotas.
pub(crate) fn view_of(key: &KeyRecord, usage: &KeyUsage, defaults: QuotaLimits, now: Timestamp) -> KeyView {
    let limits = key.quotas.over(defaults);
    let of = |used, limit| QuotaUse { used, limit };
    let used_on = key.used_on.clone().filter(|day| *day == today(key, now));
    KeyView {
        key_id: key.key_id.as_str().to_owned(),
        agent_id: key.agent_id.as_str().to_owned(),
        owner: key.owner.as_ref().map(|owner| owner.as_str().to_owned()),
        scopes: key.scopes.words().map(str::to_owned).collect(),
        roles: key.roles.clone(),
        created_at: key.created_at.to_string(),
        expires_at: key.expires_at.map(|at| at.to_string()),
        revoked: key.revoked,
        daily_limit: pico_to_dollars(key.daily_limit_pico_usd),
        daily_used: used_on.as_ref().map_or(0.0, |_| pico_to_dollars(key.daily_used_pico_usd)),
        used_on,
        time_zone: key.time_zone.clone(),
        rate_per_minute: key.rate_per_minute,
        max_intents: key.quotas.max_intents,
        max_stored_bytes: key.quotas.max_stored_bytes,
        max_idempotency_rows: key.quotas.max_idempotency_rows,
        max_audit_bytes_per_day: key.quotas.max_audit_bytes_per_day,
        usage: Some(KeyUsageView {
            intents: of(usage.intents, limits.intents),
            stored_bytes: of(usage.stored_bytes(), limits.stored_bytes),
            idempotency_rows: of(usage.idempotency_rows, limits.idempotency_rows),
            audit_bytes_per_day: of(usage.audit.on(day_of(now)), limits.audit_bytes_per_day),
        }),
        previous_secret_until: key.previous_mac.as_ref().map(|(_, until)| until.to_string()),
    }
}

fn today(key: &KeyRecord, now: Timestamp) -> String {
    let zone = key.time_zone.as_deref().map_or(Zone::UTC, zone_or_utc);
    zone.window(WindowKind::Day, now).id
}

fn invalid(what: impl AsRef<str>) -> ServiceError {
    ServiceError::new(Code::InvalidField, what)
}

pub(crate) fn owner(text: String) -> Result<Owner, ServiceError> {
    Owner::new(text).map_err(|problem| invalid(format!("`owner` {problem}")))
}

pub(crate) fn scopes(list: ScopeList) -> Result<ScopeSet, ServiceError> {
    ScopeSet::parse(&list.into_text()).map_err(|problem| invalid(format!("`scopes`: {problem}")))
}

pub(crate) fn roles(roles: Vec<String>) -> Result<Vec<String>, ServiceError> {
    if roles.len() > MAX_ROLES {
        return Err(invalid(format!("`roles` takes at most {MAX_ROLES} roles, got {}", roles.len())));
    }
    for role in &roles {
        check_name(role, Limits::WORD).map_err(|problem| invalid(format!("`roles` {problem}")))?;
        if role.contains([' ', ',']) {
            return Err(invalid("`roles` takes words without spaces and commas"));
        }
    }
    Ok(roles)
}

pub(crate) fn daily_limit(dollars: f64) -> Result<i64, ServiceError> {
    dollars_to_pico(dollars).map_err(|problem| invalid(format!("`daily_limit` {problem}")))
}

/// Highest limit of requests per minute: the log of admissions of a key is kept in memory.
const MAX_RATE: u32 = 10_000_000;

pub(crate) fn rate(per_minute: u32) -> Result<u32, ServiceError> {
    if per_minute > MAX_RATE {
        return Err(invalid(format!("`rate_per_minute` takes 0 to {MAX_RATE}, got {per_minute}")));
    }
    Ok(per_minute)
}

/// Checks one of the quotas.
pub(crate) fn quota(name: &str, most: u64) -> Result<u64, ServiceError> {
    if most > MAX_QUOTA {
        return Err(invalid(format!("`{name}` takes 0 to {MAX_QUOTA}, got {most}")));
    }
    Ok(most)
}

/// Checks that an IANA time zone with this name exists (`Area/Place`).
pub(crate) fn time_zone(name: String) -> Result<String, ServiceError> {
    Zone::parse(&name).map_err(|problem| invalid(format!("`time_zone`: {problem}")))?;
    Ok(name)
}
