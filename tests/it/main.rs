//! The product in process.
