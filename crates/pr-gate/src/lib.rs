//! The PR gate over a working tree: what linters find, what answers for it, and what may be changed about it.
//!
//! It owns ruff and SARIF in, reports out (table, JSON, SARIF, GitHub, the dashboard's page), which files of a tree are
//! looked at, and `t4.toml`. It refuses HTTP: what the registry or GitHub knows comes in as an argument. Whether an
//! annotation answers for a finding is decided in `annotations`, how a source is fixed in `codemods`, how a file is read
//! and written safely in `source-tree`.

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
