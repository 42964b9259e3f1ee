//! The routes, and the order that every request goes through.

use std::collections::BTreeMap;

use actix_web::guard::{self, GuardContext};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::endpoint::{Endpoint, Success};
pub use crate::request_layer::request_layer;
use crate::{audit, docs, intents, keys, llm, probes};

/// Every route of the server. A handler that is not listed here can't be reached.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    let mut all = probes::endpoints();
    all.extend(docs::endpoints());
    all.extend(intents::endpoints());
    all.extend(llm::endpoints());
    all.extend(keys::endpoints());
    all.extend(audit::endpoints());
    all
}

/// Adds every route to an application.
///
/// The order of a request, outermost first, and why:
/// 1. request id, so that everything that follows can be told apart in the logs;
/// 2. security headers, on every answer, errors included;
/// 3. the audit draft, opened before anything can refuse, closed by the same layer for every request that no use
///    case recorded with its change: exactly one row per request;
/// 4. the route: the extractor checks the key first and reads the body after, within its limit and its time.
///
/// Layers 1 to 3 are one function ([`request_layer`]), wrapped around the application by the caller.
pub fn configure(config: &mut web::ServiceConfig) {
    let mut by_path: BTreeMap<(bool, &'static str), Vec<Endpoint>> = BTreeMap::new();
    for endpoint in endpoints() {
        // Templates come after literal paths: `/intents/stale` is no id.
        by_path.entry((endpoint.path.contains('{'), endpoint.path)).or_default().push(endpoint);
    }
    for ((_, path), endpoints) in by_path {
        let mut resource = web::resource(path);
        let (mut allowed, mut lists) = (Vec::new(), false);
        for endpoint in endpoints {
            allowed.push(endpoint.method);
            lists |= matches!(endpoint.success, Success::List(_)) && endpoint.method == "GET";
            let method = endpoint.method;
            resource = resource.route((endpoint.handler)().guard(guard::fn_guard(move |c| takes(c, method))));
            if method == "GET" {
                allowed.push("HEAD");
            }
        }
        let info = RouteInfo { path, allow: allowed.join(", "), lists };
        config.service(resource.app_data(info).default_service(web::to(method_not_allowed)));
    }
    config.default_service(web::to(|| async { HttpResponse::NotFound().finish() }));
}

/// HEAD is GET without the body, which the HTTP layer leaves out.
fn takes(context: &GuardContext<'_>, method: &str) -> bool {
    let asked = &context.head().method;
    asked.as_str() == method || (*asked == Method::HEAD && method == "GET")
}

/// What the edge needs to know of a route. The framework could tell the template too, by matching once more.
struct RouteInfo {
    path: &'static str,
    allow: String,
    /// Whether its GET answers with a list.
    lists: bool,
}

/// The template of the route that a request was routed to.
pub(crate) fn route_of(request: &HttpRequest) -> Option<&'static str> {
    request.app_data::<RouteInfo>().map(|info| info.path)
}

/// Whether a request reads a list.
pub(crate) fn reads_list(request: &HttpRequest) -> bool {
    let reads = *request.method() == Method::GET || *request.method() == Method::HEAD;
    reads && request.app_data::<RouteInfo>().is_some_and(|info| info.lists)
}

async fn method_not_allowed(request: HttpRequest) -> HttpResponse {
    let mut response = HttpResponse::MethodNotAllowed().finish();
    let allow = request.app_data::<RouteInfo>().and_then(|info| HeaderValue::from_str(&info.allow).ok());
    if let Some(allow) = allow {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}
