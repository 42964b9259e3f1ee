//! The product as processes.
