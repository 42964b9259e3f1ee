//! Schema of the database, and its newest statement in the log.

use audit::{Actor, ExactDigest, LogFacts, LogHead, SchemaDigest, SchemaObject, SchemaStatement, StoredRow};
use canonical::Digest;
use registry_core::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use storage::StoreError;

use crate::audit::{cells, rows as audit_rows, seal};
use crate::columns::lenient;
use crate::errors::OrStore as _;
use crate::migrate::steps::STEPS;
use crate::rows::meta;

/// Returns every object of the schema. The tables with statistics for SQLite's planner are left out, because
/// `ANALYZE` creates and drops them.
pub(crate) fn objects(conn: &Connection) -> rusqlite::Result<Vec<SchemaObject>> {
    let sql = "SELECT type, name, tbl_name, sql FROM sqlite_schema \
               WHERE NOT (type = 'table' AND name IN ('sqlite_stat1', 'sqlite_stat4'))";
    conn.prepare_cached(sql)?
        .query_map([], |row| {
            let text = |index| lenient::string(row, index).map(Option::unwrap_or_default);
            Ok(SchemaObject {
                kind: text(0)?,
                name: text(1)?,
                table: text(2)?,
                sql: lenient::string(row, 3)?,
            })
        })?
        .collect()
}

/// Returns the digest of the present schema.
pub(crate) fn found(conn: &Connection) -> rusqlite::Result<SchemaDigest> {
    Ok(SchemaDigest::of(&objects(conn)?))
}

/// Query for the newest row that states the schema. The index is named, so that a database without it causes an error
/// instead of a search through the whole log.
fn newest(conn: &Connection) -> rusqlite::Result<Option<StoredRow>> {
    let sql = format!(
        "SELECT {} FROM audit_log INDEXED BY idx_audit_log_statement \
         WHERE event = 'genesis' OR event = 'schema' ORDER BY id DESC LIMIT 1",
        cells::COLUMNS
    );
    conn.prepare_cached(&sql)?.query_row([], audit_rows::stored_row).optional()
}

/// Returns the newest statement and the sequence number of its row.
///
/// # Errors
/// [`StoreError::AuditBroken`] when there is none, or its row was edited.
pub(crate) fn stated(conn: &Connection) -> Result<(u64, SchemaStatement), StoreError> {
    let broken = |what: &str| StoreError::AuditBroken(what.to_owned());
    let row = match newest(conn) {
        Ok(row) => row,
        // SQLite's plain error: the statement does not fit the schema.
        Err(rusqlite::Error::SqliteFailure(error, _)) if error.extended_code == 1 => {
            return Err(broken("the index or a column that finds the statement of the schema is gone"));
        }
        Err(error) => return Err(error).or_store(),
    };
    let row = row.ok_or_else(|| broken("no row of the audit log states the schema"))?;
    let sound = row.exact && row.leaf == row.record.leaf().as_bytes();
    match (SchemaStatement::of(&row.record), row.seq) {
        (Some(statement), Some(seq)) if sound => Ok((seq, statement)),
        _ => Err(broken("the row of the audit log that states the schema was edited")),
    }
}

/// Compares the schema with the newest statement, as [`stated`] read it. Returns the sequence number of its row when
/// they agree.
///
/// # Errors
/// [`StoreError::AuditBroken`] with the difference, or with the reason why a server has stopped writing before.
pub(crate) fn check(
    conn: &Connection,
    stated: &Result<(u64, SchemaStatement), StoreError>,
) -> Result<u64, StoreError> {
    if let Some(why) = meta::get(conn, meta::STOPPED).or_store()? {
        return Err(StoreError::AuditBroken(why));
    }
    let (seq, statement) = stated.as_ref().map_err(StoreError::clone)?;
    match statement.difference(&found(conn).or_store()?) {
        None => Ok(*seq),
        Some(difference) => Err(StoreError::AuditBroken(format!("the schema was changed: {difference}"))),
    }
}

/// Returns what the log is verified against.
pub(crate) fn facts(conn: &Connection) -> rusqlite::Result<LogFacts> {
    Ok(LogFacts {
        log_id: meta::get(conn, meta::LOG_ID)?,
        schema: found(conn)?,
        statement: newest(conn).ok().flatten().and_then(|row| SchemaStatement::of(&row.record)),
        stopped: meta::get(conn, meta::STOPPED)?,
    })
}

/// Returns the digest over all columns of the rows that have no place in the log.
fn exact_digest(conn: &Connection) -> rusqlite::Result<Digest> {
    let mut digest = ExactDigest::new();
    let sql = format!("SELECT {} FROM audit_log NOT INDEXED WHERE seq IS NULL ORDER BY id", cells::COLUMNS);
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        digest.push(&cells::exact(row)?);
    }
    Ok(digest.finish())
}

/// Returns the id of the log's first row, or the next id when there is none.
fn first_id(conn: &Connection, head: &LogHead) -> rusqlite::Result<i64> {
    let sql = "SELECT id FROM audit_log NOT INDEXED WHERE seq = 0 ORDER BY id LIMIT 1";
    let first = conn.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(first.unwrap_or_else(|| head.id.saturating_add(1)))
}

/// Returns the schema as the migration has left it, without triggers that no step creates: a trigger that existed
/// before the first statement must be accepted by an operator.
pub(crate) fn first_statement(conn: &Connection, head: &LogHead) -> rusqlite::Result<SchemaStatement> {
    let ours = Connection::open_in_memory()?;
    for step in STEPS {
        ours.execute_batch(step)?;
    }
    let ours = objects(&ours)?;
    let mut objects = objects(conn)?;
    objects.retain(|object| object.kind != "trigger" || ours.contains(object));
    let schema = SchemaDigest::of(&objects);
    Ok(SchemaStatement::new(&schema, first_id(conn, head)?, exact_digest(conn)?))
}

/// States the present schema in a row at the end of the log. What the newest statement says about the rows before the
/// log stays. `accepted` is what an operator has accepted; `None` after an upgrade.
pub(crate) fn restate(conn: &Connection, at: Timestamp, accepted: Option<String>) -> Result<(), StoreError> {
    let head = seal::head_or_any(conn)?;
    let old = stated(conn).ok().map(|(_, statement)| statement);
    let old = old.map_or_else(|| first_statement(conn, &head).or_store(), Ok)?;
    let schema = found(conn).or_store()?;
    let mut new = SchemaStatement::new(&schema, old.first_id, old.adopted_sha256);
    let record = if accepted.is_some() {
        new.accepted = accepted;
        let mut record = new.record(at, Actor::Admin);
        record.route = Some("t4 audit accept-schema".to_owned());
        record
    } else {
        new.record(at, Actor::System)
    };
    seal::append(conn, head, record)
}
