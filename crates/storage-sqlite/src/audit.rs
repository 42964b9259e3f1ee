//! The audit log: its rows, the order that the sealer gives them, the reads, and what was adopted.

pub(crate) mod adopt;
pub(crate) mod rows;
pub(crate) mod seal;
mod view;
