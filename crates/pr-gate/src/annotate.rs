//! Writes skeleton annotations for findings that have none.
