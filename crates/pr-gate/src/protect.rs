//! Branch protection and CODEOWNERS: what is asked of GitHub, and what is put into the tree for it.

pub mod codeowners;
pub mod protection;
pub mod record;
mod repository;

pub use repository::{Remote, Repository};

/// The checks that a protected branch requires.
pub const CHECKS: [&str; 3] = ["t4-validator", "t4-intent-api-health", "ci/tests"];

/// Folders of the platform itself: they get an owner where they are there.
pub const FOLDERS: [&str; 3] = ["tools/ci", "tools/t4", "docs/gonzo"];
