//! Branch protection on GitHub, and the CODEOWNERS rules for the files that control the gate.

pub mod codeowners;
pub mod protection;
pub mod record;
mod repository;

pub use repository::{Remote, Repository};

/// The checks that a protected branch requires.
pub const CHECKS: [&str; 3] = ["t4-validator", "t4-intent-api-health", "ci/tests"];

/// Folders of the platform. Those that exist also need an owner.
pub const FOLDERS: [&str; 3] = ["tools/ci", "tools/t4", "docs/gonzo"];
