//! `GET /metrics`: for Prometheus.

use actix_web::{HttpResponse, web};
use api_types::Code;

use crate::endpoint::{Endpoint, Success};
use crate::extract::{Authenticated, MetricsReader, Who as _};
use crate::state::HttpState;

const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new("GET", "/metrics", "metrics", MetricsReader::GUARD, Success::Text("text/plain"), || {
        web::to(metrics)
    })
    .about("probes", "The metrics in Prometheus' text format.")
    .codes(&[Code::RateLimited])
}

async fn metrics(_: Authenticated<MetricsReader>, state: web::Data<HttpState>) -> HttpResponse {
    HttpResponse::Ok().content_type(MEDIA).body(state.metrics.render(&state.services))
}
