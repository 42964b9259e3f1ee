//! The files that a repository needs to be gated.
