//! From a request to the arguments of a use case.

mod authenticated;
mod body;
mod guards;
mod query;

pub(crate) use authenticated::Authenticated;
pub(crate) use body::{JsonBody, ModelBody, OptionalJson, RawObject};
pub(crate) use guards::{
    Admin, Anybody, CallerClass, IntentsRead, IntentsWrite, LlmCall, LlmSettle, MetricsReader, credentials,
};
pub(crate) use query::{Query, invalid as invalid_query, key_param, path_param, whole_number};
