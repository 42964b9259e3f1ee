//! `t4 compat`.
