//! `GET /docs`: the interactive page. Its scripts are inside the binary: it loads nothing from outside.

use std::sync::{Arc, LazyLock};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::Code;
use utoipa_swagger_ui::Config;

use crate::endpoint::{Endpoint, Success};
use crate::error::ApiError;
use crate::extract::{Anybody, Authenticated, Who as _, path_param};

/// What the page may load: itself.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      frame-ancestors 'none'";

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    Arc::new(Config::from("/openapi.json").validator_url("none").persist_authorization(false))
});

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new("GET", "/docs", "docs", Anybody::GUARD, Success::Text("text/html"), || web::to(page))
        .about("docs", "The interactive page of this document.")
        .codes(&[Code::RateLimited])
}

pub(crate) fn assets_endpoint() -> Endpoint {
    let success = Success::Text("application/octet-stream");
    Endpoint::new("GET", "/docs/{file}", "docs_file", Anybody::GUARD, success, || web::to(asset))
        .about("docs", "A file of the page.")
        .codes(&[Code::RateLimited, Code::RouteNotFound])
}

async fn page(_: Authenticated<Anybody>) -> Result<HttpResponse, ApiError> {
    serve("index.html")
}

async fn asset(_: Authenticated<Anybody>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    serve(&path_param(&request, "file")?)
}

fn serve(name: &str) -> Result<HttpResponse, ApiError> {
    let missing = || ApiError::new(Code::RouteNotFound, "the page has no such file");
    let found = utoipa_swagger_ui::serve(name, Arc::clone(&CONFIG));
    let file = found.map_err(|_| missing())?.ok_or_else(missing)?;
    let mut bytes = file.bytes.into_owned();
    if name == "index.html" {
        // The page stands at `/docs`, its files below it.
        let text = String::from_utf8_lossy(&bytes).replace("\"./", "\"/docs/");
        bytes = text.into_bytes();
    }
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_SECURITY_POLICY, POLICY));
    response.insert_header((CACHE_CONTROL, "public, max-age=3600"));
    Ok(response.content_type(file.content_type).body(bytes))
}
