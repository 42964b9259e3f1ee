//! Callers as types in a handler's signature: the classes of callers, and the extractor that authenticates one before
//! the body is read.

use std::borrow::Cow;
use std::future::{Future, Ready, ready};
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::{FromRequest, HttpRequest, web};
use api_keys::Scope;
use api_types::Code;
use audit::Principal;
use control_plane::{
    AdminCaller, AdmittedCaller, AgentCaller, OpContext, RefusedCaller, ServiceError, authenticate_admin,
    authenticate_agent, authenticate_settling_agent,
};
use rate_limit::Limit;
use registry_core::{Network, Timestamp};

use crate::address;
use crate::connection::ConnectionState;
use crate::description::{RouteDescription, RouteGuard};
use crate::endpoint::Entrance;
use crate::error::ApiError;
use crate::extract::body::{self, BodyTreatment, FromBody, NoBody, PreparedBody};
use crate::extract::head::RequestHead;
use crate::extract::query::Query;
use crate::memory::{MemoryOwner, MemoryPermit};
use crate::request_state::{change_request_state, read_request_state};
use crate::routes::{reads_list, route_of};
use crate::state::ServerState;

/// Class of callers.
pub trait CallerClass: 'static {
    /// Caller of this class.
    type Caller: 'static;
    /// Guard of the class in the description of a route.
    const GUARD: RouteGuard;

    /// Checks the credentials of a request.
    ///
    /// # Errors
    /// The refusal, with what is known of the caller.
    fn admit(
        state: &ServerState,
        request: &HttpRequest,
        client: IpAddr,
        now: Timestamp,
    ) -> impl Future<Output = Result<AdmittedCaller<Self::Caller>, Box<RefusedCaller>>>;

    /// Adds the guard to the description of a route.
    fn describe(route: &mut RouteDescription) {
        route.guard = Self::GUARD;
    }
}

macro_rules! agents {
    ($($(#[$doc:meta])* $name:ident = $scope:expr, $authenticate:ident;)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name;

            impl CallerClass for $name {
                type Caller = AgentCaller;
                const GUARD: RouteGuard = RouteGuard::Agent($scope);
                async fn admit(
                    state: &ServerState,
                    request: &HttpRequest,
                    client: IpAddr,
                    now: Timestamp,
                ) -> Result<AdmittedCaller<AgentCaller>, Box<RefusedCaller>> {
                    let key = agent_key(request);
                    $authenticate(&state.services, key, client, $scope, now).await
                }
            }
        )+
    };
}

agents! {
    /// Agent that may read intents.
    IntentsRead = Scope::IntentsRead, authenticate_agent;
    /// Agent that may write intents.
    IntentsWrite = Scope::IntentsWrite, authenticate_agent;
    /// Agent that may call models.
    LlmCall = Scope::LlmCall, authenticate_agent;
    /// Agent that settles or releases its holds; the daily quota of audit rows does not prevent that.
    LlmSettle = Scope::LlmCall, authenticate_settling_agent;
}

/// Admin.
#[derive(Debug)]
pub struct Admin;

impl CallerClass for Admin {
    type Caller = AdminCaller;
    const GUARD: RouteGuard = RouteGuard::Admin;
    async fn admit(
        state: &ServerState,
        request: &HttpRequest,
        client: IpAddr,
        _now: Timestamp,
    ) -> Result<AdmittedCaller<AdminCaller>, Box<RefusedCaller>> {
        let shown = admin_token(request);
        if let Some((token, true)) = &shown {
            change_request_state(request, |shared| {
                shared.deprecated = true;
                shared.secrets = shared.secrets.with_presented([token.as_ref()]);
            });
        }
        let token = shown.as_ref().map(|(token, _)| token.as_ref());
        authenticate_admin(&state.services, token, client).await
    }
}

/// Callers that may read the metrics: local callers, admins, or all when the metrics are public.
#[derive(Debug)]
pub struct MetricsReader;

impl CallerClass for MetricsReader {
    type Caller = ();
    const GUARD: RouteGuard = RouteGuard::Metrics;
    async fn admit(
        state: &ServerState,
        request: &HttpRequest,
        client: IpAddr,
        now: Timestamp,
    ) -> Result<AdmittedCaller<()>, Box<RefusedCaller>> {
        let peer = request.peer_addr().map(|peer| peer.ip());
        if state.settings.metrics_public || address::is_local(peer, request.headers()) {
            return Anybody::admit(state, request, client, now).await;
        }
        let admitted = Admin::admit(state, request, client, now).await?;
        Ok(AdmittedCaller { caller: (), principal: admitted.principal, limit: admitted.limit })
    }

    fn describe(route: &mut RouteDescription) {
        route.guard = Self::GUARD;
        route.codes.insert(Code::RateLimited);
    }
}

/// All callers, within the limit of their network.
#[derive(Debug)]
pub struct Anybody;

/// Requests to public pages that one network (/24 or /64) may make in any 60 seconds.
const PUBLIC_PER_MINUTE: u32 = 600;

impl CallerClass for Anybody {
    type Caller = ();
    const GUARD: RouteGuard = RouteGuard::Public;
    async fn admit(
        state: &ServerState,
        _request: &HttpRequest,
        client: IpAddr,
        _now: Timestamp,
    ) -> Result<AdmittedCaller<()>, Box<RefusedCaller>> {
        let limit = Limit::per_minute(PUBLIC_PER_MINUTE);
        let decision = state.services.auth.limiter.check(&format!("ip:{}", Network::of(client)), limit).await;
        let principal = Principal::ANONYMOUS;
        if decision.admitted {
            return Ok(AdmittedCaller { caller: (), principal, limit: None });
        }
        let error = ServiceError::new(Code::RateLimited, "too many requests came from this address")
            .with_retry_after(decision.retry_after_seconds());
        Err(Box::new(RefusedCaller { error, principal: None, limit: None }))
    }

    fn describe(route: &mut RouteDescription) {
        route.guard = Self::GUARD;
        route.codes.insert(Code::RateLimited);
    }
}

/// Extractor for an authenticated caller: the caller, what the handler reads of the head, and the body. Its purpose
/// is the order of the checks.
#[derive(Debug)]
pub struct Authenticated<W: CallerClass, B: FromBody = NoBody, H: RequestHead = ()> {
    /// Caller, time and audit draft.
    pub context: OpContext<W::Caller>,
    /// Body.
    pub body: B::Out,
    /// Values of the head.
    pub head: H,
    /// Memory of the body; freed when this is dropped.
    pub memory: MemoryPermit,
}

impl<W: CallerClass, B: FromBody, H: RequestHead> Entrance for Authenticated<W, B, H> {
    fn describe(route: &mut RouteDescription) {
        W::describe(route);
        B::describe(route);
        H::describe(route);
    }
}

/// First argument of a handler that answers all callers and leaves no audit row.
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

    /// The request layer owns the body, and gets it back when the request is refused.
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
        // The rows and the text of a page are complete before anything of it is sent.
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

/// Memory of a list until its text is written: the rows of a page, their API form, and the text.
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

/// A query must be UTF-8, whatever a route reads of it: the parser would replace other bytes by U+FFFD.
fn check_query(request: &HttpRequest) -> Result<(), ApiError> {
    let query = request.query_string();
    if query.contains('%') && percent_encoding::percent_decode_str(query).decode_utf8().is_err() {
        return Err(ApiError::new(Code::MalformedRequest, "the query is not UTF-8"));
    }
    Ok(())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).filter(|text| !text.is_empty())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

/// Returns every credential of a request, in any header or parameter that can carry one.
pub(crate) fn credentials(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    const NAMES: [&str; 4] = ["x-t4-api-key", "authorization", "x-api-key", "x-t4-admin-token"];
    let values = NAMES.iter().flat_map(|name| headers.get_all(*name)).filter_map(|value| value.to_str().ok());
    values.map(|text| match text.trim().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token,
        _ => text,
    })
}

/// Returns the agent's key.
fn agent_key(request: &HttpRequest) -> Option<&str> {
    let headers = request.headers();
    header(headers, "x-t4-api-key").or_else(|| bearer(headers)).or_else(|| header(headers, "x-api-key"))
}

/// Returns the admin token, and whether it was in the query, which is deprecated.
fn admin_token(request: &HttpRequest) -> Option<(Cow<'_, str>, bool)> {
    let headers = request.headers();
    if let Some(token) = header(headers, "x-t4-admin-token").or_else(|| bearer(headers)) {
        return Some((Cow::Borrowed(token), false));
    }
    let query = Query::of(request);
    query.text("admin_token").map(|token| (Cow::Owned(token.to_owned()), true))
}
