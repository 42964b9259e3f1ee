//! Handling of Ctrl-C while temporary worktrees exist.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use cli_support::Failure;
use tokio::signal::unix::{SignalKind, signal};

use crate::out;

/// Sets the flag on SIGINT or SIGTERM, from a thread that ends with the program.
pub fn on_signal(stop: &'static AtomicBool) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("signals can't be waited for").map_err(Failure::trouble)?;
    let signals = {
        let _inside = runtime.enter();
        signal(SignalKind::interrupt()).and_then(|first| Ok((first, signal(SignalKind::terminate())?)))
    };
    let (mut interrupt, mut terminate) =
        signals.context("signals can't be waited for").map_err(Failure::trouble)?;
    let told = move || {
        if !stop.swap(true, Ordering::Relaxed) {
            out::say("stopping: clearing away the worktrees");
        }
    };
    std::thread::spawn(move || {
        runtime.spawn(async move {
            while terminate.recv().await.is_some() {
                told();
            }
        });
        runtime.block_on(async {
            while interrupt.recv().await.is_some() {
                told();
            }
        });
    });
    Ok(())
}
