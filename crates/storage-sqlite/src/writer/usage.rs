//! Counts of the quotas in the writer: kept in memory while jobs run, written once per key before the commit. Two
//! statements per job would cost a tenth of the rate of creates.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;
use storage::{DayUsage, KeyUsage, Leafed, StoreError, day_of, logged_bytes};

use crate::errors::OrStore as _;
use crate::rows::quota;

/// How many keys' rows are kept in memory.
const KEPT_KEYS: usize = 65_536;

/// How the counts of a key change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct UsageChange {
    pub(crate) intents: i64,
    pub(crate) intent_bytes: i64,
    pub(crate) idempotency_rows: i64,
    pub(crate) idempotency_bytes: i64,
    /// Bytes of audit rows, on the latest of their days.
    pub(crate) audit: Option<DayUsage>,
}

impl UsageChange {
    pub(crate) fn intent(rows: i64, bytes: i64) -> Self {
        Self { intents: rows, intent_bytes: bytes, ..Self::default() }
    }

    pub(crate) fn idempotency(rows: i64, bytes: i64) -> Self {
        Self { idempotency_rows: rows, idempotency_bytes: bytes, ..Self::default() }
    }

    fn audit(usage: DayUsage) -> Self {
        Self { audit: Some(usage), ..Self::default() }
    }

    pub(crate) fn add(&mut self, more: &Self) {
        self.intents = self.intents.saturating_add(more.intents);
        self.intent_bytes = self.intent_bytes.saturating_add(more.intent_bytes);
        self.idempotency_rows = self.idempotency_rows.saturating_add(more.idempotency_rows);
        self.idempotency_bytes = self.idempotency_bytes.saturating_add(more.idempotency_bytes);
        if let Some(audit) = more.audit {
            self.audit.get_or_insert(DayUsage { day: audit.day, bytes: 0 }).add(audit.day, audit.bytes);
        }
    }

    /// What a key has stored after this change.
    fn of(&self, usage: &KeyUsage) -> KeyUsage {
        let mut audit = usage.audit;
        if let Some(more) = self.audit {
            audit.add(more.day, more.bytes);
        }
        KeyUsage {
            intents: usage.intents.saturating_add_signed(self.intents),
            intent_bytes: usage.intent_bytes.saturating_add_signed(self.intent_bytes),
            idempotency_rows: usage.idempotency_rows.saturating_add_signed(self.idempotency_rows),
            idempotency_bytes: usage.idempotency_bytes.saturating_add_signed(self.idempotency_bytes),
            audit,
        }
    }
}

/// Changes by key.
#[derive(Debug, Default)]
pub(crate) struct UsageChanges(HashMap<String, UsageChange>);

impl UsageChanges {
    /// Adds to the changes of a key.
    pub(crate) fn add(&mut self, key: &str, change: &UsageChange) {
        // Two look-ups instead of one: the entry API would copy the name of every key already there.
        if let Some(known) = self.0.get_mut(key) {
            known.add(change);
        } else {
            self.0.insert(key.to_owned(), *change);
        }
    }

    /// Takes over what a job changed that succeeded.
    pub(crate) fn take_in(&mut self, of_job: Self) {
        for (key, change) in of_job.0 {
            self.0.entry(key).or_default().add(&change);
        }
    }

    /// What a key has stored after these changes.
    pub(crate) fn of(&self, key: &str, usage: &KeyUsage) -> KeyUsage {
        self.0.get(key).map_or(*usage, |change| change.of(usage))
    }

    /// Adds the bytes of audit rows.
    fn add_records(&mut self, records: &[Arc<Leafed>]) {
        for leafed in records {
            if let Some(key) = leafed.record.api_key.as_deref() {
                let day = day_of(leafed.record.timestamp);
                self.add(key, &UsageChange::audit(DayUsage { day, bytes: logged_bytes(&leafed.record) }));
            }
        }
    }
}

/// Rows of the table `key_usage` as they are committed, as long as no other connection commits.
#[derive(Debug, Default)]
pub(crate) struct StoredUsage {
    rows: HashMap<String, KeyUsage>,
    /// SQLite's number for the commits of other connections, at the last look.
    data_version: Option<i64>,
}

impl StoredUsage {
    /// Begins a transaction that others wait for: what another connection has changed before is read again.
    pub(crate) fn begin(&mut self, conn: &Connection) -> Result<(), StoreError> {
        let mut statement = conn.prepare_cached("PRAGMA data_version").or_store()?;
        let version = Some(statement.query_row([], |row| row.get(0)).or_store()?);
        if self.data_version != version || self.rows.len() > KEPT_KEYS {
            self.rows.clear();
            self.data_version = version;
        }
        Ok(())
    }

    /// The row of a key, if it is known.
    pub(crate) fn get(&self, key: &str) -> Option<KeyUsage> {
        self.rows.get(key).copied()
    }

    /// Keeps a row that is committed.
    pub(crate) fn keep(&mut self, key: String, row: KeyUsage) {
        self.rows.insert(key, row);
    }

    /// Writes the changes of a transaction and the bytes of its audit rows, just before the commit. Returns the rows
    /// to keep once they are committed.
    pub(crate) fn write(
        &self,
        conn: &Connection,
        mut changes: UsageChanges,
        records: &[Arc<Leafed>],
    ) -> Result<Vec<(String, KeyUsage)>, StoreError> {
        changes.add_records(records);
        let write = |(key, change): (String, UsageChange)| {
            let before = self.get(&key).map_or_else(|| quota::usage(conn, &key).or_store(), Ok)?;
            let after = change.of(&before);
            quota::put(conn, &key, &after).or_store()?;
            Ok((key, after))
        };
        changes.0.into_iter().map(write).collect()
    }
}
