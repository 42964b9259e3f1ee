//! Prometheus metrics of the store, the audit log and model calls.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use api_types::CheckState;
use control_plane::{Services, readiness};
use http_kit::{MetricRegistry, raise, raise_seconds};
use llm_gate::CallReport;
use prometheus::{Counter, Encoder as _, IntCounter, IntGauge, IntGaugeVec, Registry, TextEncoder};
use rate_limit::LimiterMode;

use crate::llm::LlmMetrics;

/// Metrics of a server, in addition to those of its requests.
pub struct ServerMetrics {
    registry: Registry,
    commits: IntCounter,
    committed_jobs: IntCounter,
    failed_jobs: IntCounter,
    job_seconds: Counter,
    commit_seconds: Counter,
    audit_rows: IntCounter,
    queue_refusals: IntCounter,
    deadline_refusals: IntCounter,
    queue_depth: IntGauge,
    aggregated: IntCounter,
    key_reads: IntCounter,
    audit_broken: IntGauge,
    limiter_mode: IntGaugeVec,
    ready: IntGauge,
    llm: Arc<LlmMetrics>,
}

impl ServerMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = MetricRegistry(registry);
        let counter = |name, help| metrics.counter(name, help);
        let gauge = |name, help| metrics.gauge(name, help);
        Ok(Self {
            commits: counter("t4_store_commits_total", "Commits.")?,
            committed_jobs: counter("t4_store_jobs_total", "Jobs that commits carried.")?,
            failed_jobs: counter("t4_store_failed_jobs_total", "Jobs that failed.")?,
            job_seconds: metrics.float_counter("t4_store_job_seconds_total", "Time that jobs ran.")?,
            commit_seconds: metrics
                .float_counter("t4_store_commit_seconds_total", "Time that commits took.")?,
            audit_rows: counter("t4_audit_rows_total", "Rows written to the audit log.")?,
            queue_refusals: counter(
                "t4_store_queue_refusals_total",
                "Jobs that found the queue, or their key's share of it, full.",
            )?,
            deadline_refusals: counter(
                "t4_store_deadline_refusals_total",
                "Jobs that were refused because they took too long.",
            )?,
            queue_depth: gauge("t4_store_queue_depth", "Jobs that wait.")?,
            aggregated: counter("t4_audit_aggregated_total", "Refusals counted instead of recorded.")?,
            key_reads: counter("t4_key_reads_total", "Keys read from the store.")?,
            audit_broken: gauge(
                "t4_audit_broken",
                "1 when the audit log did not verify, or the schema was changed.",
            )?,
            limiter_mode: metrics.gauges(
                "t4_limiter_mode",
                "1 for the limiter's mode, else 0.",
                &["mode"],
            )?,
            llm: Arc::new(LlmMetrics::new(registry)?),
            ready: gauge("t4_ready", "2 ready, 1 degraded, 0 failing.")?,
            registry: registry.clone(),
        })
    }

    /// Metrics of model calls.
    pub(crate) fn llm(&self) -> Arc<LlmMetrics> {
        Arc::clone(&self.llm)
    }

    /// Returns the observer of settled attempts for the gate (`GateBuilder::observer`).
    #[must_use]
    pub fn call_observer(&self) -> Arc<dyn Fn(&CallReport) + Send + Sync> {
        let llm = Arc::clone(&self.llm);
        Arc::new(move |report| llm.settled(report))
    }

    /// Sets the gauges of open holds.
    pub(crate) fn set_held(&self, holds: u64, pico_usd: i64) {
        self.llm.set_held(holds, pico_usd);
    }

    /// Returns the page of `/metrics`, after updating the figures that are kept elsewhere.
    pub(crate) fn render(&self, services: &Services) -> Vec<u8> {
        let stats = services.store.stats();
        raise(&self.commits, stats.commits);
        raise(&self.committed_jobs, stats.jobs);
        raise(&self.failed_jobs, stats.failed_jobs);
        raise_seconds(&self.job_seconds, stats.job_micros);
        raise_seconds(&self.commit_seconds, stats.commit_micros);
        raise(&self.audit_rows, stats.audit_rows);
        raise(&self.queue_refusals, stats.queue_refusals);
        raise(&self.deadline_refusals, stats.deadline_refusals);
        self.queue_depth.set(i64::try_from(stats.queue_depth).unwrap_or(i64::MAX));
        raise(&self.aggregated, services.audit.refusals.aggregated_total());
        raise(&self.key_reads, services.auth.key_reads.load(Ordering::Relaxed));
        let broken = services.audit.broken.load(Ordering::Relaxed) || services.store.watch().audit_broken;
        self.audit_broken.set(i64::from(broken));
        for mode in [LimiterMode::Memory, LimiterMode::Redis, LimiterMode::Degraded] {
            let is = i64::from(services.auth.limiter.mode() == mode);
            self.limiter_mode.with_label_values(&[mode.as_str()]).set(is);
        }
        self.ready.set(match readiness(services).status {
            CheckState::Ok => 2,
            CheckState::Degraded => 1,
            CheckState::Failing => 0,
        });
        self.llm.refresh(services);
        let mut page = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut page) {
            tracing::error!("the metrics can't be written: {error}");
        }
        page
    }
}
