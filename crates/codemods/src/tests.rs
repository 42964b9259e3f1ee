//! The canonical examples, and what holds for any source.

mod corpus;
mod properties;
