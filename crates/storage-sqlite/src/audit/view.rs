//! Reads of the audit log.

use audit::{LogFacts, LogRow, StoredRow};
use registry_core::Timestamp;
use rusqlite::{Row, params};
use storage::{AuditQuery, AuditReads, LIST_BYTES, SealedCheckpoint, StoreError, audit_row_bytes};

use crate::audit::{cells, rows as audit_rows, schema, seal};
use crate::columns::lenient;
use crate::errors::OrStore as _;
use crate::readers::{SCAN_ROWS, Snapshot};

impl AuditReads for Snapshot<'_> {
    fn audit_page(
        &self,
        filter: &AuditQuery,
        before: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<StoredRow>, Option<i64>), StoreError> {
        page(self, filter, before, limit).or_store()
    }

    fn log_rows(
        &self,
        after: i64,
        limit: u32,
        visit: &mut dyn FnMut(LogRow<'_>),
    ) -> Result<Option<i64>, StoreError> {
        let mut last = || -> rusqlite::Result<Option<i64>> {
            if after == i64::MAX {
                return Ok(None);
            }
            // Nothing precedes the smallest id, so it means the start.
            let from = if after == i64::MIN { after } else { after.saturating_add(1) };
            let mut statement = self.conn.prepare_cached(cells::ROWS_FROM)?;
            let mut rows = statement.query(params![from, limit])?;
            let mut last = None;
            while let Some(row) = rows.next()? {
                audit_rows::with_row(row, &mut *visit)?;
                last = Some(row.get(0)?);
            }
            Ok(last)
        };
        last().or_store()
    }

    fn log_facts(&self) -> Result<LogFacts, StoreError> {
        schema::facts(self.conn).or_store()
    }

    fn checkpoint(&self) -> Result<Option<SealedCheckpoint>, StoreError> {
        audit_rows::checkpoint(self.conn).or_store()
    }

    fn next_seq(&self) -> Result<u64, StoreError> {
        seal::next_seq(self.conn).or_store()
    }
}

fn page(
    view: &Snapshot<'_>,
    filter: &AuditQuery,
    before: Option<i64>,
    limit: u32,
) -> rusqlite::Result<(Vec<StoredRow>, Option<i64>)> {
    // Without a bound at first: a row with the largest possible id must be included.
    let bound = if before.is_some() { "WHERE id < ?1" } else { "WHERE ?1 IS NULL" };
    let sql = format!("SELECT {} FROM audit_log {bound} ORDER BY id DESC LIMIT ?2", cells::COLUMNS);
    let mut statement = view.conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params![before, SCAN_ROWS])?;
    let (mut found, mut looked, mut last, mut bytes) = (Vec::new(), 0, None, 0);
    let fits = Fits::new(filter);
    while let Some(row) = rows.next()? {
        looked += 1;
        last = Some(row.get(0)?);
        if fits.row(row)? {
            let row = audit_rows::stored_row(row)?;
            bytes += audit_row_bytes(&row);
            found.push(row);
            if found.len() >= usize::try_from(limit).unwrap_or(usize::MAX) || bytes >= LIST_BYTES {
                return Ok((found, last));
            }
        }
    }
    Ok((found, last.filter(|_| looked == SCAN_ROWS)))
}

/// A filter with its times as texts: the registry's times sort as texts.
struct Fits<'f> {
    filter: &'f AuditQuery,
    since: Option<String>,
    until: Option<String>,
}

impl<'f> Fits<'f> {
    fn new(filter: &'f AuditQuery) -> Self {
        let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
        Self { filter, since: text(filter.since), until: text(filter.until) }
    }

    fn row(&self, row: &Row<'_>) -> rusqlite::Result<bool> {
        if let Some(agent) = &self.filter.agent_id
            && lenient::text(row, 8)?.as_deref() != Some(agent)
        {
            return Ok(false);
        }
        if let Some(path) = &self.filter.path
            && !lenient::text(row, 12)?.is_some_and(|found| found.starts_with(path))
        {
            return Ok(false);
        }
        if let Some(status) = self.filter.status
            && lenient::integer(row, 13)? != Some(i64::from(status))
        {
            return Ok(false);
        }
        if self.since.is_none() && self.until.is_none() {
            return Ok(true);
        }
        let Some(mut time) = lenient::string(row, 4)? else { return Ok(false) };
        if time.len() != 27 || !time.ends_with('Z') {
            match Timestamp::parse_lenient(&time) {
                Ok(parsed) => time = parsed.to_string(),
                Err(_) => return Ok(false),
            }
        }
        let late_enough = self.since.as_ref().is_none_or(|since| *since <= time);
        Ok(late_enough && self.until.as_ref().is_none_or(|until| time < *until))
    }
}
