//! What machines ask to see whether the server is well.

mod health;
mod healthz;
mod metrics_page;
mod readyz;

use crate::endpoint::Endpoint;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![health::endpoint(), healthz::endpoint(), readyz::endpoint(), metrics_page::endpoint()]
}
