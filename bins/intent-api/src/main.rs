//! Server of T4.

use std::process::ExitCode;

/// Small allocations are a tenth of a request's time; this allocator halves that (`docs/benchmarks/api.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    intent_api::run(|_| ())
}
