//! Upkeep of the writer: its connection, the probe after an error, the stop, and the length of the WAL.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use rusqlite::Connection;
use storage::StoreError;

use super::Writer;
use crate::errors::OrStore as _;
use crate::migrate::SchemaState;
use crate::pragmas::{Patience, WAL_LIMIT_BYTES, execute};
use crate::rows::meta;
use crate::writer::tx::StoredUsage;
use crate::{migrate, pragmas};

impl Writer {
    /// Jobs that were queued while a batch waited for another process's lock have waited already. Until the lock is
    /// gone, a batch gives up quickly, so that nobody waits for the full time twice.
    pub(super) fn note_lock(&mut self, locked: bool) {
        if self.locked == locked {
            return;
        }
        let Some(conn) = self.conn.as_ref() else { return };
        let patience = if locked { Patience::Short } else { Patience::Long };
        match pragmas::set_patience(conn, patience) {
            Ok(()) => self.locked = locked,
            Err(error) => tracing::error!(error = %error, "the busy handler can't be set"),
        }
    }

    /// Returns the connection, opened again if it had to be closed.
    pub(super) fn connection(&mut self) -> Result<&Connection, StoreError> {
        let conn = if let Some(conn) = self.conn.take() {
            conn
        } else {
            let conn = self.reopen().inspect_err(|error| {
                tracing::error!(error = %error, "the database can't be opened again");
            })?;
            self.locked = false;
            self.usage = StoredUsage::default();
            self.log.forget();
            conn
        };
        Ok(self.conn.insert(conn))
    }

    fn reopen(&self) -> Result<Connection, StoreError> {
        let conn = pragmas::open_for_writing(&self.path).or_store()?;
        let found = migrate::state_of(&conn).or_store()?;
        if found != SchemaState::Current {
            return Err(StoreError::Unavailable(format!("the database was replaced ({found:?})")));
        }
        pragmas::set_up_writer(&conn, self.max_pages).or_store()?;
        self.deadline.install(&conn).or_store()?;
        Ok(conn)
    }

    /// Writes a meaningless value, to test whether writing works again while no request does.
    pub(super) fn probe(&mut self) {
        let now = self.shared.clock.now().to_string();
        if self.connection().is_err() {
            return;
        }
        let Some(conn) = &self.conn else { return };
        let written = execute(conn, "BEGIN IMMEDIATE")
            .or_store()
            .and_then(|()| self.usage.begin(conn))
            .and_then(|moved| self.log.begin(conn, moved))
            .and_then(|()| meta::set(conn, meta::PROBE, &now).or_store())
            .and_then(|()| execute(conn, "COMMIT").or_store());
        match written {
            Ok(()) => self.shared.write_trouble.store(false, Ordering::Release),
            Err(error) => {
                tracing::warn!(error = %error, "writing still fails");
                if !conn.is_autocommit() && execute(conn, "ROLLBACK").is_err() {
                    self.conn = None;
                }
            }
        }
        self.note_audit();
    }

    /// Adopts the state of whether writes are stopped. A stop is stored in the database, so that neither a restart
    /// nor an undone change ends it. Where it can't be stored, the next batch or probe tries again.
    pub(super) fn note_audit(&mut self) {
        let stopped = self.log.stopped();
        self.shared.audit_broken.store(stopped.is_some(), Ordering::Release);
        if stopped == self.kept_stop.as_deref() {
            return;
        }
        let Some(why) = stopped.map(str::to_owned) else {
            tracing::warn!("the database was accepted as it is, and is written again");
            self.kept_stop = None;
            return;
        };
        tracing::error!("writes are stopped, see `t4 audit verify` and `t4 audit accept-schema`: {why}");
        let Some(conn) = &self.conn else { return };
        match keep_stop(conn, &why) {
            Ok(true) => self.kept_stop = Some(why),
            Ok(false) => tracing::error!("the stop is not kept in the database: something undoes its row"),
            Err(error) => tracing::error!(error = %error, "the stop can't be kept in the database yet"),
        }
        if !conn.is_autocommit() && execute(conn, "ROLLBACK").is_err() {
            self.conn = None;
        }
    }

    /// A reader that stays open lets the WAL grow: wait for it a moment, and start the file over if it ends.
    pub(super) fn keep_wal_short(&self) {
        let mut name = self.path.as_os_str().to_owned();
        name.push("-wal");
        let long = std::fs::metadata(PathBuf::from(name)).is_ok_and(|wal| wal.len() > WAL_LIMIT_BYTES);
        let Some(conn) = self.conn.as_ref().filter(|_| long) else { return };
        let restarted =
            pragmas::set_patience(conn, Patience::Short).and_then(|()| pragmas::restart_wal(conn));
        if !matches!(restarted, Ok(true)) {
            tracing::warn!("a reader keeps the write-ahead log from being emptied");
        }
        if let Err(error) = pragmas::set_patience(conn, Patience::Long) {
            tracing::error!(error = %error, "the busy handler can't be set");
        }
    }
}

/// Stores the reason why writes are stopped; returns whether the database has it.
fn keep_stop(conn: &Connection, why: &str) -> rusqlite::Result<bool> {
    execute(conn, "BEGIN IMMEDIATE")?;
    meta::set(conn, meta::STOPPED, why)?;
    execute(conn, "COMMIT")?;
    Ok(meta::get(conn, meta::STOPPED)?.as_deref() == Some(why))
}
