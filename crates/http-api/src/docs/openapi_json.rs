//! `GET /openapi.json`.

use std::sync::LazyLock;

use actix_web::{HttpResponse, web};
use api_types::Code;

use crate::endpoint::{Endpoint, Success};
use crate::extract::{Anybody, Authenticated, Who as _};
use crate::openapi::document;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Text("application/json");
    Endpoint::new("GET", "/openapi.json", "openapi", Anybody::GUARD, success, || web::to(openapi))
        .about("docs", "This document.")
        .codes(&[Code::RateLimited])
}

async fn openapi(_: Authenticated<Anybody>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DOCUMENT.as_str())
}
