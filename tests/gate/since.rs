//! `t4 since`.
