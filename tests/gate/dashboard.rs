//! `t4 dashboard`.
