//! `t4 protect`.
