//! What somebody changed past this program gets its audit row.

use std::borrow::Cow;

use audit::{Draft, Outcome};
use registry_core::Timestamp;
use serde_json::json;
use storage::{Leafed, StoreError};

use crate::services::Services;

/// How many changes one transaction records.
const AT_ONCE: u32 = 500;

/// Turns noticed changes into audit rows; returns how many.
///
/// # Errors
/// Trouble of the store.
pub async fn record_outside_changes(services: &Services, now: Timestamp) -> Result<u64, StoreError> {
    if services.store.read(|view| view.outside_changes(1))?.is_empty() {
        return Ok(0);
    }
    let secrets = services.secrets.clone();
    services
        .store
        .upkeep(move |tx| {
            let changes = tx.take_outside_changes(AT_ONCE)?;
            for change in &changes {
                let detail = json!({
                    "table": change.table, "key": change.key, "kind": change.kind, "at": change.at,
                });
                let detail = secrets.clean(&detail.to_string()).into_owned();
                let mut draft = Draft::system(now, "outside_change", detail);
                let outcome = Outcome { status: 0, code: Cow::Borrowed("ok") };
                if let Some(record) = draft.close(&outcome, None, 0) {
                    tx.append_audit(Leafed::new(record))?;
                }
            }
            Ok(u64::try_from(changes.len()).unwrap_or(u64::MAX))
        })
        .await
}
