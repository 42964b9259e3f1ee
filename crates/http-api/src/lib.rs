//! HTTP routes of T4: intents, keys, the audit log, model calls, probes and the embedded pages.
//!
//! This crate owns which route calls which use case, and the form of the answer. It has no rules and no SQL. What all
//! servers of T4 share, from the request layer to the OpenAPI document, is in `http-kit`. Who may call a route is
//! part of its handler's signature.

mod app;
mod audit;
mod docs;
mod intents;
mod keys;
mod llm;
mod metrics;
mod probes;
mod server;
mod state;

pub use app::{configure, document, routes};
pub use http_kit::{
    Cidr, CidrError, ConnectionLimits, DEFAULT_MEMORY_MIB, HttpSettings, PacedBody, RouteGuard,
    ServerOptions, request_layer,
};
pub use metrics::ServerMetrics;
pub use server::serve;
pub use state::HttpState;
