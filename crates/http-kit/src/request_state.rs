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

/// What the layers share about one request. Lives in the request's extensions; the layer keeps a handle of its own,
/// because the framework wants the request to itself until it is routed.
pub(crate) struct RequestState {
    /// The open record of the request. A use case takes it; what comes back is recorded by the layer.
    pub draft: DraftSlot,
    pub client: IpAddr,
    pub limit: Option<Decision>,
    /// The admin token stood in the query.
    pub deprecated: bool,
    pub agent: Option<String>,
    /// What comes after the head, until somebody reads it.
    pub unread: Option<Payload>,
    /// The shape in which errors are told.
    pub errors: ErrorShape,
    /// Whose bytes the answer's are; the client's network until a key was checked.
    pub memory_owner: Option<MemoryOwner>,
    /// What no answer, row or log line of this request may hold: the server's secrets, and those that it presents.
    pub secrets: KnownSecrets,
    /// Memory that was taken for the answer before it was made.
    pub answer_memory: Option<MemoryPermit>,
    /// The route, kept because a handler that panics takes the request down with it.
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

/// Changes what the layers share.
pub(crate) fn change_request_state(request: &HttpRequest, change: impl FnOnce(&mut RequestState)) {
    if let Some(shared) = request.extensions().get::<SharedRequestState>() {
        change(&mut shared.borrow_mut());
    }
}

/// Reads what the layers share.
pub(crate) fn read_request_state<T>(
    request: &HttpRequest,
    read: impl FnOnce(&RequestState) -> T,
) -> Option<T> {
    request.extensions().get::<SharedRequestState>().map(|shared| read(&shared.borrow()))
}

/// What stands for a route where none was found.
const NO_ROUTE: &str = "-";

/// The template of a route, for rows, log lines and metrics.
pub(crate) fn label(route: Option<&RouteInfo>) -> &'static str {
    route.map_or(NO_ROUTE, |route| route.path)
}
