//! Endpoint: a handler, its method and path, and the description derived from the types in its signature.

use std::sync::Arc;

use actix_web::{FromRequest, Handler, Responder, Route, web};

use crate::description::{QueryParam, RouteDescription};
use crate::error::{Codes, Refused};
use crate::response::{Answer, SuccessShape};

/// First argument of a handler, which decides who may call it.
pub trait Entrance {
    /// Adds the guard, and what else the argument reads.
    fn describe(route: &mut RouteDescription);
}

/// Arguments of a handler. The first is an [`Entrance`], so that no handler is public by omission.
pub trait Arguments {
    /// Adds the description of all arguments.
    fn describe(route: &mut RouteDescription);
}

macro_rules! arguments {
    ($($rest:ident)*) => {
        impl<First: Entrance, $($rest),*> Arguments for (First, $($rest,)*) {
            fn describe(route: &mut RouteDescription) {
                First::describe(route);
            }
        }
    };
}

arguments!();
arguments!(Second);
arguments!(Second Third);

/// Result of a handler.
pub trait HandlerOutcome {
    /// Adds the success and the error codes.
    fn describe(route: &mut RouteDescription);
}

impl<S: SuccessShape, C: Codes> HandlerOutcome for Result<Answer<S>, Refused<C>> {
    fn describe(route: &mut RouteDescription) {
        S::describe(route);
        Refused::<C>::describe(route);
    }
}

impl<S: SuccessShape> HandlerOutcome for Answer<S> {
    fn describe(route: &mut RouteDescription) {
        S::describe(route);
    }
}

/// Endpoint: a route and its handler.
#[derive(Clone)]
pub struct Endpoint {
    /// HTTP method, upper case.
    pub method: &'static str,
    /// Path template.
    pub path: &'static str,
    /// Name in the OpenAPI document.
    pub id: &'static str,
    /// Heading in the document.
    pub tag: &'static str,
    /// One-sentence summary.
    pub summary: &'static str,
    /// Description derived from the types of the handler.
    pub description: Arc<RouteDescription>,
    pub(crate) handler: Arc<dyn Fn() -> Route + Send + Sync>,
}

impl Endpoint {
    /// Creates the endpoint of a handler.
    pub fn new<F, A>(method: &'static str, path: &'static str, id: &'static str, handler: F) -> Self
    where
        F: Handler<A> + Copy + Send + Sync,
        A: FromRequest + Arguments + 'static,
        F::Output: Responder + HandlerOutcome + 'static,
    {
        let mut description = RouteDescription::new();
        A::describe(&mut description);
        F::Output::describe(&mut description);
        let handler = Arc::new(move || web::to(handler));
        let description = Arc::new(description);
        Self { method, path, id, tag: "registry", summary: "", description, handler }
    }

    /// Sets its heading and summary in the document.
    #[must_use]
    pub fn about(mut self, tag: &'static str, summary: &'static str) -> Self {
        (self.tag, self.summary) = (tag, summary);
        self
    }

    /// Adds parameters of the query.
    #[must_use]
    pub fn params(mut self, params: Vec<QueryParam>) -> Self {
        if let Some(description) = Arc::get_mut(&mut self.description) {
            // The page comes last in the document.
            let page = std::mem::take(&mut description.params);
            description.add_params(params.into_iter().chain(page));
        }
        self
    }
}
