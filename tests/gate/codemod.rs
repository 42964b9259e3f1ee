//! `t4 codemod`.
