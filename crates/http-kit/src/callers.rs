//! Who may call a handler, as a type in its signature.

use std::borrow::Cow;
use std::future::Future;
use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use api_keys::Scope;
use api_types::Code;
use audit::Principal;
use control_plane::{
    AdminCaller, AdmittedCaller, AgentCaller, RefusedCaller, ServiceError, authenticate_admin,
    authenticate_agent, authenticate_settling_agent,
};
use rate_limit::Limit;
use registry_core::{Network, Timestamp};

use crate::address;
use crate::description::{RouteDescription, RouteGuard};
use crate::extract::query::Query;
use crate::request_state::change_request_state;
use crate::state::ServerState;

/// A class of callers.
pub trait CallerClass: 'static {
    /// A caller of this class.
    type Caller: 'static;
    /// The class in the description of a route.
    const GUARD: RouteGuard;

    /// Checks the credentials of a request.
    ///
    /// # Errors
    /// The refusal, with what is known of the caller all the same.
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
    /// An agent that may read intents.
    IntentsRead = Scope::IntentsRead, authenticate_agent;
    /// An agent that may write intents.
    IntentsWrite = Scope::IntentsWrite, authenticate_agent;
    /// An agent that may call models.
    LlmCall = Scope::LlmCall, authenticate_agent;
    /// An agent that settles or releases what it holds; the day's quota of audit rows does not keep it from that.
    LlmSettle = Scope::LlmCall, authenticate_settling_agent;
}

/// An admin.
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

/// Callers that may read the metrics: local ones, admins, or all when the metrics are public.
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

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).filter(|text| !text.is_empty())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

/// Every credential that a request presents, in any header or parameter that can carry one.
pub(crate) fn credentials(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    const NAMES: [&str; 4] = ["x-t4-api-key", "authorization", "x-api-key", "x-t4-admin-token"];
    let values = NAMES.iter().flat_map(|name| headers.get_all(*name)).filter_map(|value| value.to_str().ok());
    values.map(|text| match text.trim().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token,
        _ => text,
    })
}

/// The agent's key.
fn agent_key(request: &HttpRequest) -> Option<&str> {
    let headers = request.headers();
    header(headers, "x-t4-api-key").or_else(|| bearer(headers)).or_else(|| header(headers, "x-api-key"))
}

/// The admin token, and whether it stood in the query, where it should not.
fn admin_token(request: &HttpRequest) -> Option<(Cow<'_, str>, bool)> {
    let headers = request.headers();
    if let Some(token) = header(headers, "x-t4-admin-token").or_else(|| bearer(headers)) {
        return Some((Cow::Borrowed(token), false));
    }
    let query = Query::of(request);
    query.text("admin_token").map(|token| (Cow::Owned(token.to_owned()), true))
}
