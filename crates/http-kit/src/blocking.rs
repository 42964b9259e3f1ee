//! Choice of the thread for a piece of work.
//!
//! A worker thread serves hundreds of connections, so nothing may wait or run long there. A read of a few rows by key
//! runs on it, because a switch to another thread costs more than the read. All other work runs on the blocking pool.
//! The pool has no limit of its own: a request gets a place only from its caller's share.

use std::sync::Arc;

use control_plane::{ListPage, ListText, ServiceError, Services};
use serde::Serialize;
use storage::ReadLane;

use crate::error::ApiError;
use crate::response::{PageText, page_text};
use crate::shares::hop;
pub use crate::shares::{ADMIN, METRICS};
use crate::state::ServerState;

/// Runs a read of a few rows by key: at once on the worker thread, or on the blocking pool when no connection is free
/// or the store's reads block.
///
/// # Errors
/// The errors of `read`, and 503 `server_busy`.
pub async fn point<T, F>(state: &ServerState, caller: &str, read: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: Fn(&Services, ReadLane) -> Result<T, ServiceError> + Send + 'static,
{
    if !state.services.store.reads_block() {
        match read(&state.services, ReadLane::Serving) {
            Err(error) if error.code == api_types::Code::ServerBusy => {}
            answered => return Ok(answered?),
        }
    }
    let permit = state.shares.points.acquire(caller).await?;
    let services = Arc::clone(&state.services);
    hop(move || {
        let _permit = permit;
        read(&services, ReadLane::Blocking)
    })
    .await?
    .map_err(ApiError)
}

/// Runs a read that gives up when it is not small, at once on the worker thread. `None` when it gave up, or when the
/// store's reads block.
fn small<T>(
    state: &ServerState,
    read: impl FnOnce(&Services) -> Result<Option<T>, ServiceError>,
) -> Result<Option<T>, ApiError> {
    if state.services.store.reads_block() { Ok(None) } else { Ok(read(&state.services)?) }
}

/// Runs a list, a scan or a figure, and writes its answer, on the blocking pool, with a place of the caller's share
/// of the readers.
///
/// # Errors
/// The errors of `read`, and 503 `server_busy`.
pub async fn scan<T, F>(state: &ServerState, caller: &str, read: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: FnOnce(&Services) -> Result<T, ServiceError> + Send + 'static,
{
    let permit = state.shares.scans.acquire(caller).await?;
    let services = Arc::clone(&state.services);
    hop(move || {
        let _permit = permit;
        read(&services)
    })
    .await?
    .map_err(ApiError)
}

/// Writes the answer to a change on the blocking pool, without a share: the change is made, so its answer must not be
/// refused, and changes are limited before they are made.
///
/// # Errors
/// The errors of `write`.
pub async fn answer<T: Send + 'static>(
    write: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ApiError> {
    hop(write).await?.map_err(ApiError)
}

/// Runs a list that is often small: at once on the worker thread if it is, otherwise as a [`scan`]. `args` are the
/// arguments of both reads.
///
/// # Errors
/// The errors of the reads, and 503 `server_busy`.
pub async fn small_or_scan<A, T>(
    state: &ServerState,
    caller: &str,
    args: A,
    read_small: fn(&Services, &A) -> Result<Option<ListText>, ServiceError>,
    read_all: fn(&Services, &A) -> Result<ListPage<T>, ServiceError>,
) -> Result<PageText<T>, ApiError>
where
    A: Send + 'static,
    T: Serialize + Send + 'static,
{
    if let Some(found) = small(state, |services| read_small(services, &args))? {
        return Ok(found.into());
    }
    scan(state, caller, move |services| page_text(&read_all(services, &args)?)).await
}
