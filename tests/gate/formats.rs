//! `t4 formats`.
