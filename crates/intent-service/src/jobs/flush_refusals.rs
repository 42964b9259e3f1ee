//! Refusals that were too many for a row each get one row with their count.

use registry_core::Timestamp;

use crate::services::Services;

/// Hands the windows that ended to the recorder; `all` also those that still run (at stop).
pub fn flush_refusals(services: &Services, now: Timestamp, all: bool) {
    let micros = services.clock.monotonic_micros();
    let records =
        if all { services.refusals.drain_all(micros, now) } else { services.refusals.drain(micros, now) };
    for record in records {
        services.recorder.push(record);
    }
}
