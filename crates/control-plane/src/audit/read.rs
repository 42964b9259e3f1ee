//! `GET /admin/audit`: rows of the audit log, newest first.

use api_types::AuditRow;
use audit::StoredRow;
use storage::{AuditQuery, LIST_BYTES, audit_row_bytes};

use crate::context::AdminCaller;
use crate::error::ServiceError;
use crate::page::{ListPage, PageRequest};
use crate::services::Services;

/// How long one request looks through rows that do not fit, in microseconds.
const LOOK_MICROS: u64 = 500_000;

/// Returns rows that fit the filter, newest first. A page may hold fewer than `limit` rows and still have a next
/// page.
///
/// # Errors
/// 400 for a cursor, 503 for the store.
pub fn list_audit(
    services: &Services,
    _caller: AdminCaller,
    filter: &AuditQuery,
    request: &PageRequest,
) -> Result<ListPage<AuditRow>, ServiceError> {
    let query = format!("audit\n{filter:?}");
    let mut before = request.position(&services.cursors, &query)?.and_then(|text| text.parse::<i64>().ok());
    let started = services.clock.monotonic_micros();
    let (mut items, mut bytes) = (Vec::new(), 0);
    loop {
        let found = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let wanted = request.limit.saturating_sub(found);
        let (rows, looked_to) = services.store.read(|view| view.audit_page(filter, before, wanted))?;
        bytes += rows.iter().map(audit_row_bytes).sum::<usize>();
        items.extend(rows.into_iter().map(row_of));
        let Some(last) = looked_to else { return Ok(ListPage { items, next: None }) };
        before = Some(last);
        let looked = services.clock.monotonic_micros().saturating_sub(started);
        let full = items.len() >= usize::try_from(request.limit).unwrap_or(usize::MAX) || bytes >= LIST_BYTES;
        if full || looked > LOOK_MICROS {
            let next = services.cursors.close(&query, &last.to_string());
            return Ok(ListPage { items, next: Some(next) });
        }
    }
}

fn row_of(row: StoredRow) -> AuditRow {
    let record = row.record;
    AuditRow {
        id: row.id,
        seq: row.seq,
        event: record.event.into_owned(),
        timestamp: record.timestamp.to_string(),
        request_id: record.request_id,
        actor: record.actor.as_str().to_owned(),
        api_key: record.api_key,
        agent_id: record.agent_id,
        ip: record.ip,
        method: record.method,
        route: record.route,
        path: record.path,
        status_code: record.status_code,
        outcome: record.outcome,
        count: record.count,
        body_bytes: record.body_bytes,
        body_sha256: record.body_sha256,
        body: record.body,
        detail: record.detail,
        leaf: row.seq.map(|_| hex::encode(&row.leaf)),
    }
}
