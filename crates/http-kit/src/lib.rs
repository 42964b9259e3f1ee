//! Foundation of T4's HTTP servers: the request layer, callers and bodies, the description of routes with its OpenAPI
//! document, the shape of errors, metrics, and graceful serving.
//!
//! This crate owns how a request becomes the arguments of a handler, and how the outcome becomes an answer and an
//! audit row. It has no routes: each server describes its routes as [`Endpoint`]s, whose guard, body, headers,
//! success and error codes are derived from the types in the handler's signature.

mod address;
pub mod blocking;
mod callers;
mod complete;
mod connection;
mod description;
mod disconnect;
mod endpoint;
mod error;
mod extract;
mod known_secrets;
mod memory;
mod metrics;
mod openapi;
mod paced_body;
mod request_layer;
mod request_state;
pub mod response;
mod routes;
mod server;
mod shares;
mod state;
mod whole_number;

pub use address::{Cidr, CidrError};
pub use callers::{
    Admin, Anybody, Authenticated, CallerClass, IntentsRead, IntentsWrite, LlmCall, LlmSettle, MetricsReader,
    Probe,
};
pub use connection::ConnectionLimits;
pub use description::{
    Described, HeaderParam, ONE_LINE, QueryParam, RouteDescription, RouteGuard, Success, TypeSchema,
    schema_of, text_param,
};
pub use endpoint::{Arguments, Endpoint, Entrance, HandlerOutcome};
pub use error::{ApiError, Codes, ErrorShape, NoCodes, Refused};
pub use extract::{
    Conditional, FromBody, Idempotent, JsonBody, ModelBody, NoBody, OptionalJson, Paged, Private, Query,
    RawObject, RequestHead, invalid_query, key_param, path_param,
};
pub use memory::{DEFAULT_MEMORY_MIB, MemoryPermit};
pub use metrics::{HttpMetrics, MetricRegistry, raise, raise_seconds};
pub use openapi::{DocumentInfo, document};
pub use paced_body::{PacedBody, PiecedText};
pub use request_layer::request_layer;
pub use response::{
    Answer, Created, CreatedOrSame, Events, JsonDocument, MediaType, PlainText, Rows, SuccessShape,
};
pub use routes::{RouteInfo, Routes};
pub use server::{ServerOptions, serve};
pub use state::{HttpSettings, ServerState};
