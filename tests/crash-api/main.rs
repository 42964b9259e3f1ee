//! The server with a store that kills its process at a named stage of a call's booking: `T4_CRASH_AT` is `in_hold`,
//! `after_hold`, `in_settle` or `after_settle`. Everything else is the product's own.

mod store;
mod tx;

use std::process::ExitCode;
use std::sync::Arc;

use store::{CrashStore, Stage};

fn main() -> ExitCode {
    let stage = std::env::var("T4_CRASH_AT").ok().as_deref().and_then(Stage::parse);
    let Some(stage) = stage else {
        eprintln!("crash-api: T4_CRASH_AT names no stage");
        return ExitCode::from(2);
    };
    intent_api::run(|options| {
        options.wrap_store = Some(Arc::new(move |inner| Arc::new(CrashStore { inner, stage })));
    })
}
