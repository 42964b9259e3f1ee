//! `t4 undo`.
