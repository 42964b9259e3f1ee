//! From a request to the arguments of a use case.

mod authenticated;
mod body;
mod guards;
mod query;

pub(crate) use authenticated::Authenticated;
pub(crate) use body::{JsonBody, OptionalJson, Raw, RawObject};
pub(crate) use guards::{Admin, Anybody, IntentsRead, IntentsWrite, LlmCall, MetricsReader, Who};
pub(crate) use query::{Query, invalid as invalid_query, path_param};
