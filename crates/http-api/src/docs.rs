//! `GET /openapi.json`, the OpenAPI document, and `GET /docs`, the interactive page that shows it. The page's scripts
//! are part of the binary: it loads nothing from elsewhere.

use std::sync::{Arc, LazyLock};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::Code;
use http_kit::{
    Answer, Anybody, ApiError, Authenticated, Endpoint, MediaType, PlainText, Refused, codes, path_param,
};
use utoipa_swagger_ui::Config;

use crate::state::HttpState;

/// Sources that the page may load: only this server.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      frame-ancestors 'none'";

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    Arc::new(Config::from("/openapi.json").validator_url("none").persist_authorization(false))
});

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new("GET", "/openapi.json", "openapi", openapi).about("docs", "This document."),
        Endpoint::new("GET", "/docs", "docs", page).about("docs", "The interactive page of this document."),
        Endpoint::new("GET", "/docs/{file}", "docs_file", asset).about("docs", "A file of the page."),
    ]
}

macro_rules! media {
    ($($(#[$doc:meta])* $name:ident = $media:literal;)+) => {
        $(
            $(#[$doc])*
            struct $name;

            impl MediaType for $name {
                const NAME: &'static str = $media;
            }
        )+
    };
}

media! {
    /// The OpenAPI document.
    DocumentText = "application/json";
    /// The page.
    PageMedia = "text/html";
    /// Scripts, styles and pictures, each with a media type.
    AssetMedia = "*/*";
}

async fn openapi(_: Authenticated<Anybody>, state: web::Data<HttpState>) -> Answer<PlainText<DocumentText>> {
    Answer::of(HttpResponse::Ok().content_type("application/json").body(state.document.clone()))
}

/// The page itself; everything that it loads is below `/docs/`.
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

async fn page(_: Authenticated<Anybody>) -> Answer<PlainText<PageMedia>> {
    answer("text/html; charset=utf-8", PAGE.as_bytes().to_vec())
}

codes! { AssetCodes = [RouteNotFound] }

async fn asset(
    _: Authenticated<Anybody>,
    request: HttpRequest,
) -> Result<Answer<PlainText<AssetMedia>>, Refused<AssetCodes>> {
    Ok(serve(&path_param(&request, "file")?)?)
}

fn serve(name: &str) -> Result<Answer<PlainText<AssetMedia>>, ApiError> {
    let missing = || ApiError::new(Code::RouteNotFound, "the page has no such file");
    let found = utoipa_swagger_ui::serve(name, Arc::clone(&CONFIG));
    let file = found.map_err(|_| missing())?.ok_or_else(missing)?;
    Ok(answer(&file.content_type, file.bytes.into_owned()))
}

fn answer<S>(media: &str, bytes: Vec<u8>) -> Answer<S> {
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_SECURITY_POLICY, POLICY));
    response.insert_header((CACHE_CONTROL, "public, max-age=3600"));
    Answer::of(response.content_type(media).body(bytes))
}
