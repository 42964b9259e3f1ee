//! Runs codemods over a tree, with a snapshot of what was there.
