//! `t4 check`.
