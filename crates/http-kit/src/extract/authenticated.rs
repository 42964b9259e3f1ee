//! The caller of a handler: it can't be called without one, and the body is read after the key.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use api_types::Code;
use control_plane::{OpContext, RefusedCaller};

use super::body::{self, BodyTreatment, FromBody, NoBody, PreparedBody};
use super::head::RequestHead;
use crate::callers::CallerClass;
use crate::connection::ConnectionState;
use crate::description::{RouteDescription, RouteGuard};
use crate::endpoint::Entrance;
use crate::error::ApiError;
use crate::memory::{MemoryOwner, MemoryPermit};
use crate::request_state::{change_request_state, read_request_state};
use crate::routes::{reads_list, route_of};
use crate::state::ServerState;

/// A caller who may go on, what the handler reads of the head, and the body. The order of checks is this type's whole
/// purpose.
#[derive(Debug)]
pub struct Authenticated<W: CallerClass, B: FromBody = NoBody, H: RequestHead = ()> {
    /// Who calls, when, and the open record of the request.
    pub context: OpContext<W::Caller>,
    /// The body.
    pub body: B::Out,
    /// What the head has.
    pub head: H,
    /// What the body takes; free when this is dropped.
    pub memory: MemoryPermit,
}

impl<W: CallerClass, B: FromBody, H: RequestHead> Entrance for Authenticated<W, B, H> {
    fn describe(route: &mut RouteDescription) {
        W::describe(route);
        B::describe(route);
        H::describe(route);
    }
}

/// The first argument of a handler that answers everybody and leaves no record.
#[derive(Debug, Clone, Copy)]
pub struct Probe;

impl Entrance for Probe {
    fn describe(route: &mut RouteDescription) {
        route.guard = RouteGuard::Probe;
    }
}

impl FromRequest for Probe {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self))
    }
}

impl<W: CallerClass, B: FromBody, H: RequestHead> FromRequest for Authenticated<W, B, H> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    /// The body lies with the request layer, and goes back there when the request is refused.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let mut payload = None;
            change_request_state(&request, |shared| payload = shared.unread.take());
            let mut payload = payload.unwrap_or(Payload::None);
            let extracted = extract::<W, B, H>(&request, &mut payload).await;
            if extracted.is_err() {
                change_request_state(&request, |shared| shared.unread = Some(payload));
            }
            extracted
        })
    }
}

async fn extract<W: CallerClass, B: FromBody, H: RequestHead>(
    request: &HttpRequest,
    payload: &mut Payload,
) -> Result<Authenticated<W, B, H>, ApiError> {
    let state = request
        .app_data::<web::Data<ServerState>>()
        .ok_or_else(|| ApiError::new(Code::Internal, "the server is not wired"))?;
    let now = state.services.clock.now();
    let client = read_request_state(request, |shared| shared.client)
        .ok_or_else(|| ApiError::new(Code::Internal, "the edge is not wired"))?;
    let route = route_of(request);
    let admitted = match W::admit(state, request, client, now).await {
        Ok(admitted) => admitted,
        Err(refused) => {
            let RefusedCaller { error, principal, limit } = *refused;
            change_request_state(request, |shared| {
                shared.set_route(route);
                shared.limit = limit;
                if let Some(principal) = principal {
                    shared.set_principal(principal);
                }
            });
            return Err(ApiError(error));
        }
    };
    let owner = MemoryOwner::of(&admitted.principal, client);
    let mut memory = state.memory.permit(owner.clone());
    change_request_state(request, |shared| {
        shared.set_route(route);
        shared.limit = admitted.limit;
        shared.set_principal(admitted.principal);
        shared.memory_owner = Some(owner.clone());
    });
    check_query(request)?;
    if reads_list(request) {
        // The rows and the text of a page are there before anything of it leaves.
        let mut page = state.memory.permit(owner);
        page.resize(LIST_MEMORY)?;
        change_request_state(request, |shared| shared.answer_memory = Some(page));
    }
    let mut head = H::read(request)?;
    let body = match B::LIMIT {
        None => B::parse(&[])?,
        Some(limit) => {
            let reading = ReadingBody::of(request);
            let bytes = body::read(request, payload, limit, &mut memory).await?;
            drop(reading);
            let treat = BodyTreatment {
                private: B::PRIVATE && !state.services.llm.rules.keep_prompts,
                fingerprint: head.wants_fingerprint(),
            };
            let secrets = read_request_state(request, |shared| shared.secrets.clone()).unwrap_or_default();
            let prepared = body::prepare::<B>(&state.shares, bytes, treat, memory, secrets).await?;
            let PreparedBody { kept, fingerprint, out } = prepared.0;
            memory = prepared.1;
            change_request_state(request, |shared| shared.set_body(kept));
            if let Some(fingerprint) = fingerprint {
                head.set_fingerprint(fingerprint);
            }
            out?
        }
    };
    let at_micros = state.services.clock.monotonic_micros();
    let draft = read_request_state(request, |shared| shared.draft.take())
        .flatten()
        .ok_or_else(|| ApiError::new(Code::Internal, "the edge is not wired"))?;
    let context = OpContext { caller: admitted.caller, now, at_micros, draft };
    Ok(Authenticated { context, body, head, memory })
}

/// What a list takes until its text is written: a page of rows, the same as they are shown, and the text.
const LIST_MEMORY: usize = 3 << 20;

/// Guard that marks the body of a request as being read until it is dropped.
struct ReadingBody(Option<Rc<ConnectionState>>);

impl ReadingBody {
    fn of(request: &HttpRequest) -> Self {
        let connection = request.conn_data::<Rc<ConnectionState>>().map(Rc::clone);
        if let Some(connection) = &connection {
            connection.set_reading_body(true);
        }
        Self(connection)
    }
}

impl Drop for ReadingBody {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.set_reading_body(false);
        }
    }
}

/// A query is UTF-8, whatever a route reads of it: the parser would put U+FFFD where it is not.
fn check_query(request: &HttpRequest) -> Result<(), ApiError> {
    let query = request.query_string();
    if query.contains('%') && percent_encoding::percent_decode_str(query).decode_utf8().is_err() {
        return Err(ApiError::new(Code::MalformedRequest, "the query is not UTF-8"));
    }
    Ok(())
}
