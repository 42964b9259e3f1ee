//! Writes one audit row with a count for requests that were too many for a row each.

use api_types::Code;
use audit::{Actor, Record, event};
use registry_core::Timestamp;

use crate::services::Services;

/// Passes the windows that have ended to the recorder; with `all`, also the running ones (at a stop).
pub fn flush_refusals(services: &Services, now: Timestamp, all: bool) {
    let micros = services.clock.monotonic_micros();
    let records = if all {
        services.audit.refusals.drain_all(micros, now)
    } else {
        services.audit.refusals.drain(micros, now)
    };
    for record in records {
        tracing::info!(audit.event = &*record.event, audit.count = record.count, "requests were counted");
        // No answer waits for these rows.
        let _ = services.audit.recorder.push(record);
    }
    let turned_away = services.audit.recorder.take_turned_away();
    if turned_away > 0 {
        let record = Record::of(event::REFUSALS, now, Actor::System);
        let code = Code::AuditUnavailable;
        let _ = services.audit.recorder.push(Record {
            status_code: Some(code.status()),
            outcome: code.as_str().to_owned(),
            count: turned_away,
            ..record
        });
    }
}
