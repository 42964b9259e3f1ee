//! `t4 annotate`.
