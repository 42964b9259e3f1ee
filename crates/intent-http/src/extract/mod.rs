//! From a request to the arguments of a use case.

mod authenticated;
mod body;
mod credentials;
mod headers;
mod query;
mod who;

pub(crate) use authenticated::Authenticated;
pub(crate) use body::{JsonBody, OptionalJson};
pub(crate) use query::{Query, path_param};
pub(crate) use who::{Admin, Anybody, IntentsRead, IntentsWrite, MetricsReader, Who};
