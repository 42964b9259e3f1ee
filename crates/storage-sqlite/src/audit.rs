//! The audit log: its rows, the order that the sealer gives them, the reads, what was adopted, and the statement of the
//! schema that it is sound under.

pub(crate) mod accept;
pub(crate) mod adopt;
pub(crate) mod cells;
pub(crate) mod guard;
pub(crate) mod rows;
pub(crate) mod schema;
pub(crate) mod seal;
mod view;
