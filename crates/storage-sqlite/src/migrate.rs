//! Migrations. `user_version` counts the steps.
//!
//! All steps that a file needs run in one transaction, which begins before the version is read. So two processes may
//! open one file at once, and a crash leaves the file as it was.

pub(crate) mod adopt;
pub(crate) mod chunks;
pub(crate) mod copy;
mod files;
pub(crate) mod steps;

use std::path::Path;

use audit::Actor;
use rusqlite::{Connection, TransactionBehavior};
use storage::{AdoptReport, OpenError, OpenMode, OpenReport};

use crate::audit::{schema, seal};
use crate::errors::{OrStore as _, open_error, open_error_of};
use crate::migrate::steps::{SCHEMA_VERSION, STEPS};
use crate::options::SqliteOptions;
use crate::rows::meta;

/// Content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SchemaState {
    /// Empty.
    Empty,
    /// A database of the original service.
    Original,
    /// A registry of an older version.
    Older(i64),
    /// A registry of this version.
    Current,
    /// A registry of a newer version.
    Newer(i64),
    /// Something else.
    Foreign,
}

/// Determines the content of a file without changing it.
pub(crate) fn state_of(conn: &Connection) -> rusqlite::Result<SchemaState> {
    let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let tables = |names: &str| -> rusqlite::Result<bool> {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' {names})");
        conn.query_row(&sql, [], |row| row.get(0))
    };
    let registry = tables("AND name = 'meta'")? && tables("AND name = 'intents'")?;
    Ok(match version {
        SCHEMA_VERSION if registry => SchemaState::Current,
        1..SCHEMA_VERSION if registry => SchemaState::Older(version),
        _ if registry && version > SCHEMA_VERSION => SchemaState::Newer(version),
        0 if registry => SchemaState::Foreign,
        0 if tables("AND name IN ('intents', 'api_keys')")? => SchemaState::Original,
        0 if !tables("")? => SchemaState::Empty,
        _ => SchemaState::Foreign,
    })
}

/// Whether the file needs no change. Decided before anything in it is changed.
pub(crate) fn refuse(path: &Path, state: &SchemaState, mode: OpenMode) -> Result<bool, OpenError> {
    let path = path.to_owned();
    let may_upgrade = match mode {
        OpenMode::Serve => true,
        OpenMode::Tool => false,
    };
    match state {
        SchemaState::Foreign => Err(OpenError::Foreign { path }),
        SchemaState::Newer(found) => Err(OpenError::Newer { path, found: *found, known: SCHEMA_VERSION }),
        SchemaState::Older(_) | SchemaState::Original if !may_upgrade => Err(OpenError::Older { path }),
        SchemaState::Empty | SchemaState::Older(_) | SchemaState::Original => Ok(false),
        SchemaState::Current => Ok(true),
    }
}

/// Creates, adopts or upgrades the registry in a file.
pub(crate) fn bring_up(conn: &mut Connection, options: &SqliteOptions<'_>) -> Result<OpenReport, OpenError> {
    let path = options.path.as_path();
    let sqlite = |error: rusqlite::Error| open_error(path, &error);
    let mut report = OpenReport::default();
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
    // Another process may have done all of it while this one waited for the lock.
    let state = state_of(&tx).map_err(sqlite)?;
    if refuse(path, &state, options.mode)? {
        return Ok(report);
    }
    if state == SchemaState::Original {
        report.adopted = Some(AdoptReport {
            copy: copy::copy_aside(path, options.clock.now())?,
            ..AdoptReport::default()
        });
    }
    let done = if let SchemaState::Older(version) = state { version } else { 0 };
    let skipped = usize::try_from(done).unwrap_or(0);
    // Before the second step, no column states the kind of a row.
    let stated = done >= 2 && log_is_stated(&tx).map_err(sqlite)?;
    // An upgrade does not accept a schema that was changed by hand.
    let changed = stated && schema::check(&tx, &schema::stated(&tx)).is_err();
    for step in STEPS.iter().skip(skipped) {
        tx.execute_batch(step).map_err(sqlite)?;
    }
    if done == 0 {
        found_log(&tx, options, &mut report).map_err(|error| open_error_of(path, error))?;
        report.created = report.adopted.is_none();
    } else {
        report.upgraded_from = Some(done);
    }
    if done < files::STEP {
        files::normalise(&tx).map_err(sqlite)?;
    }
    if done > 0 && !changed {
        state_schema(&tx, stated, options).map_err(|error| open_error_of(path, error))?;
    }
    tx.pragma_update(None, "user_version", SCHEMA_VERSION).map_err(sqlite)?;
    tx.commit().map_err(sqlite)?;
    Ok(report)
}

/// Whether the log states a schema already; logs of earlier versions do not. This reads the rows, because the schema
/// may have been changed back by hand to that of an earlier version.
fn log_is_stated(conn: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM audit_log NOT INDEXED WHERE event = 'schema' \
               OR (event = 'genesis' AND instr(detail, '\"statement\":') > 0))";
    conn.query_row(sql, [], |row| row.get(0))
}

/// States the schema as the steps have left it.
fn state_schema(
    conn: &Connection,
    stated: bool,
    options: &SqliteOptions<'_>,
) -> Result<(), storage::StoreError> {
    let now = options.clock.now();
    if stated {
        return schema::restate(conn, now, None);
    }
    let head = seal::head_or_any(conn)?;
    let statement = schema::first_statement(conn, &head).or_store()?;
    seal::append(conn, head, statement.record(now, Actor::System))
}

/// Gives the registry its identity and the log its first record, which covers the adopted rows.
fn found_log(
    conn: &Connection,
    options: &SqliteOptions<'_>,
    report: &mut OpenReport,
) -> Result<(), storage::StoreError> {
    let now = options.clock.now();
    let adopted = match &mut report.adopted {
        Some(report) => Some(adopt::adopt(conn, options.pepper, now, report).or_store()?),
        None => None,
    };
    let log_id = meta::mint_log_id(&*options.entropy);
    meta::set(conn, meta::SCHEMA_OWNER, "t4").or_store()?;
    meta::set(conn, meta::LOG_ID, &log_id).or_store()?;
    meta::set(conn, meta::PEPPER_CHECK, &options.pepper.check_value()).or_store()?;
    if adopted.is_some() {
        meta::set(conn, meta::SCRUB, "1").or_store()?;
    }
    let claim = adopted.unwrap_or_else(|| audit::AdoptedDigest::new().finish_as_claim());
    let head = seal::head_or_any(conn)?;
    let statement = schema::first_statement(conn, &head).or_store()?;
    let genesis = audit::genesis_record(now, &log_id, &claim, Some(&statement));
    seal::append(conn, head, genesis)
}
