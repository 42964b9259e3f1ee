//! The OpenAPI document and the page that shows it.

mod openapi_json;
mod page;

use crate::endpoint::Endpoint;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![openapi_json::endpoint(), page::endpoint(), page::assets_endpoint()]
}
