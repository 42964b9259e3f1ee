//! The HTTP edge: routes, extractors, error mapping, the OpenAPI document, metrics and the embedded pages.
//!
//! It owns how a request becomes a use case and how the outcome becomes an answer. It refuses rules and SQL. The
//! order that every request goes through is declared in [`configure`] and in the edge layer; who may call a route
//! is in its handler's signature.

mod address;
mod app;
mod audit;
mod blocking;
mod connection;
mod disconnect;
mod docs;
mod endpoint;
mod error;
mod extract;
mod intents;
mod keys;
mod llm;
mod memory;
mod metrics;
mod openapi;
mod paced_body;
mod probes;
mod request_layer;
mod response;
mod server;
mod shares;
mod state;

pub use address::{Cidr, CidrError};
pub use app::{configure, endpoints, request_layer};
pub use connection::ConnectionLimits;
pub use endpoint::{Endpoint, RouteGuard};
pub use memory::DEFAULT_MEMORY_MIB;
pub use metrics::ServerMetrics;
pub use openapi::document;
pub use paced_body::PacedBody;
pub use server::{ServerOptions, serve};
pub use state::{HttpSettings, HttpState};
