//! Reads of the pre-PR check: whether a file is covered, and which of its intents is a placeholder. The cost does not
//! depend on how many intents a file has.

use std::collections::BTreeSet;

use registry_core::{Coverage, IntentId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::columns::lenient;
use crate::rows::intents;

/// Number of intents of a file up to which all are looked through; a larger file is asked for each code.
const FEW: u32 = 64;

/// Number of codes up to which a file is asked for each code at once.
const FEW_CODES: usize = 4;

/// Query of the intents of a file at one stage, by code, line and id. The expression is that of the index
/// `idx_intents_file`: 1 for an intent that covers its file, 0 for a placeholder.
macro_rules! at_stage {
    ($stage:literal, $select:literal, $rest:literal) => {
        concat!(
            $select,
            " FROM intents INDEXED BY idx_intents_file WHERE file = ?1 AND CASE status WHEN 'planned' THEN 1 \
             WHEN 'committed' THEN 1 WHEN 'implemented' THEN 1 WHEN 'accepted' THEN 1 WHEN 'documented' THEN 1 \
             WHEN 'expired' THEN 2 ELSE 0 END = ",
            $stage,
            " ",
            $rest
        )
    };
}
const COVERING: &str = at_stage!(1, "SELECT code", "LIMIT ?2");
const COVERING_CODE: &str = at_stage!(1, "SELECT 1", "AND code = ?2 LIMIT 1");
const WAITING: &str = at_stage!(0, "SELECT line, id, code", "ORDER BY code, line, id LIMIT ?2");
const WAITING_CODE: &str = at_stage!(0, "SELECT line, id", "AND code = ?2 ORDER BY line, id LIMIT 1");

/// Returns how the intents of a file cover it. An empty set of codes means any code.
pub(super) fn coverage(
    conn: &Connection,
    file: &str,
    codes: &BTreeSet<String>,
) -> rusqlite::Result<Coverage> {
    if is_covered(conn, file, codes)? {
        return Ok(Coverage::Covered);
    }
    let Some(waiting) = first_waiting(conn, file, codes)? else { return Ok(Coverage::Missing) };
    let found = intents::get(conn, &IntentId::from_stored(waiting.id))?;
    Ok(found.map_or(Coverage::Missing, |intent| Coverage::Reserved(Box::new(intent))))
}

fn is_covered(conn: &Connection, file: &str, codes: &BTreeSet<String>) -> rusqlite::Result<bool> {
    if codes.is_empty() || codes.len() > FEW_CODES {
        let mut statement = conn.prepare_cached(COVERING)?;
        let mut rows = statement.query(params![file, FEW + 1])?;
        let mut seen = 0;
        while let Some(row) = rows.next()? {
            seen += 1;
            if fits(codes, row, 0)? {
                return Ok(true);
            }
        }
        if seen <= FEW {
            return Ok(false);
        }
    }
    let mut statement = conn.prepare_cached(COVERING_CODE)?;
    for code in codes {
        if statement.exists(params![file, code])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Placeholder of a file. The first by line and id is reused; NULL precedes all lines.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct WaitingIntent {
    line: Option<i64>,
    id: String,
}

fn first_waiting(
    conn: &Connection,
    file: &str,
    codes: &BTreeSet<String>,
) -> rusqlite::Result<Option<WaitingIntent>> {
    let mut first = None;
    if codes.is_empty() || codes.len() > FEW_CODES {
        let mut statement = conn.prepare_cached(WAITING)?;
        let mut rows = statement.query(params![file, FEW + 1])?;
        let (mut seen, mut head) = (0, None);
        while let Some(row) = rows.next()? {
            seen += 1;
            if head.is_none() && codes.is_empty() {
                head = Some(read_waiting(row)?);
            }
            if fits(codes, row, 2)? {
                first = Some(earlier(first, read_waiting(row)?));
            }
        }
        if seen <= FEW {
            return Ok(first);
        }
        if codes.is_empty() {
            return Ok(head);
        }
    }
    let mut statement = conn.prepare_cached(WAITING_CODE)?;
    for code in codes {
        if let Some(found) = statement.query_row(params![file, code], read_waiting).optional()? {
            first = Some(earlier(first, found));
        }
    }
    Ok(first)
}

fn read_waiting(row: &Row<'_>) -> rusqlite::Result<WaitingIntent> {
    Ok(WaitingIntent { line: lenient::integer(row, 0)?, id: lenient::string(row, 1)?.unwrap_or_default() })
}

fn earlier(known: Option<WaitingIntent>, found: WaitingIntent) -> WaitingIntent {
    match known {
        Some(known) => known.min(found),
        None => found,
    }
}

fn fits(codes: &BTreeSet<String>, row: &Row<'_>, index: usize) -> rusqlite::Result<bool> {
    Ok(codes.is_empty() || codes.contains(lenient::text(row, index)?.as_deref().unwrap_or_default()))
}

#[cfg(test)]
mod tests;
