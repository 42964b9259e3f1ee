//! Health and readiness probes, and the metrics page.

use actix_web::{HttpResponse, web};
use api_types::{CheckState, Health, Readiness};
use control_plane::{ServiceError, readiness};
use http_kit::{
    Answer, ApiError, Authenticated, Endpoint, JsonDocument, MediaType, MetricsReader, PlainText, Probe,
    Refused, blocking, codes, response,
};

use crate::state::HttpState;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new("GET", "/health", "health", health)
            .about("probes", "Tells that the server answers, its time and its version."),
        Endpoint::new("GET", "/healthz", "healthz", healthz)
            .about("probes", "Tells that the process lives; a restart would not help it."),
        Endpoint::new("GET", "/readyz", "readyz", readyz)
            .about("probes", "Tells whether the server can take requests, and which check fails."),
        Endpoint::new("GET", "/metrics", "metrics", metrics)
            .about("probes", "The metrics in Prometheus' text format."),
    ]
}

/// `GET /health`: whether the server answers.
async fn health(_: Probe, state: web::Data<HttpState>) -> Result<Answer<JsonDocument<Health>>, Refused> {
    let body = Health {
        status: "ok".to_owned(),
        time: state.services.clock.now().to_string(),
        version: state.server.settings.version.clone(),
    };
    Ok(response::json(&body)?)
}

/// `GET /healthz`: whether this process should be restarted. A process that answers need not be. Its dependencies are
/// checked by `/readyz`, because a restart does not fix them.
async fn healthz(_: Probe) -> Result<Answer<JsonDocument<Readiness>>, Refused> {
    Ok(response::json(&Readiness { status: CheckState::Ok, checks: Vec::new() })?)
}

codes! { ReadyzCodes = [NotReady] }

/// `GET /readyz`: whether this server can serve requests.
async fn readyz(
    _: Probe,
    state: web::Data<HttpState>,
) -> Result<Answer<JsonDocument<Readiness>>, Refused<ReadyzCodes>> {
    let found = readiness(&state.services);
    match found.status {
        CheckState::Ok | CheckState::Degraded => Ok(response::json(&found)?),
        CheckState::Failing => {
            let what = format!("not ready ({})", found.checks.join(", "));
            let details = serde_json::json!({ "checks": found.checks });
            let error = ServiceError::new(api_types::Code::NotReady, what).with_details(details);
            Err(ApiError(error.with_retry_after(1)).into())
        }
    }
}

/// Text format of Prometheus.
struct MetricsText;

impl MediaType for MetricsText {
    const NAME: &'static str = "text/plain";
}

const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /metrics`: for Prometheus.
async fn metrics(
    _: Authenticated<MetricsReader>,
    state: web::Data<HttpState>,
) -> Answer<PlainText<MetricsText>> {
    state.server.refresh_metrics();
    let totals = blocking::scan(&state.server, blocking::METRICS, |services| {
        Ok(services.store.read(|view| view.held_totals())?)
    });
    // Without them the page has the figures of the last time.
    if let Ok((holds, pico_usd)) = totals.await {
        state.metrics.set_held(holds, pico_usd);
    }
    Answer::of(HttpResponse::Ok().content_type(MEDIA).body(state.metrics.render(&state.services)))
}
