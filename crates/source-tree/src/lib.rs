//! Untrusted tree of sources: it is read within its root, changed so that the change can be undone, and no program of
//! it is run.
//!
//! This crate owns paths confined to a root, files written as a whole, snapshots and undo, starting of other
//! programs, git run as a program, and temporary worktrees. It does not know what is in the files: which files are
//! checked, what a linter finds and what `t4.toml` says is the business of `pr-gate`.

pub mod atomic;
pub mod blame;
#[cfg(test)]
mod confined;
pub mod contained;
mod error;
pub mod git;
mod launcher;
mod root;
pub mod snapshot;
mod tree;
pub mod worktree;

pub use error::Error;
pub use launcher::Launcher;
pub use tree::{NameFault, STATE, SourceTree};
