//! Table of accounts: what a budget has spent and holds in one window.

use llm_policy::{AccountKey, AccountState};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, params};
use storage::StoreError;

use crate::columns::lenient;
use crate::errors::{OrStore as _, store_error};

pub(crate) fn get(conn: &Connection, key: &AccountKey) -> Result<AccountState, StoreError> {
    const SQL: &str = "SELECT settled_pico, held_pico FROM llm_accounts \
         WHERE scope = ?1 AND id = ?2 AND window = ?3 AND window_id = ?4";
    let AccountKey { scope, id, window, window_id } = key;
    let named = params![scope.as_str(), id, window.as_str(), window_id];
    let state = |row: &Row<'_>| Ok((lenient::integer(row, 0)?, lenient::integer(row, 1)?));
    let found = conn
        .prepare_cached(SQL)
        .and_then(|mut statement| statement.query_row(named, state).optional())
        .or_store()?;
    let odd = |column| Err(corrupt(key, column, "it is no whole number".to_owned()));
    match found {
        None => Ok(AccountState::default()),
        Some((Some(settled_pico_usd), Some(held_pico_usd))) => {
            Ok(AccountState { settled_pico_usd, held_pico_usd })
        }
        Some((None, _)) => odd("settled_pico"),
        Some((Some(_), None)) => odd("held_pico"),
    }
}

/// Adds to an account, which exists afterwards. The table refuses a negative amount on hold, and a sum that is too
/// large to count.
pub(crate) fn book(
    conn: &Connection,
    key: &AccountKey,
    settled: i64,
    held: i64,
) -> Result<AccountState, StoreError> {
    const ADD: &str = "INSERT INTO llm_accounts (scope, id, window, window_id, settled_pico, held_pico) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (scope, id, window, window_id) \
         DO UPDATE SET settled_pico = settled_pico + ?5, held_pico = held_pico + ?6 \
         RETURNING settled_pico, held_pico";
    // A table's checks look at the row of an INSERT before its conflict is seen, so a subtraction can't be an INSERT.
    // It needs none: what is subtracted was added before.
    const TAKE: &str = "UPDATE llm_accounts SET settled_pico = settled_pico + ?5, held_pico = held_pico + ?6 \
         WHERE scope = ?1 AND id = ?2 AND window = ?3 AND window_id = ?4 RETURNING settled_pico, held_pico";
    let AccountKey { scope, id, window, window_id } = key;
    let named = params![scope.as_str(), id, window.as_str(), window_id, settled, held];
    let state =
        |row: &Row<'_>| Ok(AccountState { settled_pico_usd: row.get(0)?, held_pico_usd: row.get(1)? });
    let booked = conn
        .prepare_cached(if held < 0 { TAKE } else { ADD })
        .and_then(|mut statement| statement.query_row(named, state).optional());
    match booked {
        Ok(Some(state)) => Ok(state),
        Ok(None) => Err(corrupt(key, "held_pico", "nothing was ever held there".to_owned())),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            let problem = error.to_string();
            let column = if problem.contains("settled_pico") { "settled_pico" } else { "held_pico" };
            Err(corrupt(key, column, problem))
        }
        Err(error) => Err(store_error(&error)),
    }
}

fn corrupt(key: &AccountKey, column: &'static str, problem: String) -> StoreError {
    let AccountKey { scope, id, window, window_id } = key;
    let row = format!("{} {id} {} {window_id}", scope.as_str(), window.as_str());
    StoreError::Corrupt { table: "llm_accounts", column, row, problem }
}
