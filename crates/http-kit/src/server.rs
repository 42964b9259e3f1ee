//! HTTP server: its connections, and the order of services on each.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_http::HttpService;
use actix_service::{ServiceFactoryExt as _, fn_service, map_config};
use actix_web::dev::{AppConfig, Server};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, web};

use crate::connection::GuardedStream;
use crate::request_layer::request_layer;
use crate::state::ServerState;

/// Options of a server.
#[derive(Debug, Clone, Copy)]
pub struct ServerOptions {
    /// Address to listen on.
    pub bind: SocketAddr,
    /// Threads that serve requests; one per core when absent.
    pub workers: Option<usize>,
    /// How long running requests may take to finish when the server stops, in seconds.
    pub drain_seconds: u64,
}

/// How long a client may take to send the head of the first request.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Number of connections that may wait to be accepted.
const BACKLOG: i32 = 1024;
/// Threads of the blocking pool of one worker, started when they are needed. There are more than places in all the
/// shares of callers, so that nothing waits for a thread behind another caller's work.
const BLOCKING_THREADS: usize = 256;

/// Binds the listener. `configure` adds the state and the routes. Returns the server, which runs when it is awaited,
/// and the bound address, which has the port that the system chose for port 0.
///
/// # Errors
/// When the address can't be listened on.
pub fn serve<C>(
    options: ServerOptions,
    state: Arc<ServerState>,
    configure: C,
) -> io::Result<(Server, SocketAddr)>
where
    C: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let listener = listen(options.bind)?;
    let address = listener.local_addr()?;
    let mut builder = Server::build()
        .disable_signals()
        .worker_max_blocking_threads(BLOCKING_THREADS)
        .shutdown_timeout(options.drain_seconds);
    if let Some(workers) = options.workers {
        builder = builder.workers(workers);
    }
    let stopping = builder.graceful_shutdown_signal();
    let server = builder.listen("http", listener, move || {
        let counts = state.connections.clone();
        let admit = move |stream: TcpStream| {
            let peer = stream.peer_addr().ok();
            let ip = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
            let admitted = GuardedStream::admit(stream, ip, &counts);
            // A connection too many is closed at once.
            std::future::ready(admitted.map(|stream| (stream, peer)).ok_or_else(|| {
                actix_http::error::DispatchError::Io(io::Error::other("too many connections"))
            }))
        };
        let app = App::new().wrap(from_fn(request_layer)).configure(&configure);
        let stopping = stopping.clone();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD_TIME)
            .client_disconnect_timeout(Duration::from_secs(1))
            // A client that closes its sending half counts as disconnected: most disconnections look like that here.
            .h1_allow_half_closed(false)
            .local_addr(address)
            .on_connect_ext(|stream: &GuardedStream, shared| {
                shared.insert(stream.state());
            })
            .h1(map_config(app, |()| AppConfig::default()));
        fn_service(admit).and_then(http)
    })?;
    Ok((server.run(), address))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
