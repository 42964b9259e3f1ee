//! State that the layers and extractors of one request share.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::{HttpMessage as _, HttpRequest};
use audit::{Body, DraftSlot, Principal};
use rate_limit::Decision;
use registry_core::KnownSecrets;

use crate::error::ErrorShape;
use crate::memory::{MemoryOwner, MemoryPermit};
use crate::routes::RouteInfo;

/// State that the layers share about one request. It is in the request's extensions. The layer also keeps a handle,
/// because the framework needs the request exclusively until it is routed.
pub(crate) struct RequestState {
    /// Audit draft of the request. A use case takes it; the layer records a draft that comes back.
    pub draft: DraftSlot,
    pub client: IpAddr,
    pub limit: Option<Decision>,
    /// Whether the admin token was in the query.
    pub deprecated: bool,
    pub agent: Option<String>,
    /// Unread rest of the request.
    pub unread: Option<Payload>,
    /// Shape of errors.
    pub errors: ErrorShape,
    /// Owner of the answer's memory; the client's network until a key was checked.
    pub memory_owner: Option<MemoryOwner>,
    /// Secrets that no answer, row or log line of this request may contain: the server's, and those that the request
    /// presents.
    pub secrets: KnownSecrets,
    /// Memory that was reserved for the answer before it was made.
    pub answer_memory: Option<MemoryPermit>,
    /// The route, kept because a handler that panics destroys the request.
    pub route: Option<RouteInfo>,
}

pub(crate) type SharedRequestState = Rc<RefCell<RequestState>>;

impl RequestState {
    pub(crate) fn set_principal(&mut self, principal: Principal) {
        self.agent = principal.agent_id.as_ref().map(|agent| agent.as_str().to_owned());
        self.draft.edit(|draft| draft.set_principal(principal));
    }

    pub(crate) fn set_route(&mut self, route: Option<&RouteInfo>) {
        self.draft.edit(|draft| draft.set_route(label(route)));
        self.route = route.cloned();
    }

    pub(crate) fn set_body(&mut self, body: Body) {
        self.draft.edit(|draft| draft.set_body(body));
    }
}

/// Changes the state.
pub(crate) fn change_request_state(request: &HttpRequest, change: impl FnOnce(&mut RequestState)) {
    if let Some(shared) = request.extensions().get::<SharedRequestState>() {
        change(&mut shared.borrow_mut());
    }
}

/// Reads the state.
pub(crate) fn read_request_state<T>(
    request: &HttpRequest,
    read: impl FnOnce(&RequestState) -> T,
) -> Option<T> {
    request.extensions().get::<SharedRequestState>().map(|shared| read(&shared.borrow()))
}

/// Label for a request without a route.
const NO_ROUTE: &str = "-";

/// Returns the template of a route, for rows, log lines and metrics.
pub(crate) fn label(route: Option<&RouteInfo>) -> &'static str {
    route.map_or(NO_ROUTE, |route| route.path)
}
