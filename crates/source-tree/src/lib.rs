//! A tree of sources that is not trusted: read within its root, changed so that it can be undone, with no program of it
//! run.
//!
//! It owns paths confined to a root, files written whole or not at all, snapshots and undo, how other programs are
//! started, git run as a program, and worktrees that go when they are done with. It refuses to know what is in the files:
//! which of them are looked at, what a linter finds in them and what `t4.toml` says is `pr-gate`'s.

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
