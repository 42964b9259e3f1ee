//! `GET /metrics/summary`: figures over the whole registry.

use api_types::SummaryView;
use registry_core::{IntentId, QualityTally};

use crate::context::AgentCaller;
use crate::error::ServiceError;
use crate::services::Services;

/// Rows per snapshot: a snapshot stays short, so that the write-ahead log can be checkpointed.
const ROWS_PER_VIEW: u32 = 5000;

/// Counts every intent, a snapshot of rows at a time; intents that change meanwhile may be counted as they were
/// or as they are.
///
/// # Errors
/// 503 for the store.
pub fn summarize(services: &Services, _caller: &AgentCaller) -> Result<SummaryView, ServiceError> {
    let mut tally = QualityTally::default();
    let mut after: Option<IntentId> = None;
    loop {
        let mut part = QualityTally::default();
        std::mem::swap(&mut part, &mut tally);
        let last = services
            .store
            .read(|view| view.count_intents(after.as_ref(), ROWS_PER_VIEW, &mut |row| part.add(row)))?;
        tally = part;
        match last {
            Some(id) => after = Some(id),
            None => return Ok(tally.summary().into()),
        }
    }
}
