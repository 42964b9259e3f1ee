//! `t4 migrate`.
