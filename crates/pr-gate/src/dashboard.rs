//! The dashboard: one page, and the history behind it.
//!
//! The page is one file that loads nothing: every number, table and chart is in its HTML, the script only filters, sorts,
//! downloads and refreshes. Whatever comes from a source (a file name, a status, an owner, a message) is text in it.

mod breakdown;
mod charts;
mod content_security_policy;
mod escaped_text;
pub mod eta;
mod findings;
pub mod history;
mod lists;
mod output_files;
mod overview;
mod page;
mod plot;

pub use output_files::{history_file, output_file};
pub use page::DashboardPage;
