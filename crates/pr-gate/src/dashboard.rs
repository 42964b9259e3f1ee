//! The dashboard: one page, and the history behind it.
