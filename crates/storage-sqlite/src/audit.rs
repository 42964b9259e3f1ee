//! Audit log in SQLite: rows, sealing, reads, adopted rows, and the statement of the schema.

pub(crate) mod accept;
pub(crate) mod adopt;
pub(crate) mod cells;
pub(crate) mod guard;
pub(crate) mod rows;
pub(crate) mod schema;
pub(crate) mod seal;
mod view;
