//! Endpoint: a handler, its method and path, and the description derived from the types in its signature.

use std::sync::Arc;

use actix_web::{FromRequest, Handler, Responder, Route, web};

use crate::description::{QueryParam, RouteDescription};
use crate::error::{Codes, Refused};
use crate::response::{Answer, SuccessShape};

/// The first argument of a handler, which decides who may call it.
pub trait Entrance {
    /// Adds the guard, and what else the argument reads.
    fn describe(route: &mut RouteDescription);
}

/// The arguments of a handler. The first is an [`Entrance`], so that no handler is public by omission.
pub trait Arguments {
    /// Adds what they tell.
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

/// What a handler returns.
pub trait HandlerOutcome {
    /// Adds what a success looks like, and the codes of errors.
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

/// A route.
#[derive(Clone)]
pub struct Endpoint {
    /// HTTP method, upper case.
    pub method: &'static str,
    /// Path template.
    pub path: &'static str,
    /// Name in the OpenAPI document.
    pub id: &'static str,
    /// The heading it is shown under.
    pub tag: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// What the types of its handler tell.
    pub description: Arc<RouteDescription>,
    pub(crate) handler: Arc<dyn Fn() -> Route + Send + Sync>,
}

impl Endpoint {
    /// The route of a handler.
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

    /// Its heading and its sentence in the document.
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
