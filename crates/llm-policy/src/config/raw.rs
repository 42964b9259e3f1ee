//! The configuration file before its values are checked.

use serde::Deserialize;

use super::ProviderKind;
use crate::{BudgetScope, WindowKind};

/// The file that `T4_LLM_CONFIG` names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    #[serde(default)]
    pub provider: Vec<RawProvider>,
    #[serde(default)]
    pub route: Vec<RawRoute>,
    #[serde(default)]
    pub limits: RawLimits,
    #[serde(default)]
    pub budget: Vec<RawBudget>,
    #[serde(default)]
    pub defaults: RawDefaults,
    #[serde(default)]
    pub audit: RawAudit,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawProvider {
    pub name: String,
    pub kind: ProviderKind,
    pub base_url: String,
    pub api_key_env: Option<String>,
    pub models: Vec<String>,
    pub priced_as: Option<String>,
    pub max_tokens_field: Option<String>,
    pub connect_timeout_ms: Option<i64>,
    pub first_byte_timeout_ms: Option<i64>,
    pub idle_timeout_ms: Option<i64>,
    pub total_timeout_ms: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRoute {
    pub model: String,
    pub to: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct RawLimits {
    pub max_tokens: Option<i64>,
    pub concurrent_calls_per_key: Option<i64>,
    pub drain_seconds: Option<i64>,
    pub lease_seconds: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawBudget {
    pub scope: BudgetScope,
    pub id: Option<String>,
    pub window: WindowKind,
    pub limit_usd: f64,
    pub time_zone: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct RawDefaults {
    pub model: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct RawAudit {
    #[serde(default)]
    pub keep_prompts: bool,
}
