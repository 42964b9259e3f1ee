//! A key as admins see it, and the checks that its fields share.

use api_keys::{KeyRecord, ScopeSet, dollars_to_pico, pico_to_dollars};
use api_types::{Code, KeyView, ScopeList};
use llm_policy::{WindowKind, Zone};
use registry_core::{Limits, Owner, Timestamp, check_text};

use crate::error::ServiceError;
use crate::llm::zone_or_utc;

/// How many roles a key may have.
const MAX_ROLES: usize = 50;

/// A key without its secret, with what it has used on the day of `now`.
pub(crate) fn view_of(key: &KeyRecord, now: Timestamp) -> KeyView {
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
        check_text(role, Limits::WORD, false).map_err(|problem| invalid(format!("`roles` {problem}")))?;
        if role.contains([' ', ',']) {
            return Err(invalid("`roles` takes words without spaces and commas"));
        }
    }
    Ok(roles)
}

pub(crate) fn daily_limit(dollars: f64) -> Result<i64, ServiceError> {
    dollars_to_pico(dollars).map_err(|problem| invalid(format!("`daily_limit` {problem}")))
}

/// The most requests per minute that a key may have: its log of admissions is kept in memory.
const MAX_RATE: u32 = 10_000_000;

pub(crate) fn rate(per_minute: u32) -> Result<u32, ServiceError> {
    if per_minute > MAX_RATE {
        return Err(invalid(format!("`rate_per_minute` takes 0 to {MAX_RATE}, got {per_minute}")));
    }
    Ok(per_minute)
}

/// Checks that an IANA zone has this name (`Area/Place`).
pub(crate) fn time_zone(name: String) -> Result<String, ServiceError> {
    Zone::parse(&name).map_err(|problem| invalid(format!("`time_zone`: {problem}")))?;
    Ok(name)
}
