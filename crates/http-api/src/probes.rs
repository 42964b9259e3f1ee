//! What machines ask to see whether the server is well.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use api_types::{CheckState, Code, Health, Readiness};
use control_plane::{ServiceError, readiness};

use crate::blocking;
use crate::endpoint::{Endpoint, RouteGuard, Success, schema_of};
use crate::error::ApiError;
use crate::extract::{Authenticated, CallerClass as _, MetricsReader};
use crate::response;
use crate::state::HttpState;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![health_endpoint(), healthz_endpoint(), readyz_endpoint(), metrics_endpoint()]
}

/// `GET /health`: the server answers.
fn health_endpoint() -> Endpoint {
    let success = Success::Json(200, schema_of::<Health>());
    Endpoint::new("GET", "/health", "health", RouteGuard::Probe, success, || web::to(health))
        .about("probes", "Tells that the server answers, its time and its version.")
}

async fn health(state: web::Data<HttpState>) -> Result<HttpResponse, ApiError> {
    let body = Health {
        status: "ok".to_owned(),
        time: state.services.clock.now().to_string(),
        version: state.settings.version.clone(),
    };
    response::json(StatusCode::OK, &body)
}

/// `GET /healthz`: should this process be restarted?
fn healthz_endpoint() -> Endpoint {
    let success = Success::Json(200, schema_of::<Readiness>());
    Endpoint::new("GET", "/healthz", "healthz", RouteGuard::Probe, success, || web::to(healthz))
        .about("probes", "Tells that the process lives; a restart would not help it.")
}

/// A process that answers lives. Whether its dependencies do is `/readyz`'s to tell: a restart mends none of them.
async fn healthz() -> Result<HttpResponse, ApiError> {
    response::json(StatusCode::OK, &Readiness { status: CheckState::Ok, checks: Vec::new() })
}

/// `GET /readyz`: can this server take requests?
fn readyz_endpoint() -> Endpoint {
    let success = Success::Json(200, schema_of::<Readiness>());
    Endpoint::new("GET", "/readyz", "readyz", RouteGuard::Probe, success, || web::to(readyz))
        .about("probes", "Tells whether the server can take requests, and which check fails.")
        .codes(&[Code::NotReady])
}

async fn readyz(state: web::Data<HttpState>) -> Result<HttpResponse, ApiError> {
    let found = readiness(&state.services);
    match found.status {
        CheckState::Ok | CheckState::Degraded => response::json(StatusCode::OK, &found),
        CheckState::Failing => {
            let what = format!("not ready ({})", found.checks.join(", "));
            let details = serde_json::json!({ "checks": found.checks });
            let error = ServiceError::new(Code::NotReady, what).with_details(details);
            Err(ApiError(error.with_retry_after(1)))
        }
    }
}

const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /metrics`: for Prometheus.
fn metrics_endpoint() -> Endpoint {
    Endpoint::new("GET", "/metrics", "metrics", MetricsReader::GUARD, Success::Text("text/plain"), || {
        web::to(metrics)
    })
    .about("probes", "The metrics in Prometheus' text format.")
    .codes(&[Code::RateLimited])
}

async fn metrics(_: Authenticated<MetricsReader>, state: web::Data<HttpState>) -> HttpResponse {
    state.metrics.refresh(&state.memory, &state.connections);
    let totals = blocking::scan(&state, blocking::METRICS, |services| {
        Ok(services.store.read(|view| view.held_totals())?)
    });
    // Without them the page shows the figures of the last time.
    if let Ok((holds, pico_usd)) = totals.await {
        state.metrics.set_held(holds, pico_usd);
    }
    HttpResponse::Ok().content_type(MEDIA).body(state.metrics.render(&state.services))
}
