//! Holds of agents that call a provider themselves.

mod create;
mod read;
mod release;
mod settle;

use http_kit::Endpoint;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![create::endpoint(), settle::endpoint(), release::endpoint(), read::endpoint()]
}
