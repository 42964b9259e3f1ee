//! Lists of intents. Every list uses an index, so that a page costs the same wherever it is. The exception is the
//! list of a file, which costs as much as the file has intents.

use registry_core::{CountedIntent, Intent, IntentId, IntentRow, Owner, Status, Timestamp};
use rusqlite::{Connection, Params, Row, params};
use storage::{IntentList, IntentQuery, IntentReads, LIST_BYTES, ScanPage, StoreError, intent_bytes};

use crate::columns::lenient;
use crate::errors::OrStore as _;
use crate::readers::{SCAN_ROWS, Snapshot};
use crate::rows::intents::{self, COLUMNS, OPEN, borrow_intent, read_intent, select};

impl IntentReads for Snapshot<'_> {
    fn intent(&self, id: &IntentId) -> Result<Option<Intent>, StoreError> {
        intents::get(self.conn, id).or_store()
    }

    fn intents_by_file(
        &self,
        file: &str,
        after: Option<(Option<i64>, &str)>,
        limit: u32,
    ) -> Result<Vec<Intent>, StoreError> {
        collect(self.conn, &IntentList::ByFile { file, after }, limit).or_store()
    }

    fn intents_by_owner(
        &self,
        owner: &Owner,
        before: Option<(Timestamp, &str)>,
        limit: u32,
    ) -> Result<Vec<Intent>, StoreError> {
        collect(self.conn, &IntentList::ByOwner { owner, before }, limit).or_store()
    }

    fn stale_intents(
        &self,
        cutoff: Timestamp,
        after: Option<(Timestamp, &str)>,
        limit: u32,
    ) -> Result<Vec<Intent>, StoreError> {
        collect(self.conn, &IntentList::Stale { cutoff, after }, limit).or_store()
    }

    fn visit_intents(
        &self,
        list: &IntentList<'_>,
        limit: u32,
        visit: &mut dyn FnMut(&IntentRow<'_>) -> bool,
    ) -> Result<bool, StoreError> {
        if let IntentList::ByFile { file, .. } = list
            && is_crowded(self.conn, file).or_store()?
        {
            return Ok(false);
        }
        each(self.conn, list, limit, &mut |row| Ok(visit(&borrow_intent(row)?))).or_store()?;
        Ok(true)
    }

    fn scan_intents(
        &self,
        filter: &IntentQuery,
        after: Option<&IntentId>,
        limit: u32,
    ) -> Result<ScanPage, StoreError> {
        scan(self.conn, filter, after, limit).or_store()
    }

    fn count_intents(
        &self,
        after: Option<&IntentId>,
        limit: u32,
        visit: &mut dyn FnMut(CountedIntent<'_>),
    ) -> Result<Option<IntentId>, StoreError> {
        count(self.conn, after, limit.min(SCAN_ROWS), visit).or_store()
    }
}

/// Visitor of a row of a list; it returns whether the next one is wanted.
type Visit<'v> = dyn FnMut(&Row<'_>) -> rusqlite::Result<bool> + 'v;

fn collect(conn: &Connection, list: &IntentList<'_>, limit: u32) -> rusqlite::Result<Vec<Intent>> {
    let (mut found, mut bytes) = (Vec::new(), 0);
    each(conn, list, limit, &mut |row| {
        // The row after a full page shows that there is more.
        let full = bytes >= LIST_BYTES;
        let intent = read_intent(row)?;
        bytes += intent_bytes(&intent);
        found.push(intent);
        Ok(!full)
    })?;
    Ok(found)
}

/// Visits the rows of a list.
fn each(conn: &Connection, list: &IntentList<'_>, limit: u32, visit: &mut Visit<'_>) -> rusqlite::Result<()> {
    match *list {
        IntentList::ByFile { file, after } => by_file(conn, file, after, limit, visit),
        IntentList::ByOwner { owner, before: None } => {
            let sql = select!("owner = ?1 ORDER BY modified_at DESC, id DESC LIMIT ?2");
            query(conn, sql, params![owner.as_str(), limit], visit)
        }
        IntentList::ByOwner { owner, before: Some((time, id)) } => {
            let sql = select!(
                "owner = ?1 AND (modified_at, id) < (?2, ?3) ORDER BY modified_at DESC, id DESC LIMIT ?4"
            );
            query(conn, sql, params![owner.as_str(), time.to_string(), id, limit], visit)
        }
        IntentList::Stale { cutoff, after } => {
            let (time, id) = after.map_or((String::new(), ""), |(time, id)| (time.to_string(), id));
            let sql = format!(
                "SELECT {COLUMNS} FROM intents WHERE {OPEN} AND modified_at < ?1 AND (modified_at, id) > (?2, ?3) \
                 ORDER BY modified_at, id LIMIT ?4"
            );
            query(conn, &sql, params![cutoff.to_string(), time, id, limit], visit)
        }
    }
}

/// Visits the rows of a query.
fn query(conn: &Connection, sql: &str, params: impl Params, visit: &mut Visit<'_>) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        if !visit(row)? {
            break;
        }
    }
    Ok(())
}

/// Maximum rows of a file that are sorted on a thread that serves requests.
const SORTED_ROWS: u32 = 128;

/// Whether a file has so many intents that sorting them takes long.
fn is_crowded(conn: &Connection, file: &str) -> rusqlite::Result<bool> {
    const SQL: &str = "SELECT 1 FROM intents INDEXED BY idx_intents_file WHERE file = ?1 LIMIT 1 OFFSET ?2";
    conn.prepare_cached(SQL)?.exists(params![file, SORTED_ROWS])
}

/// The intents of a file are sorted by line for each page: an index in this order would cost every create another
/// page.
fn by_file(
    conn: &Connection,
    file: &str,
    after: Option<(Option<i64>, &str)>,
    limit: u32,
    visit: &mut Visit<'_>,
) -> rusqlite::Result<()> {
    macro_rules! sorted {
        ($rule:literal) => {
            concat!("SELECT rowid FROM intents INDEXED BY idx_intents_file WHERE file = ?1", $rule)
        };
    }
    // Only the positions are sorted, from the index alone; the rows of the page are read afterwards.
    let places = match after {
        None => places(conn, sorted!(" ORDER BY line, id LIMIT ?2"), params![file, limit]),
        Some((Some(line), id)) => {
            let sql = sorted!(" AND (line, id) > (?2, ?3) ORDER BY line, id LIMIT ?4");
            places(conn, sql, params![file, line, id, limit])
        }
        // NULL compares with nothing, and precedes all lines.
        Some((None, id)) => {
            let sql = sorted!(" AND (line IS NOT NULL OR id > ?2) ORDER BY line, id LIMIT ?3");
            places(conn, sql, params![file, id, limit])
        }
    };
    let mut statement = conn.prepare_cached(select!("rowid = ?1"))?;
    for place in places? {
        let mut rows = statement.query([place])?;
        if let Some(row) = rows.next()?
            && !visit(row)?
        {
            break;
        }
    }
    Ok(())
}

fn places(conn: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<Vec<i64>> {
    conn.prepare_cached(sql)?.query_map(params, |row| row.get(0))?.collect()
}

/// Rows by id. An id that is not a text, which only an editor of the file can make, is left out: no cursor could
/// point after it.
const BY_ID: &str = "id > ?1 AND id < x'' ORDER BY id LIMIT ?2";

fn scan(
    conn: &Connection,
    filter: &IntentQuery,
    after: Option<&IntentId>,
    limit: u32,
) -> rusqlite::Result<ScanPage> {
    let sql = format!("SELECT {COLUMNS} FROM intents WHERE {BY_ID}");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params![after.map_or("", IntentId::as_str), SCAN_ROWS])?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut page = ScanPage::default();
    let (mut looked, mut bytes) = (0, 0);
    let mut last: Option<IntentId> = None;
    while let Some(row) = rows.next()? {
        looked += 1;
        let fits = fits(filter, row)?;
        if fits {
            let intent = read_intent(row)?;
            bytes += intent_bytes(&intent);
            page.rows.push(intent);
        }
        let full = fits && (page.rows.len() >= limit || bytes >= LIST_BYTES);
        // The id is copied only where the part ends.
        if full || looked == SCAN_ROWS {
            last = lenient::string(row, 0)?.map(IntentId::from_stored);
        }
        if full {
            page.looked_up_to = last;
            return Ok(page);
        }
    }
    page.done = looked < SCAN_ROWS;
    page.looked_up_to = last.or_else(|| page.rows.last().map(|intent| intent.id.clone()));
    Ok(page)
}

fn fits(filter: &IntentQuery, row: &Row<'_>) -> rusqlite::Result<bool> {
    let same = |index: usize, wanted: Option<&str>| -> rusqlite::Result<bool> {
        match wanted {
            None => Ok(true),
            Some(wanted) => Ok(lenient::text(row, index)?.as_deref() == Some(wanted)),
        }
    };
    let status = match filter.status.as_deref() {
        None => true,
        // A stored text counts as the status that it is read as; an unknown word stands for itself.
        Some(wanted) => {
            let stored = lenient::text(row, 12)?;
            match Status::parse(wanted) {
                Some(status) => Status::read(stored.as_deref()).status == status,
                None => stored.as_deref() == Some(wanted),
            }
        }
    };
    Ok(status
        && same(1, filter.code.as_deref())?
        && same(3, filter.file.as_deref())?
        && same(9, filter.owner.as_ref().map(Owner::as_str))?
        && same(17, filter.agent_id.as_ref().map(registry_core::AgentId::as_str))?)
}

fn count(
    conn: &Connection,
    after: Option<&IntentId>,
    limit: u32,
    visit: &mut dyn FnMut(CountedIntent<'_>),
) -> rusqlite::Result<Option<IntentId>> {
    let sql = format!(
        "SELECT id, status, code, owner IS NOT NULL AND ticket IS NOT NULL, created_at, resolved_at \
         FROM intents WHERE {BY_ID}"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params![after.map_or("", IntentId::as_str), limit])?;
    let (mut shown, mut last) = (0, None);
    while let Some(row) = rows.next()? {
        shown += 1;
        let (status, code) = (lenient::text(row, 1)?, lenient::text(row, 2)?);
        // Most rows are not resolved: their times are not even read.
        let resolved = match lenient::time(row, 5)? {
            Some(resolved) => lenient::time(row, 4)?.map(|created| (created, resolved)),
            None => None,
        };
        visit(CountedIntent {
            status: status.as_deref().unwrap_or(Status::Reserved.as_str()),
            code: code.as_deref().unwrap_or_default(),
            owned: row.get(3)?,
            resolved,
        });
        if shown == limit {
            last = lenient::string(row, 0)?.map(IntentId::from_stored);
        }
    }
    Ok(last)
}
