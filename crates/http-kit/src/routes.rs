//! Routes of a server, and what is known about a path before it is routed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actix_web::guard::{self, GuardContext};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::description::{RouteDescription, RouteGuard, Success};
use crate::endpoint::Endpoint;
use crate::error::ErrorShape;

/// All routes of a server. A handler that is not listed here can't be reached.
#[derive(Clone)]
pub struct Routes {
    endpoints: Vec<Endpoint>,
    resources: Vec<RouteInfo>,
    /// Path prefixes below which errors have another shape.
    shapes: Vec<(&'static str, ErrorShape)>,
    /// Path prefixes before a key.
    key_prefixes: BTreeSet<&'static str>,
    /// Paths of probes.
    probes: Vec<&'static str>,
}

/// Placeholder of a key in a path template: the text there is replaced by the key's id before it is recorded.
const KEY: &str = "{key}";

impl Routes {
    /// Creates the routes. All answer errors in T4's shape.
    #[must_use]
    pub fn new(endpoints: Vec<Endpoint>) -> Self {
        let mut by_path: BTreeMap<(bool, &'static str), Vec<&Endpoint>> = BTreeMap::new();
        for endpoint in &endpoints {
            // Templates come after literal paths: `/intents/stale` is not an id.
            by_path.entry((endpoint.path.contains('{'), endpoint.path)).or_default().push(endpoint);
        }
        let resources = by_path.into_iter().map(|((_, path), endpoints)| RouteInfo::new(path, &endpoints));
        let resources = resources.collect();
        let probe = |endpoint: &&Endpoint| endpoint.description.guard == RouteGuard::Probe;
        let probes = endpoints.iter().filter(probe).map(|endpoint| endpoint.path).collect();
        let key_prefixes =
            endpoints.iter().filter_map(|endpoint| Some(endpoint.path.split_once(KEY)?.0)).collect();
        Self { endpoints, resources, shapes: Vec::new(), key_prefixes, probes }
    }

    /// Sets another shape for errors below a path, also for requests without a route.
    #[must_use]
    pub fn with_errors_below(mut self, path: &'static str, shape: ErrorShape) -> Self {
        self.shapes.push((path, shape));
        self
    }

    /// Returns the routes.
    #[must_use]
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Returns the shape of the errors of a path, whatever is wrong with it.
    #[must_use]
    pub fn error_shape(&self, path: &str) -> ErrorShape {
        let below = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.shapes.iter().find(|(prefix, _)| below(prefix)).map_or(ErrorShape::T4, |(_, shape)| *shape)
    }

    pub(crate) fn error_shapes(&self) -> impl Iterator<Item = ErrorShape> {
        std::iter::once(ErrorShape::T4).chain(self.shapes.iter().map(|(_, shape)| *shape))
    }

    /// Whether a probe has this path: it leaves no row in the audit log.
    pub(crate) fn is_probe(&self, path: &str) -> bool {
        self.probes.contains(&path)
    }

    /// Returns a path that has a key, with `id` in place of it: the request may have sent the key itself. What
    /// follows is kept only where a route has it.
    pub(crate) fn hide_key(&self, path: &str, id: impl FnOnce(&str) -> String) -> Option<String> {
        let prefix = self.key_prefixes.iter().find(|prefix| path.starts_with(**prefix))?;
        let rest = path.strip_prefix(prefix)?;
        let (key, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let template = format!("{prefix}{KEY}{tail}");
        let known = self.resources.iter().any(|info| info.path == template);
        Some(format!("{prefix}{}{}", id(key), if known { tail } else { "" }))
    }

    /// Adds every route to an application.
    ///
    /// Order of a request, outermost first, with the reasons:
    /// 1. request id, so that everything that follows can be told apart in the logs;
    /// 2. security headers, on every answer, errors included;
    /// 3. the audit draft, opened before anything can refuse, closed by the same layer for every request that no use
    ///    case recorded with its change: exactly one row per request;
    /// 4. the route: the extractor checks the key first and reads the body after, within its limit and its time.
    ///
    /// Layers 1 to 3 are one function ([`request_layer`](crate::request_layer)), which the caller wraps around the
    /// application.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        for info in &self.resources {
            let mut resource = web::resource(info.path);
            for endpoint in self.endpoints.iter().filter(|endpoint| endpoint.path == info.path) {
                let method = endpoint.method;
                let takes = guard::fn_guard(move |context| takes(context, method));
                resource = resource.route((endpoint.handler)().guard(takes));
            }
            config.service(resource.app_data(info.clone()).default_service(web::to(method_not_allowed)));
        }
        config.default_service(web::to(|| async { HttpResponse::NotFound().finish() }));
    }
}

/// HEAD is GET without the body, which the HTTP layer omits.
fn takes(context: &GuardContext<'_>, method: &str) -> bool {
    described_method(&context.head().method) == method
}

fn described_method(method: &Method) -> &str {
    if *method == Method::HEAD { "GET" } else { method.as_str() }
}

/// What the request layer needs to know about a path template. The framework could provide the template by matching
/// once more.
#[derive(Debug, Clone)]
pub struct RouteInfo {
    /// The template.
    pub path: &'static str,
    allow: Arc<str>,
    methods: Arc<[(&'static str, Arc<RouteDescription>)]>,
}

impl RouteInfo {
    fn new(path: &'static str, endpoints: &[&Endpoint]) -> Self {
        let mut allow = Vec::new();
        for endpoint in endpoints {
            allow.push(endpoint.method);
            if endpoint.method == "GET" {
                allow.push("HEAD");
            }
        }
        let methods = endpoints.iter().map(|endpoint| (endpoint.method, Arc::clone(&endpoint.description)));
        Self { path, allow: allow.join(", ").into(), methods: methods.collect() }
    }

    /// Returns the description of one of its methods.
    #[must_use]
    pub fn description(&self, method: &Method) -> Option<&RouteDescription> {
        let method = described_method(method);
        self.methods.iter().find(|(name, _)| *name == method).map(|(_, description)| &**description)
    }
}

/// Returns the route of a request.
pub(crate) fn route_of(request: &HttpRequest) -> Option<&RouteInfo> {
    request.app_data::<RouteInfo>()
}

/// Whether a request reads a list.
pub(crate) fn reads_list(request: &HttpRequest) -> bool {
    route_of(request)
        .and_then(|route| route.description(request.method()))
        .is_some_and(|route| matches!(route.success, Success::List(_)))
}

async fn method_not_allowed(request: HttpRequest) -> HttpResponse {
    let mut response = HttpResponse::MethodNotAllowed().finish();
    let allow = route_of(&request).and_then(|route| HeaderValue::from_str(&route.allow).ok());
    if let Some(allow) = allow {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}
