//! Extractors: from a request to the arguments of a handler.

pub(crate) mod body;
pub(crate) mod head;
pub(crate) mod query;

pub use body::{FromBody, JsonBody, ModelBody, NoBody, OptionalJson, Private, RawObject};
pub use head::{Conditional, Idempotent, Paged, RequestHead};
pub use query::{Query, invalid as invalid_query, key_param, path_param};
