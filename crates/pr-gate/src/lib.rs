//! The PR gate: checks the findings of a linter in a working tree, and changes annotations and sources.
//!
//! A finding is one problem that a linter reports. An annotation, a waiver or an intent of the registry answers for it,
//! with a reason. The gate fails while a finding is unanswered.
//!
//! This crate runs ruff, reads SARIF, chooses the files of a tree to check, reads `t4.toml`, and renders reports: table,
//! JSON, SARIF, GitHub's workflow commands and the dashboard's page. It makes no HTTP requests: data from the registry
//! and from GitHub are arguments. Other crates decide whether an annotation answers for a finding (`annotations`), edit
//! Python sources (`codemods`), and read and write files safely (`source-tree`).

pub mod annotate;
pub mod batches;
pub mod check;
pub mod codemod;
pub mod codeowners;
pub mod dashboard;
pub mod diff;
pub mod files;
pub mod findings;
mod fingerprint;
pub mod ingest;
pub mod init;
pub mod migrate;
pub mod output;
mod progress;
mod project;
pub mod protect;
pub mod prune;
mod rewriting;
pub mod settings;
pub mod waivers;

pub use progress::Progress;
pub use project::Project;
pub use source_tree::Error;
