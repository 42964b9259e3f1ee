//! HTTP server with T4's routes.

use std::io;
use std::net::SocketAddr;

use actix_web::dev::Server;
use actix_web::web;
use http_kit::ServerOptions;

use crate::app::configure;
use crate::state::HttpState;

/// Binds the listener. Returns the server, which runs when it is awaited, and the bound address, which has the port
/// that the system chose for port 0.
///
/// # Errors
/// When the address can't be listened on.
pub fn serve(state: web::Data<HttpState>, options: ServerOptions) -> io::Result<(Server, SocketAddr)> {
    http_kit::serve(options, state.server.clone(), move |config| configure(&state, config))
}
