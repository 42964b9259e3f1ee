//! Dashboard: one page, and the history of its figures.
//!
//! The page is one file that loads nothing. Every number, table and chart is in its HTML; the script only filters,
//! sorts, downloads and refreshes. Everything from a source (a file name, a status, an owner, a message) is inserted
//! as text.

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
