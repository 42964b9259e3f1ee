//! Takes stale annotations out of a tree.
