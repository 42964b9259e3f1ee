//! `t4 batches`.
