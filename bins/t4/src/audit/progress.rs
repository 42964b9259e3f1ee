//! Progress of a verification, shown at a terminal.

use std::io::{IsTerminal as _, Write as _, stderr};

/// Rows between two words.
const EVERY: u64 = 50_000;

/// A line on the terminal that is written over and over, and gone at the end.
pub struct VerifyProgress {
    done: u64,
    all: u64,
    shown: bool,
}

impl VerifyProgress {
    /// Towards this many rows.
    pub fn to(all: u64) -> Self {
        Self { done: 0, all, shown: false }
    }

    /// One more row.
    pub fn step(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(EVERY) && stderr().is_terminal() {
            self.shown = true;
            // A log that is in use grows meanwhile.
            let all = self.all.max(self.done);
            drop(write!(stderr().lock(), "\rt4: {} of {all} rows verified", self.done));
        }
    }
}

impl Drop for VerifyProgress {
    fn drop(&mut self) {
        if self.shown {
            drop(write!(stderr().lock(), "\r\x1b[K"));
        }
    }
}
