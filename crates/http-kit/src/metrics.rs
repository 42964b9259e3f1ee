//! Prometheus metrics of requests and connections.

use std::time::Duration;

use actix_web::http::Method;
use api_types::Code;
use prometheus::core::Collector;
use prometheus::{
    Counter, CounterVec, Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};

use crate::connection::ConnectionCounts;
use crate::memory::MemoryBudget;

/// Upper bounds of the latency buckets, in seconds.
const BUCKETS: [f64; 12] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0];

/// Metrics of a server's requests.
pub struct HttpMetrics {
    requests: IntCounterVec,
    latency: HistogramVec,
    limit_refusals: IntCounterVec,
    auth_failures: IntCounterVec,
    memory: IntGauge,
    memory_refusals: IntCounter,
    connections: IntGauge,
}

impl HttpMetrics {
    pub(crate) fn new(registry: &Registry, version: &str) -> Result<Self, prometheus::Error> {
        let metrics = MetricRegistry(registry);
        let build = metrics.gauges("t4_build_info", "Always 1.", &["version"])?;
        build.with_label_values(&[version]).set(1);
        Ok(Self {
            requests: metrics.counters(
                "t4_http_requests_total",
                "Requests.",
                &["method", "route", "status"],
            )?,
            latency: metrics.histograms(
                "t4_http_request_seconds",
                "Time to answer, by route.",
                &["method", "route"],
                &BUCKETS,
            )?,
            limit_refusals: metrics.counters(
                "t4_limit_refusals_total",
                "Requests over a limit.",
                &["kind"],
            )?,
            auth_failures: metrics.counters(
                "t4_auth_failures_total",
                "Failed authentications.",
                &["reason"],
            )?,
            memory: metrics.gauge("t4_memory_bytes", "Memory that callers' bytes take, of T4_MEMORY_MIB.")?,
            memory_refusals: metrics.counter("t4_memory_refusals_total", "Requests that found no memory.")?,
            connections: metrics.gauge("t4_connections", "Open connections.")?,
        })
    }

    /// Counts one request. Unknown methods and routes share a label, so that strangers can't fill the registry.
    pub(crate) fn request(&self, method: &Method, route: &str, status: u16, micros: u64, code: Option<Code>) {
        let method = known_method(method);
        let mut digits = [0; 3];
        self.requests.with_label_values(&[method, route, status_text(status, &mut digits)]).inc();
        let seconds = Duration::from_micros(micros).as_secs_f64();
        self.latency.with_label_values(&[method, route]).observe(seconds);
        let Some(code) = code else { return };
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

    pub(crate) fn refresh(&self, memory: &MemoryBudget, connections: &ConnectionCounts) {
        self.memory.set(i64::try_from(memory.used()).unwrap_or(i64::MAX));
        raise(&self.memory_refusals, memory.refusals());
        self.connections.set(i64::try_from(connections.open()).unwrap_or(i64::MAX));
    }
}

/// Returns the method, when it is a common one: a client may invent others, of any text.
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

/// Registry that creates metrics. Names follow Prometheus' rules: base units, `_total` for counters.
#[derive(Debug, Clone, Copy)]
pub struct MetricRegistry<'r>(pub &'r Registry);

impl MetricRegistry<'_> {
    fn add<M: Collector + Clone + 'static>(
        self,
        metric: Result<M, prometheus::Error>,
    ) -> Result<M, prometheus::Error> {
        let metric = metric?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    /// Creates a counter.
    ///
    /// # Errors
    /// An invalid name, or one that is taken; the other methods have the same errors.
    pub fn counter(self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        self.add(IntCounter::new(name, help))
    }

    /// Creates a counter of a quantity that is not an integer, such as seconds.
    ///
    /// # Errors
    /// Same errors as [`Self::counter`].
    pub fn float_counter(self, name: &str, help: &str) -> Result<Counter, prometheus::Error> {
        self.add(Counter::new(name, help))
    }

    /// Creates counters by label.
    ///
    /// # Errors
    /// Same errors as [`Self::counter`].
    pub fn counters(
        self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, prometheus::Error> {
        self.add(IntCounterVec::new(Opts::new(name, help), labels))
    }

    /// Creates counters by label, of a quantity that is not an integer.
    ///
    /// # Errors
    /// Same errors as [`Self::counter`].
    pub fn float_counters(
        self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<CounterVec, prometheus::Error> {
        self.add(CounterVec::new(Opts::new(name, help), labels))
    }

    /// Creates a gauge.
    ///
    /// # Errors
    /// Same errors as [`Self::counter`].
    pub fn gauge(self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.add(IntGauge::new(name, help))
    }

    /// Creates a gauge of a quantity that is not an integer.
    ///
    /// # Errors
    /// Same errors as [`Self::counter`].
    pub fn float_gauge(self, name: &str, help: &str) -> Result<Gauge, prometheus::Error> {
        self.add(Gauge::new(name, help))
    }

    /// Creates gauges by label.
    ///
    /// # Errors
    /// Same errors as [`Self::counter`].
    pub fn gauges(self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
        self.add(IntGaugeVec::new(Opts::new(name, help), labels))
    }

    /// Creates histograms by label, with these upper bounds of the buckets.
    ///
    /// # Errors
    /// Same errors as [`Self::counter`].
    pub fn histograms(
        self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> Result<HistogramVec, prometheus::Error> {
        self.add(HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels))
    }
}

/// Raises a counter of seconds to a total of microseconds that is kept elsewhere.
pub fn raise_seconds(counter: &Counter, micros: u64) {
    let seconds = Duration::from_micros(micros).as_secs_f64();
    counter.inc_by((seconds - counter.get()).max(0.0));
}

/// Raises a counter to a total that is kept elsewhere.
pub fn raise(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

fn status_text(status: u16, digits: &mut [u8; 3]) -> &str {
    let parts = [status / 100 % 10, status / 10 % 10, status % 10];
    for (place, part) in digits.iter_mut().zip(parts) {
        *place = b'0' + u8::try_from(part).unwrap_or(0);
    }
    std::str::from_utf8(digits).unwrap_or("000")
}
