//! Parsing and checking of the configuration file.

use std::collections::BTreeSet;

use registry_core::dollars_to_pico;

use super::fields::number;
use super::provider::read_provider;
use super::raw::{RawBudget, RawConfig, RawLimits, RawRoute};
use super::{BudgetRule, CallLimits, ConfigError, LlmConfig, ProviderConfig, RouteConfig};
use crate::{BudgetScope, Zone};

/// The largest `max_tokens`, far above the limit of any model.
const MOST_TOKENS: u64 = 10_000_000;
/// The largest `concurrent_calls_per_key`.
const MOST_CALLS: u64 = 100_000;
/// The longest time in seconds: one hour.
const MOST_SECONDS: u64 = 3600;

impl LlmConfig {
    /// Parses and checks a configuration.
    ///
    /// # Errors
    /// [`ConfigError`] names the first invalid part and states what is accepted there.
    pub fn parse(toml: &str) -> Result<Self, ConfigError> {
        let raw: RawConfig =
            toml::from_str(toml).map_err(|cause| ConfigError::Syntax(toml_problem(toml, &cause)))?;
        let mut providers: Vec<ProviderConfig> = Vec::with_capacity(raw.provider.len());
        for provider in raw.provider {
            let provider = read_provider(provider)?;
            if providers.iter().any(|other| other.name == provider.name) {
                let what = "another provider has the same name".to_owned();
                return Err(ConfigError::Provider { name: provider.name, what });
            }
            providers.push(provider);
        }
        let mut routes: Vec<RouteConfig> = Vec::with_capacity(raw.route.len());
        for route in raw.route {
            let route = read_route(route, &providers)?;
            if routes.iter().any(|other| other.model == route.model) {
                let what =
                    "there is another route for this model; write one route with all providers".to_owned();
                return Err(ConfigError::Route { model: route.model, what });
            }
            routes.push(route);
        }
        let default_model = match raw.defaults.model {
            Some(model) if !providers.iter().any(|provider| provider.models.contains(&model)) => {
                return Err(ConfigError::DefaultModel(model));
            }
            Some(model) => Some(model),
            None => providers.first().and_then(|provider| provider.models.first()).cloned(),
        };
        Ok(Self {
            providers,
            routes,
            limits: read_limits(&raw.limits)?,
            budgets: read_budgets(raw.budget)?,
            default_model,
            keep_prompts: raw.audit.keep_prompts,
        })
    }
}

fn read_route(raw: RawRoute, providers: &[ProviderConfig]) -> Result<RouteConfig, ConfigError> {
    let wrong = |what: String| ConfigError::Route { model: raw.model.clone(), what };
    if raw.to.is_empty() {
        return Err(wrong("`to` is empty; it must list names of providers, in order".to_owned()));
    }
    let mut seen = BTreeSet::new();
    for name in &raw.to {
        let Some(provider) = providers.iter().find(|provider| provider.name == *name) else {
            return Err(wrong(format!("there is no provider `{name}`")));
        };
        if !provider.models.contains(&raw.model) {
            return Err(wrong(format!("the provider `{name}` does not list this model")));
        }
        if !seen.insert(name) {
            return Err(wrong(format!("`to` lists the provider `{name}` twice")));
        }
    }
    Ok(RouteConfig { model: raw.model, to: raw.to })
}

fn read_limits(raw: &RawLimits) -> Result<CallLimits, ConfigError> {
    let standard = CallLimits::default();
    let read = |field, value: Option<i64>, standard: u64, least: u64, most: u64| {
        number(value, standard, least, most).map_err(|what| ConfigError::Limit { field, what })
    };
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let calls = u64::from(standard.concurrent_calls_per_key);
    Ok(CallLimits {
        max_tokens: read("max_tokens", raw.max_tokens, standard.max_tokens, 1, MOST_TOKENS)?,
        concurrent_calls_per_key: small(read(
            "concurrent_calls_per_key",
            raw.concurrent_calls_per_key,
            calls,
            1,
            MOST_CALLS,
        )?),
        drain_seconds: small(read(
            "drain_seconds",
            raw.drain_seconds,
            u64::from(standard.drain_seconds),
            1,
            MOST_SECONDS,
        )?),
        // A lease is renewed before it ends. In whole seconds, that needs at least two.
        lease_seconds: small(read(
            "lease_seconds",
            raw.lease_seconds,
            u64::from(standard.lease_seconds),
            2,
            MOST_SECONDS,
        )?),
    })
}

fn read_budgets(raw: Vec<RawBudget>) -> Result<Vec<BudgetRule>, ConfigError> {
    let mut budgets: Vec<BudgetRule> = Vec::with_capacity(raw.len());
    for (index, raw) in raw.into_iter().enumerate() {
        let budget = format!("{} (`{}`)", index + 1, raw.scope.as_str());
        let rule = read_budget(raw).map_err(|what| ConfigError::Budget { budget: budget.clone(), what })?;
        let same = |other: &BudgetRule| {
            (other.scope, &other.id, other.window) == (rule.scope, &rule.id, rule.window)
        };
        if budgets.iter().any(same) {
            let what = format!(
                "`{}` already has a budget for each {}; an account has only one limit",
                rule.id,
                rule.window.as_str()
            );
            return Err(ConfigError::Budget { budget, what });
        }
        budgets.push(rule);
    }
    Ok(budgets)
}

fn read_budget(raw: RawBudget) -> Result<BudgetRule, String> {
    let id = match (raw.scope, raw.id) {
        (BudgetScope::Key, _) => {
            return Err("the budget of a key is its `daily_limit`; `scope` must be `agent`, `owner` or \
                        `platform`"
                .to_owned());
        }
        (BudgetScope::Platform, Some(id)) if id != "*" => {
            return Err(format!("the platform is one account and has no `id`, got `{id}`"));
        }
        (BudgetScope::Platform, _) => "*".to_owned(),
        (BudgetScope::Agent | BudgetScope::Owner, None) => {
            return Err("`id` is missing; write a name, or `*` for a budget of each one".to_owned());
        }
        (BudgetScope::Agent | BudgetScope::Owner, Some(id)) => id,
    };
    if id != "*" && (id.trim() != id || id.is_empty() || id.chars().any(char::is_control)) {
        return Err(format!(
            "`id` must be a name, or `*` for a budget of each one, got `{}`",
            id.escape_debug()
        ));
    }
    let limit_pico_usd = dollars_to_pico(raw.limit_usd).map_err(|cause| format!("`limit_usd`: {cause}"))?;
    let zone = match raw.time_zone {
        None => Zone::UTC,
        Some(name) => Zone::parse(&name).map_err(|cause| format!("`time_zone`: {cause}"))?,
    };
    Ok(BudgetRule { scope: raw.scope, id, window: raw.window, zone, limit_pico_usd })
}

/// Returns the message of the TOML parser with its line number, as one line. The server reports a refused
/// configuration in a single line of text.
pub(crate) fn toml_problem(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().replace('\n', ", ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toml_problem_is_one_line_with_the_line_number() {
        let text = "a = 1\nb = \n";
        let error = toml::from_str::<toml::Table>(text).unwrap_err();
        let told = toml_problem(text, &error);
        assert!(told.starts_with("line 2: ") && !told.contains('\n'), "{told}");
    }
}
