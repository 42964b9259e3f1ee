//! Support of the tests: real processes, real files, a small HTTP client. It links no server crate.

pub mod fake_github;
pub mod http;
pub mod mock;
pub mod process;
pub mod redis;
