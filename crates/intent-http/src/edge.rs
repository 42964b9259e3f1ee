//! The outermost layer: request id, security headers, the audit draft, one log line, the metrics, and the one
//! shape of an error.
//!
//! It closes every draft that no use case recorded with its change. A caller that hangs up drops the handler in
//! the middle; the guard's `Drop` then leaves the row.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, web};
use api_keys::key_id_of_text;
use api_types::Code;
use audit::{Draft, DraftHandle, Outcome, Principal};
use intent_service::{AuditMode, ServiceError, Services};
use percent_encoding::percent_decode_str;
use rate_limit::Decision;
use registry_core::RequestId;

use crate::address;
use crate::error::{self, ApiError};
use crate::state::HttpState;

/// What the layers share about one request. Lives in the request's extensions.
pub(crate) struct Edge {
    pub draft: Draft,
    pub client: IpAddr,
    pub limit: Option<Decision>,
    /// The admin token stood in the query.
    pub deprecated: bool,
    pub agent: Option<String>,
}

impl Edge {
    pub(crate) fn set_principal(&mut self, principal: Principal) {
        self.agent = principal.agent_id.as_ref().map(|agent| agent.as_str().to_owned());
        self.draft.set_principal(principal);
    }
}

/// Changes what the layers share.
pub(crate) fn edge_of(request: &HttpRequest, change: impl FnOnce(&mut Edge)) {
    if let Some(edge) = request.extensions_mut().get_mut::<Edge>() {
        change(edge);
    }
}

/// Reads what the layers share.
pub(crate) fn edge_value<T>(request: &HttpRequest, read: impl FnOnce(&Edge) -> T) -> Option<T> {
    request.extensions().get::<Edge>().map(read)
}

/// Leaves the row of a request whose caller went away while it was served.
struct Guard {
    services: Arc<Services>,
    request: HttpRequest,
    handle: DraftHandle,
    done: bool,
}

/// The status that the log shows for a caller that went away (nginx's number).
const CLIENT_GONE: u16 = 499;

impl Drop for Guard {
    fn drop(&mut self) {
        // A job that holds the draft records it with its change.
        if self.done || !self.handle.is_open() {
            return;
        }
        let outcome = Outcome::refused(CLIENT_GONE, "client_gone");
        let at = self.services.clock.monotonic_micros();
        let draft = edge_value(&self.request, |edge| edge.draft.clone());
        if let Some(record) = draft.and_then(|mut draft| draft.close(&outcome, at)) {
            self.services.recorder.push(record);
        }
    }
}

/// The layer, for `actix_web::middleware::from_fn`.
///
/// # Errors
/// None of its own: errors of the handlers become answers here.
pub async fn edge_layer<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let Some(state) = request.app_data::<web::Data<HttpState>>().map(|data| Arc::clone(data)) else {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    };
    let services = Arc::clone(&state.services);
    let started = services.clock.monotonic_micros();
    let request_id = request_id(request.headers(), &services);
    let peer = request.peer_addr().map(|peer| peer.ip());
    let client = address::client(peer, request.headers(), &state.settings.trusted_proxies);
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let mut draft = Draft::request(
        services.clock.now(),
        request_id.clone(),
        request.method().as_str(),
        target,
        Some(client),
    );
    if let Some(path) = key_path(request.path(), &services) {
        draft.set_path(&path);
    }
    draft.set_aggregator(Arc::clone(&services.refusals));
    let handle = draft.handle();
    request.extensions_mut().insert(Edge { draft, client, limit: None, deprecated: false, agent: None });

    let http_request = request.request().clone();
    let mut guard =
        Guard { services: Arc::clone(&services), request: http_request.clone(), handle, done: false };
    let probe = is_probe(request.path());
    let response = if !probe && !services.recorder.has_room() {
        // No act without a record: when rows can't be kept, requests are refused.
        let error = ServiceError::new(Code::AuditUnavailable, "the audit log can't take rows now");
        refuse(request, error.with_retry_after(1))
    } else {
        serve(request, next).await
    };
    let mut failure = failure_of(&response);

    let route = http_request.match_pattern().unwrap_or_else(|| "-".to_owned());
    if !probe && !guard.handle.is_recorded() {
        failure = record(&services, &http_request, &route, response.status(), failure).await;
    }
    guard.done = true;
    let response = dress(response, &http_request, &request_id, failure.as_ref());
    observe(&state, &http_request, &route, &request_id, started, response.status(), failure.as_ref());
    Ok(response)
}

/// Runs the route; a panic becomes an error of the one shape.
async fn serve<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> ServiceResponse<EitherBody<B, BoxBody>> {
    let http_request = request.request().clone();
    match catch_panic(next.call(request)).await {
        Some(Ok(response)) => response.map_into_left_body(),
        Some(Err(error)) => ServiceResponse::from_err(error, http_request).map_into_right_body(),
        None => {
            let error = ServiceError::new(Code::Internal, "the request failed inside the server");
            let error = ServiceError { cause: Some("a handler panicked".to_owned()), ..error };
            ServiceResponse::from_err(ApiError(error), http_request).map_into_right_body()
        }
    }
}

async fn catch_panic<F: Future>(future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    std::future::poll_fn(move |context| {
        match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(poll) => poll.map(Some),
            Err(_) => std::task::Poll::Ready(None),
        }
    })
    .await
}

fn refuse<B>(request: ServiceRequest, error: ServiceError) -> ServiceResponse<EitherBody<B, BoxBody>> {
    request.error_response(ApiError(error)).map_into_right_body()
}

/// Every answer of 400 and above has its error, whoever refused.
fn failure_of<B>(response: &ServiceResponse<B>) -> Option<ServiceError> {
    let ours = response.response().error().and_then(|error| error.as_error::<ApiError>());
    match ours {
        Some(error) => Some(error.0.clone()),
        None if response.status().as_u16() >= 400 => Some(error::of_status(response.status())),
        None => None,
    }
}

/// Closes the draft of a request that no use case recorded. In strict mode the row is durable before the answer;
/// when it can't be, the answer is a refusal.
async fn record(
    services: &Services,
    request: &HttpRequest,
    route: &str,
    status: StatusCode,
    failure: Option<ServiceError>,
) -> Option<ServiceError> {
    let outcome = match &failure {
        Some(error) => error.outcome(),
        None => Outcome::ok(status.as_u16()),
    };
    let draft = edge_value(request, |edge| edge.draft.clone());
    let Some(mut draft) = draft else { return failure };
    draft.set_route(route);
    let Some(record) = draft.close(&outcome, services.clock.monotonic_micros()) else { return failure };
    if services.recorder.mode() == AuditMode::Batched {
        services.recorder.push(record);
        return failure;
    }
    match services.recorder.write(record.clone()).await {
        Ok(()) => failure,
        Err(cause) => {
            services.recorder.push(record);
            let error = ServiceError::new(Code::AuditUnavailable, "the record of the request can't be kept");
            Some(ServiceError { cause: Some(cause.to_string()), ..error.with_retry_after(1) })
        }
    }
}

fn request_id(headers: &HeaderMap, services: &Services) -> RequestId {
    headers
        .get("x-request-id")
        .and_then(|value| value.to_str().ok())
        .and_then(RequestId::sane)
        .unwrap_or_else(|| RequestId::mint(services.entropy.as_ref()))
}

/// The path of a key route with the key id in place of whatever stood there: it may be the key itself.
fn key_path(path: &str, services: &Services) -> Option<String> {
    const BASE: &str = "/admin/api_keys/";
    let rest = path.strip_prefix(BASE)?;
    let (key, tail) = rest.split_once('/').map_or((rest, ""), |(key, tail)| (key, tail));
    let key = percent_decode_str(key).decode_utf8_lossy();
    let id = key_id_of_text(&key, &services.pepper);
    let id = id.as_ref().map_or("[unknown]", |id| id.as_str());
    Some(if tail == "rotate" { format!("{BASE}{id}/rotate") } else { format!("{BASE}{id}") })
}

fn is_probe(path: &str) -> bool {
    matches!(path, "/health" | "/healthz" | "/readyz")
}

/// Gives an answer its headers, and an error its body.
fn dress<B: MessageBody + 'static>(
    response: ServiceResponse<EitherBody<B, BoxBody>>,
    request: &HttpRequest,
    request_id: &RequestId,
    failure: Option<&ServiceError>,
) -> ServiceResponse<EitherBody<B, BoxBody>> {
    let mut response = match failure {
        None => response,
        Some(error) => {
            let mut shaped = HttpResponse::build(error::status(error.code));
            shaped.insert_header((CONTENT_TYPE, "application/json"));
            for (name, value) in response.headers() {
                if name == actix_web::http::header::ALLOW {
                    shaped.insert_header((name.clone(), value.clone()));
                }
            }
            if let Some(seconds) = error.retry_after {
                shaped.insert_header((RETRY_AFTER, seconds));
            }
            let body = error::body(error, request_id.as_str());
            ServiceResponse::new(request.clone(), shaped.body(body)).map_into_right_body()
        }
    };
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: HeaderValue| {
        headers.insert(HeaderName::from_static(name), value);
    };
    set("x-content-type-options", HeaderValue::from_static("nosniff"));
    set("x-frame-options", HeaderValue::from_static("DENY"));
    if let Ok(id) = HeaderValue::from_str(request_id.as_str()) {
        set("x-request-id", id);
    }
    edge_of(request, |edge| {
        if edge.deprecated {
            set("deprecation", HeaderValue::from_static("@1762387200"));
        }
        if let Some(limit) = edge.limit {
            limit_headers(limit, &mut set);
        }
    });
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// The IETF draft's fields, and the older ones that clients know.
fn limit_headers(limit: Decision, set: &mut impl FnMut(&'static str, HeaderValue)) {
    let reset = limit.reset_seconds();
    let mut text = |name, text: String| {
        if let Ok(value) = HeaderValue::try_from(text) {
            set(name, value);
        }
    };
    text("ratelimit-policy", format!("\"key\";q={};w=60", limit.limit));
    text("ratelimit", format!("\"key\";r={};t={reset}", limit.remaining));
    text("x-ratelimit-limit", limit.limit.to_string());
    text("x-ratelimit-remaining", limit.remaining.to_string());
    text("x-ratelimit-reset", reset.to_string());
}

/// One log line and the metrics.
fn observe(
    state: &HttpState,
    request: &HttpRequest,
    route: &str,
    request_id: &RequestId,
    started: u64,
    status: StatusCode,
    failure: Option<&ServiceError>,
) {
    let micros = state.services.clock.monotonic_micros().saturating_sub(started);
    let code = failure.map(|error| error.code);
    state.metrics.request(request.method(), route, status.as_u16(), micros, code);
    let agent = edge_value(request, |edge| edge.agent.clone()).flatten();
    let agent = agent.as_deref().unwrap_or("-");
    let (method, status) = (request.method().as_str(), status.as_u16());
    let outcome = code.map_or("ok", Code::as_str);
    if let Some(cause) = failure.and_then(|error| error.cause.as_deref()) {
        tracing::error!(
            request.id = request_id.as_str(),
            request.agent = agent,
            http.method = method,
            http.route = route,
            http.status = status,
            request.micros = micros,
            outcome,
            cause,
            "request failed"
        );
    } else {
        tracing::info!(
            request.id = request_id.as_str(),
            request.agent = agent,
            http.method = method,
            http.route = route,
            http.status = status,
            request.micros = micros,
            outcome,
            "request"
        );
    }
}
