//! Legacy annotations of a tree into unified ones.
