//! `GET /openapi.json`, the OpenAPI document, and `GET /docs`, the interactive page that shows it.
//! Its scripts are inside the binary: it loads nothing from outside.

use std::sync::{Arc, LazyLock};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::Code;
use utoipa_swagger_ui::Config;

use crate::endpoint::{Endpoint, Success};
use crate::error::ApiError;
use crate::extract::{Anybody, Authenticated, CallerClass as _, path_param};
use crate::openapi::document;

/// What the page may load: itself.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      frame-ancestors 'none'";

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    Arc::new(Config::from("/openapi.json").validator_url("none").persist_authorization(false))
});

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![openapi_endpoint(), page_endpoint(), assets_endpoint()]
}

fn openapi_endpoint() -> Endpoint {
    let success = Success::Text("application/json");
    Endpoint::new("GET", "/openapi.json", "openapi", Anybody::GUARD, success, || web::to(openapi))
        .about("docs", "This document.")
        .codes(&[Code::RateLimited])
}

async fn openapi(_: Authenticated<Anybody>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DOCUMENT.as_str())
}

fn page_endpoint() -> Endpoint {
    Endpoint::new("GET", "/docs", "docs", Anybody::GUARD, Success::Text("text/html"), || web::to(page))
        .about("docs", "The interactive page of this document.")
        .codes(&[Code::RateLimited])
}

fn assets_endpoint() -> Endpoint {
    // Scripts, styles and pictures: each comes with its own type.
    let success = Success::Text("*/*");
    Endpoint::new("GET", "/docs/{file}", "docs_file", Anybody::GUARD, success, || web::to(asset))
        .about("docs", "A file of the page.")
        .codes(&[Code::RateLimited, Code::RouteNotFound])
}

/// The page itself; everything that it loads stands below `/docs/`.
const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>T4 intent API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="stylesheet" href="/docs/index.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/swagger-ui-standalone-preset.js"></script>
<script src="/docs/swagger-initializer.js"></script>
</body>
</html>
"#;

async fn page(_: Authenticated<Anybody>) -> HttpResponse {
    answer("text/html; charset=utf-8", PAGE.as_bytes().to_vec())
}

async fn asset(_: Authenticated<Anybody>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    serve(&path_param(&request, "file")?)
}

fn serve(name: &str) -> Result<HttpResponse, ApiError> {
    let missing = || ApiError::new(Code::RouteNotFound, "the page has no such file");
    let found = utoipa_swagger_ui::serve(name, Arc::clone(&CONFIG));
    let file = found.map_err(|_| missing())?.ok_or_else(missing)?;
    Ok(answer(&file.content_type, file.bytes.into_owned()))
}

fn answer(media: &str, bytes: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_SECURITY_POLICY, POLICY));
    response.insert_header((CACHE_CONTROL, "public, max-age=3600"));
    response.content_type(media).body(bytes)
}
