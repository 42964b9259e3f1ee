//! Which thread a read runs on.

use actix_web::web;
use control_plane::ServiceError;

use crate::error::ApiError;

/// How a read behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cost {
    /// At most 100 rows by key or index: it runs on the worker's thread, because the hop to another thread costs
    /// more than the read.
    Point,
    /// A list, a scan or a figure: it runs on the blocking pool.
    Scan,
}

impl Cost {
    /// The cost of a list of at most `limit` rows by index.
    pub(crate) fn of_list(limit: u32) -> Self {
        if limit <= 100 { Self::Point } else { Self::Scan }
    }
}

/// Runs a read where it belongs.
pub(crate) async fn run<T, F>(cost: Cost, read: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, ServiceError> + Send + 'static,
{
    match cost {
        Cost::Point => Ok(read()?),
        Cost::Scan => match web::block(read).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(ApiError::new(api_types::Code::Internal, "the read was cancelled")),
        },
    }
}
