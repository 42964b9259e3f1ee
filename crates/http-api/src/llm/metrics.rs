//! Prometheus metrics of model calls. Names follow OpenTelemetry's conventions for generative AI where they exist,
//! and begin with `t4_` otherwise.
//!
//! The number of labels is bounded: only models and providers of the configuration are ever called, so only they are
//! reported.

use std::sync::atomic::Ordering;

use api_types::Code;
use control_plane::Services;
use llm_gate::CallReport;
use llm_policy::ALERT_PERCENTS;
use prometheus::{CounterVec, Gauge, HistogramVec, IntCounter, IntCounterVec, IntGauge, Registry};
use registry_core::pico_to_dollars;

use http_kit::{MetricRegistry, raise};

/// Upper bounds of the token buckets (OpenTelemetry's advice for `gen_ai.client.token.usage`).
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// Upper bounds of the buckets of a call's time, in seconds (`gen_ai.client.operation.duration`).
const SECONDS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/// Upper bounds of the buckets of the time to the first token, in seconds (`gen_ai.server.time_to_first_token`).
const FIRST_SECONDS: [f64; 16] =
    [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Metrics of model calls.
pub(crate) struct LlmMetrics {
    tokens: HistogramVec,
    duration: HistogramVec,
    first_token: HistogramVec,
    calls: IntCounterVec,
    cost: CounterVec,
    overruns: IntCounter,
    orphans: IntCounter,
    refusals: IntCounterVec,
    alerts: IntCounterVec,
    open: IntGauge,
    holds: IntGauge,
    held: Gauge,
}

impl LlmMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let call = ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model"];
        let metrics = MetricRegistry(registry);
        let [operation, provider, model] = call;
        Ok(Self {
            tokens: metrics.histograms(
                "gen_ai_client_token_usage",
                "Tokens of a call.",
                &["gen_ai_token_type", operation, provider, model],
                &TOKENS,
            )?,
            duration: metrics.histograms(
                "gen_ai_client_operation_duration_seconds",
                "From a request's departure to its end.",
                &call,
                &SECONDS,
            )?,
            first_token: metrics.histograms(
                "gen_ai_server_time_to_first_token_seconds",
                "From a request's departure to the first byte of its answer.",
                &call,
                &FIRST_SECONDS,
            )?,
            calls: metrics.counters(
                "t4_llm_calls_total",
                "Settled attempts.",
                &["model", "provider", "outcome", "source"],
            )?,
            cost: metrics.float_counters(
                "t4_llm_cost_usd_total",
                "What calls cost, in dollars.",
                &["model", "provider"],
            )?,
            overruns: metrics
                .counter("t4_llm_overruns_total", "Calls that gave or billed more than was asked for.")?,
            orphans: metrics.counter(
                "t4_llm_orphans_total",
                "Holds settled at their worst case because nobody settled them in time.",
            )?,
            refusals: metrics.counters(
                "t4_llm_refusals_total",
                "Requests below /llm that failed.",
                &["code"],
            )?,
            alerts: metrics.counters(
                "t4_llm_budget_alerts_total",
                "Budgets that reached a part of their limit.",
                &["percent"],
            )?,
            open: metrics.gauge("t4_llm_calls_open", "Calls of this process that are not settled yet.")?,
            holds: metrics.gauge("t4_llm_holds", "Holds under way.")?,
            held: metrics.float_gauge("t4_llm_held_usd", "What calls under way hold, in dollars.")?,
        })
    }

    /// Counts a settled attempt.
    pub(crate) fn settled(&self, report: &CallReport) {
        let (operation, provider, model) =
            (report.operation.as_str(), report.provider.as_str(), report.model.as_str());
        let call = [operation, provider, model];
        let tokens = |kind: &str, count: u64| {
            // A histogram counts in floats; above 2^53 the last digit does not matter.
            #[expect(clippy::cast_precision_loss, reason = "a histogram's sum is a float")]
            self.tokens.with_label_values(&[kind, operation, provider, model]).observe(count as f64);
        };
        tokens("input", report.usage.prompt_tokens);
        if report.usage.completion_tokens > 0 {
            tokens("output", report.usage.completion_tokens);
        }
        self.duration.with_label_values(&call).observe(seconds(report.total_micros));
        if let Some(micros) = report.first_byte_micros {
            self.first_token.with_label_values(&call).observe(seconds(micros));
        }
        let (outcome, source) = (report.outcome.as_str(), report.source.as_str());
        self.calls.with_label_values(&[model, provider, outcome, source]).inc();
        let cost = pico_to_dollars(report.cost_pico_usd.max(0));
        self.cost.with_label_values(&[model, provider]).inc_by(cost);
        if report.overrun {
            self.overruns.inc();
        }
    }

    /// Counts a failed request below `/llm`.
    pub(crate) fn refused(&self, code: Code) {
        self.refusals.with_label_values(&[code.as_str()]).inc();
    }

    /// Sets the gauges of open holds.
    pub(crate) fn set_held(&self, holds: u64, pico_usd: i64) {
        self.holds.set(i64::try_from(holds).unwrap_or(i64::MAX));
        self.held.set(pico_to_dollars(pico_usd));
    }

    /// Updates the figures that are kept elsewhere.
    pub(crate) fn refresh(&self, services: &Services) {
        self.open.set(i64::try_from(services.llm.slots.taken()).unwrap_or(i64::MAX));
        raise(&self.orphans, services.llm.orphaned_holds.load(Ordering::Relaxed));
        for (percent, reached) in ALERT_PERCENTS.iter().zip(&services.llm.budget_alerts) {
            let counter = self.alerts.with_label_values(&[&percent.to_string()]);
            raise(&counter, reached.load(Ordering::Relaxed));
        }
    }
}

fn seconds(micros: u64) -> f64 {
    std::time::Duration::from_micros(micros).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use llm_policy::{CallOutcome, Operation, Usage, UsageSource};
    use prometheus::{Encoder as _, TextEncoder};

    use super::*;

    fn report() -> CallReport {
        CallReport {
            operation: Operation::Chat,
            provider: "openai".to_owned(),
            model: "gpt-4o".to_owned(),
            outcome: CallOutcome::Ok,
            usage: Usage { prompt_tokens: 9, completion_tokens: 70, ..Usage::default() },
            source: UsageSource::Provider,
            cost_pico_usd: 23_000_000,
            overrun: true,
            first_byte_micros: Some(30_000),
            total_micros: 500_000,
            provider_status: Some(200),
        }
    }

    #[test]
    fn a_settled_attempt_is_told_under_opentelemetry_s_names_and_ours() {
        let registry = Registry::new();
        let metrics = LlmMetrics::new(&registry).unwrap();
        metrics.settled(&report());
        let free = CallReport {
            usage: Usage::default(),
            cost_pico_usd: 0,
            overrun: false,
            first_byte_micros: None,
            outcome: CallOutcome::Timeout,
            ..report()
        };
        metrics.settled(&free);
        metrics.refused(Code::InsufficientQuota);
        let mut page = Vec::new();
        TextEncoder::new().encode(&registry.gather(), &mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        let call =
            r#"gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="gpt-4o""#;
        for line in [
            format!("gen_ai_client_token_usage_sum{{{call},gen_ai_token_type=\"input\"}} 9"),
            format!("gen_ai_client_token_usage_count{{{call},gen_ai_token_type=\"input\"}} 2"),
            format!("gen_ai_client_token_usage_bucket{{{call},gen_ai_token_type=\"output\",le=\"64\"}} 0"),
            format!("gen_ai_client_token_usage_bucket{{{call},gen_ai_token_type=\"output\",le=\"256\"}} 1"),
            format!("gen_ai_client_operation_duration_seconds_sum{{{call}}} 1"),
            format!("gen_ai_server_time_to_first_token_seconds_count{{{call}}} 1"),
            format!("gen_ai_server_time_to_first_token_seconds_sum{{{call}}} 0.03"),
            r#"t4_llm_calls_total{model="gpt-4o",outcome="ok",provider="openai",source="provider"} 1"#
                .to_owned(),
            r#"t4_llm_calls_total{model="gpt-4o",outcome="timeout",provider="openai",source="provider"} 1"#
                .to_owned(),
            r#"t4_llm_cost_usd_total{model="gpt-4o",provider="openai"} 0.000023"#.to_owned(),
            "t4_llm_overruns_total 1".to_owned(),
            r#"t4_llm_refusals_total{code="insufficient_quota"} 1"#.to_owned(),
        ] {
            assert!(page.lines().any(|shown| shown == line), "{line} is missing:\n{page}");
        }
    }
}
