//! The waiver files of a tree.
