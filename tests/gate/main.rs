//! `t4` on working trees: the real binary, real git, a real ruff.

mod annotate;
mod batches;
mod check;
mod codemod;
mod compat;
mod dashboard;
mod formats;
mod hostile;
mod inert;
mod ingest;
mod init;
mod migrate;
mod protect;
mod runs_nothing;
mod schema;
mod since;
mod standard_library;
mod support;
mod undo;
mod waivers;
