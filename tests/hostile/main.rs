//! Attacks on availability by real processes: what one caller can do to the others. Each check fails when the bound
//! that it tests is removed.

mod audit;
mod event_loop;
mod memory;
mod quotas;
mod writer;
