//! The HTTP routes of T4: intents, keys, the audit log, model calls, probes and the embedded pages.
//!
//! It owns which route calls which use case, and what the answer looks like. It refuses rules and SQL; what every server
//! of ours shares, from the request layer to the OpenAPI document, is in `http-kit`. Who may call a route is in its
//! handler's signature.

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
