//! Table of alerts: one row per account and percentage.

use llm_policy::{AccountKey, BudgetScope, WindowKind};
use registry_core::Timestamp;
use rusqlite::{Connection, Row, params};
use storage::{AlertRow, StoreError};

use crate::columns::strict::{Cells, all};
use crate::errors::OrStore as _;

pub(crate) fn insert(conn: &Connection, alert: &AlertRow) -> rusqlite::Result<bool> {
    const SQL: &str = "INSERT INTO llm_alerts \
         (scope, id, window, window_id, percent, limit_pico, settled_pico, at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
         ON CONFLICT (scope, id, window, window_id, percent) DO NOTHING";
    let AccountKey { scope, id, window, window_id } = &alert.account;
    let row = params![
        scope.as_str(),
        id,
        window.as_str(),
        window_id,
        alert.percent,
        alert.limit_pico_usd,
        alert.settled_pico_usd,
        alert.at.to_string(),
    ];
    Ok(conn.prepare_cached(SQL)?.execute(row)? == 1)
}

pub(crate) fn delivered(
    conn: &Connection,
    account: &AccountKey,
    percent: u8,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    const SQL: &str = "UPDATE llm_alerts SET delivered_at = ?6 WHERE scope = ?1 AND id = ?2 AND window = ?3 \
         AND window_id = ?4 AND percent = ?5 AND delivered_at IS NULL";
    let AccountKey { scope, id, window, window_id } = account;
    let named = params![scope.as_str(), id, window.as_str(), window_id, percent, at.to_string()];
    Ok(conn.prepare_cached(SQL)?.execute(named)? == 1)
}

pub(crate) fn pending(conn: &Connection, limit: u32) -> Result<Vec<AlertRow>, StoreError> {
    const SQL: &str = "SELECT scope, id, window, window_id, percent, limit_pico, settled_pico, at FROM llm_alerts \
         WHERE delivered_at IS NULL ORDER BY at, scope, id, window, window_id, percent LIMIT ?1";
    all(conn.prepare_cached(SQL).or_store()?, [limit], alert)
}

fn alert(row: &Row<'_>) -> Result<AlertRow, StoreError> {
    let cells = Cells::new(row, "llm_alerts", 5);
    Ok(AlertRow {
        account: AccountKey {
            scope: cells.word(0, "scope", BudgetScope::parse)?,
            id: cells.text(1, "id")?,
            window: cells.word(2, "window", WindowKind::parse)?,
            window_id: cells.text(3, "window_id")?,
        },
        percent: cells.number(4, "percent")?,
        limit_pico_usd: cells.number(5, "limit_pico")?,
        settled_pico_usd: cells.number(6, "settled_pico")?,
        at: cells.time(7, "at")?,
    })
}
