//! Outermost layer of a server: request id, security headers, the audit draft, one log line, metrics, and the shape
//! of errors.
//!
//! It closes every draft that no use case has recorded with its change. When a client disconnects, its handler is
//! dropped; the `Drop` of a guard then records the draft.

use std::borrow::Cow;
use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, web};
use api_keys::key_id_of_text;
use api_types::Code;
use audit::{Draft, DraftSlot, Outcome, OwnedDraft};
use control_plane::{AuditMode, ServiceError, Services};
use percent_encoding::percent_decode_str;
use registry_core::{KnownSecrets, Network, RequestId};

use crate::address;
use crate::callers::credentials;
use crate::complete::complete;
use crate::connection::ConnectionState;
use crate::disconnect::{DisconnectGuard, record_when_returned};
use crate::error::{self, ApiError};
use crate::known_secrets::clean;
use crate::memory::{MemoryOwner, MemoryPermit};
use crate::metrics::known_method;
use crate::paced_body::{PIECE_BYTES, PacedBody};
use crate::request_state::{RequestState, label};
use crate::routes::{RouteInfo, route_of};
use crate::state::ServerState;

/// The layer, for `actix_web::middleware::from_fn`.
///
/// # Errors
/// Only for a handler that panicked; the error then carries the whole answer.
pub async fn request_layer<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<PacedBody>, Error> {
    let connection = request.conn_data::<Rc<ConnectionState>>().map(Rc::clone);
    let serving = connection.map(|connection| connection.begin());
    let Some(state) = request.app_data::<web::Data<ServerState>>().map(|data| Arc::clone(data)) else {
        let pace = |body: B| PacedBody::new(body.boxed(), None, serving);
        return next.call(request).await.map(|answer| answer.map_body(|_, body| pace(body)));
    };
    let services = Arc::clone(&state.services);
    let started = services.clock.monotonic_micros();
    let secrets = services.secrets.with_presented(credentials(request.headers()));
    let request_id = request_id(request.headers(), &services, &secrets);
    let mut shared = open(&request, &state, request_id.clone(), secrets);
    shared.unread = Some(request.take_payload()).filter(|payload| !matches!(payload, Payload::None));
    let shared = Rc::new(RefCell::new(shared));
    request.extensions_mut().insert(Rc::clone(&shared));
    let slot = shared.borrow().draft.clone();
    let mut guard = DisconnectGuard::new(Arc::clone(&services), slot.clone());
    let method = request.method().clone();
    let probe = state.routes.is_probe(request.path());

    let room = if probe { Ok(()) } else { services.audit.recorder.room().await };
    let turned_away = room.is_err();
    let served = if let Err(cause) = room {
        // No act without a record: when rows can't be written, requests are refused and counted.
        services.audit.recorder.turn_away();
        let error = ServiceError::new(Code::AuditUnavailable, "the audit log can't take rows now");
        let error = ApiError(ServiceError { cause: Some(cause.to_string()), ..error.with_retry_after(1) });
        Some(Ok(request.error_response(error)))
    } else {
        let served = catch_panic(next.call(request)).await;
        served.map(|served| served.map(ServiceResponse::map_into_boxed_body))
    };
    let (answer, mut failure, route) = match served {
        Some(Ok(response)) => {
            let failure = failure_of(response.status(), response.response().error());
            let route = route_of(response.request()).cloned();
            (Some(response), failure, route)
        }
        Some(Err(error)) => (None, failure_of(error.as_response_error().status_code(), Some(&error)), None),
        None => {
            let error = ServiceError::new(Code::Internal, "the request failed inside the server");
            (None, Some(ServiceError { cause: Some("a handler panicked".to_owned()), ..error }), None)
        }
    };
    if let Some(cause) = failure.as_mut().and_then(|error| error.cause.as_mut())
        && let Cow::Owned(cleaned) = clean(cause, &shared.borrow().secrets)
    {
        *cause = cleaned;
    }
    let route = route.or_else(|| shared.borrow().route.clone());
    let mut memory = None;
    if let (None, Some(answer)) = (&failure, &answer) {
        match answer_memory(&state, &mut shared.borrow_mut(), &method, answer.response().body().size()) {
            Ok(permit) => memory = permit,
            Err(ApiError(error)) => failure = Some(error),
        }
    }
    let status = |failure: &Option<ServiceError>| match (failure, &answer) {
        (Some(error), _) => error::status(error.code),
        (None, Some(answer)) => answer.status(),
        (None, None) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    if !probe && !turned_away && !slot.has_ended() {
        let outcome = match &failure {
            Some(error) => error.outcome(),
            None => Outcome::ok(status(&failure).as_u16()),
        };
        shared.borrow_mut().set_route(route.as_ref());
        if let Some(draft) = slot.take() {
            if let Err(refusal) = record(&services, draft, &outcome).await
                // A request that the store refused changed nothing; its reason is more useful than that of the row.
                && status(&failure) != StatusCode::SERVICE_UNAVAILABLE
            {
                failure = Some(refusal);
            }
        } else {
            // A transaction of a task that outlives the handler still has it.
            record_when_returned(&services, &slot, outcome);
        }
    }
    guard.done = true;
    let status = status(&failure);
    let counted = slot.was_counted();
    observe(
        &state,
        &method,
        route.as_ref(),
        &request_id,
        &shared.borrow(),
        started,
        status,
        failure.as_ref(),
        counted,
    );
    let answer = complete(answer, &mut shared.borrow_mut(), &request_id, failure.as_ref())?;
    Ok(answer.map_body(|_, body| PacedBody::new(body, memory, serving)))
}

/// Reserves memory for an answer until it is sent. An answer that fits the HTTP layer's buffer needs none.
///
/// # Errors
/// 503 `server_busy` for a read, which can be repeated. The answer to a change is sent in any case.
fn answer_memory(
    state: &ServerState,
    shared: &mut RequestState,
    method: &Method,
    size: BodySize,
) -> Result<Option<MemoryPermit>, ApiError> {
    let taken = shared.answer_memory.take();
    let BodySize::Sized(bytes) = size else { return Ok(None) };
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    if bytes <= PIECE_BYTES {
        return Ok(None);
    }
    let mut permit = taken.unwrap_or_else(|| {
        let owner = shared.memory_owner.clone();
        state.memory.permit(owner.unwrap_or_else(|| MemoryOwner::Network(Network::of(shared.client))))
    });
    if *method == Method::GET || *method == Method::HEAD {
        permit.resize(bytes)?;
    } else {
        permit.force(bytes);
    }
    Ok(Some(permit))
}

/// Creates the state that the layers share about a request.
fn open(
    request: &ServiceRequest,
    state: &ServerState,
    request_id: RequestId,
    secrets: KnownSecrets,
) -> RequestState {
    let services = &state.services;
    let peer = request.peer_addr().map(|peer| peer.ip());
    let client = address::client(peer, request.headers(), &state.settings.trusted_proxies);
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let (now, method) = (services.clock.now(), request.method().as_str());
    let (method, target) = (secrets.clean(method), secrets.clean(target));
    let mut draft = Draft::request(now, request_id, &method, &target, Some(client));
    draft.set_secrets(secrets.clone());
    let key_id = |key: &str| {
        let key = percent_decode_str(key).decode_utf8_lossy();
        let id = key_id_of_text(&key, &services.auth.pepper);
        id.map_or_else(|| "[unknown]".to_owned(), |id| id.as_str().to_owned())
    };
    if let Some(path) = state.routes.hide_key(request.path(), key_id) {
        draft.set_path(&path);
    }
    draft.set_aggregator(Arc::clone(&services.audit.refusals));
    let errors = state.routes.error_shape(request.path());
    RequestState {
        draft: DraftSlot::new(draft),
        client,
        limit: None,
        deprecated: false,
        agent: None,
        unread: None,
        errors,
        memory_owner: None,
        secrets,
        answer_memory: None,
        route: None,
    }
}

/// Runs the rest; a panic becomes `None`.
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

/// Gives every answer with a status of 400 or above the error body, whichever layer refused.
fn failure_of(status: StatusCode, error: Option<&Error>) -> Option<ServiceError> {
    match error.and_then(|error| error.as_error::<ApiError>()) {
        Some(error) => Some(error.0.clone()),
        None if status.as_u16() >= 400 => Some(error::of_status(status)),
        None => None,
    }
}

/// Closes the draft of a request that no use case recorded. In strict mode the row is durable before the answer;
/// otherwise the answer waits only while rows are written late.
///
/// # Errors
/// The refusal that the client gets instead, when the row can't be stored.
async fn record(services: &Services, mut draft: OwnedDraft, outcome: &Outcome) -> Result<(), ServiceError> {
    let closed = draft.close(outcome, None, services.clock.monotonic_micros());
    let Some(record) = closed else {
        draft.recorded();
        return Ok(());
    };
    let kept = if services.audit.recorder.mode() == AuditMode::Batched {
        let row = services.audit.recorder.push(record);
        // From here on the recorder owns the row, even if the client disconnects.
        draft.recorded();
        services.audit.recorder.in_time(row).await
    } else {
        let written = services.audit.recorder.write(record.clone());
        // The job is submitted, and runs whether or not the client waits for it.
        draft.recorded();
        let written = written.await;
        if written.is_err() {
            let _ = services.audit.recorder.push(record);
        }
        written
    };
    kept.map_err(|cause| {
        let error = ServiceError::new(Code::AuditUnavailable, "the record of the request can't be kept");
        ServiceError { cause: Some(cause.to_string()), ..error.with_retry_after(1) }
    })
}

/// Returns the caller's id when it has the right form, and neither is nor looks like a secret: it is logged and
/// returned unchanged.
fn request_id(headers: &HeaderMap, services: &Services, secrets: &KnownSecrets) -> RequestId {
    headers
        .get("x-request-id")
        .and_then(|value| value.to_str().ok())
        .and_then(RequestId::sane)
        .filter(|id| audit::redact_text(id.as_str()) == id.as_str())
        .filter(|id| !secrets.are_in(id.as_str().as_bytes()))
        .filter(|id| services.secrets.clean_parts(id.as_str()) == id.as_str())
        .unwrap_or_else(|| RequestId::mint(services.entropy.as_ref()))
}

/// Writes one log line and the metrics.
#[expect(clippy::too_many_arguments, reason = "one call, and every argument goes into the line")]
fn observe(
    state: &ServerState,
    method: &Method,
    route: Option<&RouteInfo>,
    request_id: &RequestId,
    shared: &RequestState,
    started: u64,
    status: StatusCode,
    failure: Option<&ServiceError>,
    counted: bool,
) {
    let micros = state.services.clock.monotonic_micros().saturating_sub(started);
    let code = failure.map(|error| error.code);
    if let (Some(code), Some(route), Some(observer)) = (code, route, &state.refusals)
        && let Some(described) = route.description(method)
    {
        observer(described, code);
    }
    let route = label(route);
    state.metrics.request(method, route, status.as_u16(), micros, code);
    let agent = shared.agent.as_deref().unwrap_or("-");
    let (method, status) = (known_method(method), status.as_u16());
    let outcome = code.map_or("ok", Code::as_str);
    macro_rules! line {
        ($level:ident, $text:literal $(, $more:ident)?) => {
            tracing::$level!(
                request.id = request_id.as_str(),
                request.agent = agent,
                http.method = method,
                http.route = route,
                http.status = status,
                request.micros = micros,
                outcome,
                $($more,)?
                $text
            )
        };
    }
    if let Some(cause) = failure.and_then(|error| error.cause.as_deref()) {
        line!(error, "request failed", cause);
    } else if counted {
        // A flood has one log line a minute, as it has one row a minute. Otherwise it would push everything else out
        // of the log.
        line!(debug, "request");
    } else {
        line!(info, "request");
    }
}
