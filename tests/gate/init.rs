//! `t4 init`.
