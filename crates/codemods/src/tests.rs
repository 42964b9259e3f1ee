//! Examples, and properties of any source.

mod corpus;
mod properties;
