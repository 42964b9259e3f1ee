//! The benches: `make bench`, `make bench-llm`. They measure the shipped binaries from outside.

pub mod compare;
pub mod load;
pub mod server;

/// A number of the environment.
pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// How many cores the machine has.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}
