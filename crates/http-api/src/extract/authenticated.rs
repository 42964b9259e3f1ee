//! The guard of a handler: it can't be called without a caller, and the body is read after the key.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::http::header::IF_MATCH;
use actix_web::{FromRequest, HttpRequest, web};
use api_types::Code;
use control_plane::{Idempotency, OpContext, RefusedCaller};

use super::body::{self, BodyTreatment, FromBody, NoBody, PreparedBody};
use super::guards::CallerClass;
use super::query::whole_number;
use crate::app::{reads_list, route_of};
use crate::connection::ConnectionState;
use crate::error::ApiError;
use crate::memory::{MemoryOwner, MemoryPermit};
use crate::request_layer::{change_request_state, read_request_state};
use crate::state::HttpState;

/// A caller who may go on, and the body. The order of checks is this type's whole purpose.
pub(crate) struct Authenticated<W: CallerClass, B: FromBody = NoBody> {
    pub context: OpContext<W::Caller>,
    pub body: B::Out,
    pub idempotency: Option<Idempotency>,
    pub if_match: Option<u64>,
    /// What the body takes; free when this is dropped.
    pub memory: MemoryPermit,
}

impl<W: CallerClass + 'static, B: FromBody + 'static> FromRequest for Authenticated<W, B> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    /// The body lies with the edge, and goes back there when the request is refused.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let mut payload = None;
            change_request_state(&request, |shared| payload = shared.unread.take());
            let mut payload = payload.unwrap_or(Payload::None);
            let extracted = extract::<W, B>(&request, &mut payload).await;
            if extracted.is_err() {
                change_request_state(&request, |shared| shared.unread = Some(payload));
            }
            extracted
        })
    }
}

async fn extract<W: CallerClass, B: FromBody>(
    request: &HttpRequest,
    payload: &mut Payload,
) -> Result<Authenticated<W, B>, ApiError> {
    let state = request
        .app_data::<web::Data<HttpState>>()
        .ok_or_else(|| ApiError::new(Code::Internal, "the server is not wired"))?;
    let now = state.services.clock.now();
    let client = read_request_state(request, |shared| shared.client)
        .ok_or_else(|| ApiError::new(Code::Internal, "the edge is not wired"))?;
    let route = route_of(request).unwrap_or_default();
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
    let (body, idempotency, if_match) = match B::LIMIT {
        None => (B::parse(&[])?, None, None),
        Some(limit) => {
            // Calls of models have ids of their own, and their bodies hold prompts.
            let llm = route.starts_with("/llm/");
            let key = if llm { None } else { idempotency_key(request)? };
            let if_match = if_match(request)?;
            let reading = ReadingBody::of(request);
            let bytes = body::read(request, payload, limit, &mut memory).await?;
            drop(reading);
            let treat = BodyTreatment {
                private: llm && !state.services.llm.rules.keep_prompts,
                fingerprint: key.is_some(),
            };
            let secrets = read_request_state(request, |shared| shared.secrets.clone()).unwrap_or_default();
            let prepared = body::prepare::<B>(&state.shares, bytes, treat, memory, secrets).await?;
            let PreparedBody { kept, fingerprint, out } = prepared.0;
            memory = prepared.1;
            change_request_state(request, |shared| shared.set_body(kept));
            let idempotency = key.zip(fingerprint).map(|(key, fingerprint)| Idempotency { key, fingerprint });
            (out?, idempotency, if_match)
        }
    };
    let at_micros = state.services.clock.monotonic_micros();
    let draft = read_request_state(request, |shared| shared.draft.take())
        .flatten()
        .ok_or_else(|| ApiError::new(Code::Internal, "the edge is not wired"))?;
    let context = OpContext { caller: admitted.caller, now, at_micros, draft };
    Ok(Authenticated { context, body, idempotency, if_match, memory })
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

/// The longest idempotency key, in characters.
const MAX_KEY: usize = 255;

/// The caller's idempotency key.
fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, ApiError> {
    let mut values = request.headers().get_all("idempotency-key");
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let fits = !text.is_empty() && text.len() <= MAX_KEY && text.bytes().all(|b| (0x21..0x7f).contains(&b));
    if !fits || values.next().is_some() {
        let what = "`Idempotency-Key` takes one key of 1 to 255 visible ASCII characters";
        return Err(ApiError::new(Code::InvalidQuery, what));
    }
    let secret = read_request_state(request, |shared| shared.secrets.are_in(text.as_bytes()));
    if secret.unwrap_or(true) {
        return Err(ApiError::new(Code::InvalidQuery, "`Idempotency-Key` is kept and must hold no secret"));
    }
    Ok(Some(text.to_owned()))
}

/// The version of `If-Match`; `*` means any.
fn if_match(request: &HttpRequest) -> Result<Option<u64>, ApiError> {
    let mut values = request.headers().get_all(IF_MATCH);
    let Some(value) = values.next() else { return Ok(None) };
    let once = values.next().is_none();
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" && once {
        return Ok(None);
    }
    let tag = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).filter(|_| once);
    tag.and_then(whole_number).map(Some).ok_or_else(|| {
        let what = "`If-Match` takes one `ETag` as it was given, such as `\"3\"`, or `*`";
        ApiError::new(Code::InvalidQuery, what)
    })
}
