//! What a Prometheus server sees.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_web::http::Method;
use api_types::{CheckState, Code};
use control_plane::{Services, readiness};
use llm_gate::CallReport;
use prometheus::{
    Encoder as _, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};
use rate_limit::LimiterMode;

use crate::connection::ConnectionCounts;
use crate::llm::LlmMetrics;
use crate::memory::MemoryBudget;

/// Upper bounds of the latency buckets, in seconds.
const BUCKETS: [f64; 12] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0];

/// The metrics of a server.
pub struct ServerMetrics {
    registry: Registry,
    requests: IntCounterVec,
    latency: HistogramVec,
    limit_refusals: IntCounterVec,
    auth_failures: IntCounterVec,
    commits: IntCounter,
    committed_jobs: IntCounter,
    failed_jobs: IntCounter,
    job_micros: IntCounter,
    commit_micros: IntCounter,
    audit_rows: IntCounter,
    queue_refusals: IntCounter,
    deadline_refusals: IntCounter,
    queue_depth: IntGauge,
    aggregated: IntCounter,
    key_reads: IntCounter,
    audit_broken: IntGauge,
    limiter_mode: IntGaugeVec,
    ready: IntGauge,
    memory: IntGauge,
    memory_refusals: IntCounter,
    connections: IntGauge,
    llm: Arc<LlmMetrics>,
}

impl ServerMetrics {
    pub(crate) fn new(version: &str) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str| -> Result<IntCounter, prometheus::Error> {
            let metric = IntCounter::new(name, help)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        let counters =
            |name: &str, help: &str, labels: &[&str]| -> Result<IntCounterVec, prometheus::Error> {
                let metric = IntCounterVec::new(Opts::new(name, help), labels)?;
                registry.register(Box::new(metric.clone()))?;
                Ok(metric)
            };
        let gauge = |name: &str, help: &str| -> Result<IntGauge, prometheus::Error> {
            let metric = IntGauge::new(name, help)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        let latency_opts = HistogramOpts::new("t4_http_request_seconds", "Time to answer, by route.");
        let latency = HistogramVec::new(latency_opts.buckets(BUCKETS.to_vec()), &["method", "route"])?;
        registry.register(Box::new(latency.clone()))?;
        let limiter_mode =
            IntGaugeVec::new(Opts::new("t4_limiter_mode", "1 for the limiter's mode, else 0."), &["mode"])?;
        registry.register(Box::new(limiter_mode.clone()))?;
        let build = IntGaugeVec::new(Opts::new("t4_build_info", "Always 1."), &["version"])?;
        registry.register(Box::new(build.clone()))?;
        build.with_label_values(&[version]).set(1);
        Ok(Self {
            requests: counters("t4_http_requests_total", "Requests.", &["method", "route", "status"])?,
            latency,
            limit_refusals: counters("t4_limit_refusals_total", "Requests over a limit.", &["kind"])?,
            auth_failures: counters("t4_auth_failures_total", "Failed authentications.", &["reason"])?,
            commits: counter("t4_store_commits_total", "Commits.")?,
            committed_jobs: counter("t4_store_jobs_total", "Jobs that commits carried.")?,
            failed_jobs: counter("t4_store_failed_jobs_total", "Jobs that failed.")?,
            job_micros: counter("t4_store_job_microseconds_total", "Time that jobs ran.")?,
            commit_micros: counter("t4_store_commit_microseconds_total", "Time that commits took.")?,
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
            limiter_mode,
            llm: Arc::new(LlmMetrics::new(&registry)?),
            ready: gauge("t4_ready", "2 ready, 1 degraded, 0 failing.")?,
            memory: gauge("t4_memory_bytes", "Memory that callers' bytes take, of T4_MEMORY_MIB.")?,
            memory_refusals: counter("t4_memory_refusals_total", "Requests that found no memory.")?,
            connections: gauge("t4_connections", "Open connections.")?,
            registry,
        })
    }

    /// Counts one request. Unknown methods and routes share a label, so that strangers can't fill the registry.
    pub(crate) fn request(&self, method: &Method, route: &str, status: u16, micros: u64, code: Option<Code>) {
        let method = known_method(method);
        let mut digits = [0; 3];
        self.requests.with_label_values(&[method, route, status_text(status, &mut digits)]).inc();
        let seconds = std::time::Duration::from_micros(micros).as_secs_f64();
        self.latency.with_label_values(&[method, route]).observe(seconds);
        let Some(code) = code else { return };
        if route.starts_with("/llm/") {
            self.llm.refused(code);
        }
        match code {
            Code::RateLimited | Code::TooManyFailures => {
                let kind = if code == Code::RateLimited { "key" } else { "auth_failures" };
                self.limit_refusals.with_label_values(&[kind]).inc();
            }
            Code::MissingCredentials
            | Code::MalformedKey
            | Code::InvalidKey
            | Code::RevokedKey
            | Code::ExpiredKey
            | Code::InvalidAdminToken
            | Code::MissingScope => self.auth_failures.with_label_values(&[code.as_str()]).inc(),
            _ => {}
        }
    }

    /// What a gate tells of each settled attempt goes here (`GateBuilder::observer`).
    #[must_use]
    pub fn call_observer(&self) -> Arc<dyn Fn(&CallReport) + Send + Sync> {
        let llm = Arc::clone(&self.llm);
        Arc::new(move |report| llm.settled(report))
    }

    /// Brings the figures of the server itself up to date.
    pub(crate) fn refresh(&self, memory: &MemoryBudget, connections: &ConnectionCounts) {
        self.memory.set(i64::try_from(memory.used()).unwrap_or(i64::MAX));
        raise(&self.memory_refusals, memory.refusals());
        self.connections.set(i64::try_from(connections.open()).unwrap_or(i64::MAX));
    }

    /// Shows how many holds there are, and what they hold.
    pub(crate) fn set_held(&self, holds: u64, pico_usd: i64) {
        self.llm.set_held(holds, pico_usd);
    }

    /// The page of `/metrics`, with the figures that others keep brought up to date.
    pub(crate) fn render(&self, services: &Services) -> Vec<u8> {
        let stats = services.store.stats();
        raise(&self.commits, stats.commits);
        raise(&self.committed_jobs, stats.jobs);
        raise(&self.failed_jobs, stats.failed_jobs);
        raise(&self.job_micros, stats.job_micros);
        raise(&self.commit_micros, stats.commit_micros);
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

/// The method, when it is one that HTTP software uses: a caller may invent others, of any text.
pub(crate) fn known_method(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::POST
        | Method::PATCH
        | Method::DELETE
        | Method::PUT
        | Method::HEAD
        | Method::OPTIONS => method.as_str(),
        _ => "other",
    }
}

/// Brings a counter up to a total that is kept elsewhere.
pub(crate) fn raise(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

fn status_text(status: u16, digits: &mut [u8; 3]) -> &str {
    let parts = [status / 100 % 10, status / 10 % 10, status % 10];
    for (place, part) in digits.iter_mut().zip(parts) {
        *place = b'0' + u8::try_from(part).unwrap_or(0);
    }
    std::str::from_utf8(digits).unwrap_or("000")
}
