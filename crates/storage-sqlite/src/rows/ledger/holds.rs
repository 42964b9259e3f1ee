//! Table of holds.

use llm_policy::{CallId, HoldId, Operation};
use registry_core::{AgentId, KeyId, Owner, Timestamp};
use rusqlite::{Connection, Row, params};
use storage::{HoldRow, StoreError};

use crate::columns::strict::{Cells, all, one};
use crate::columns::{lenient, to_i64};
use crate::errors::OrStore as _;

/// Columns that [`hold`] reads, in its order, which is also the order that [`insert`] writes.
macro_rules! columns {
    () => {
        "id, call_id, attempt, key_id, agent_id, owner, operation, provider, model, rates, price_version, \
         input_tokens, choices, max_tokens, amount_pico, accounts, request_id, holder, created_at, lease_until, \
         orphaned, by_agent"
    };
}

fn hold(row: &Row<'_>) -> Result<HoldRow, StoreError> {
    let cells = Cells::new(row, "llm_holds", 1);
    let own = |text: Option<&str>| text.map(str::to_owned);
    Ok(HoldRow {
        id: HoldId::from_stored(cells.text(0, "id")?),
        call_id: CallId::from_stored(cells.text(1, "call_id")?),
        attempt: cells.number(2, "attempt")?,
        key_id: KeyId::from_stored(cells.text(3, "key_id")?),
        agent_id: AgentId::from_stored(cells.text(4, "agent_id")?),
        owner: own(cells.text_or_null(5, "owner")?).map(Owner::from_stored),
        operation: cells.word(6, "operation", Operation::parse)?,
        provider: cells.text(7, "provider")?,
        model: cells.text(8, "model")?,
        rates: cells.parsed(9, "rates", |text| serde_json::from_str(text))?,
        price_version: cells.text(10, "price_version")?,
        input_tokens: cells.number(11, "input_tokens")?,
        choices: cells.number(12, "choices")?,
        max_tokens: cells.number_or_null(13, "max_tokens")?,
        amount_pico_usd: cells.number(14, "amount_pico")?,
        accounts: cells.parsed(15, "accounts", |text| serde_json::from_str(text))?,
        request_id: own(cells.text_or_null(16, "request_id")?),
        holder: own(cells.text_or_null(17, "holder")?),
        created_at: cells.time(18, "created_at")?,
        lease_until: cells.time(19, "lease_until")?,
        orphaned: cells.flag(20, "orphaned")?,
        by_agent: cells.flag(21, "by_agent")?,
    })
}

pub(crate) fn get(conn: &Connection, key: &KeyId, id: &HoldId) -> Result<Option<HoldRow>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM llm_holds WHERE id = ?1 AND key_id = ?2");
    one(conn.prepare_cached(SQL).or_store()?, [id.as_str(), key.as_str()], hold)
}

pub(crate) fn insert(conn: &Connection, hold: &HoldRow) -> Result<bool, StoreError> {
    const SQL: &str = concat!(
        "INSERT INTO llm_holds (",
        columns!(),
        ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22) \
         ON CONFLICT (id, key_id) DO NOTHING"
    );
    let json = |error: serde_json::Error| StoreError::Invariant(error.to_string());
    let row = params![
        hold.id.as_str(),
        hold.call_id.as_str(),
        hold.attempt,
        hold.key_id.as_str(),
        hold.agent_id.as_str(),
        hold.owner.as_ref().map(Owner::as_str),
        hold.operation.as_str(),
        hold.provider,
        hold.model,
        serde_json::to_string(&hold.rates).map_err(json)?,
        hold.price_version,
        to_i64(hold.input_tokens),
        hold.choices,
        hold.max_tokens.map(to_i64),
        hold.amount_pico_usd,
        serde_json::to_string(&hold.accounts).map_err(json)?,
        hold.request_id,
        hold.holder,
        hold.created_at.to_string(),
        hold.lease_until.to_string(),
        hold.orphaned,
        hold.by_agent,
    ];
    changed(conn, SQL, row).map(|count| count == 1)
}

pub(crate) fn remove(conn: &Connection, key: &KeyId, id: &HoldId) -> Result<bool, StoreError> {
    const SQL: &str = "DELETE FROM llm_holds WHERE id = ?1 AND key_id = ?2";
    changed(conn, SQL, [id.as_str(), key.as_str()]).map(|count| count == 1)
}

pub(crate) fn orphan(conn: &Connection, key: &KeyId, id: &HoldId) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE llm_holds SET orphaned = 1 WHERE id = ?1 AND key_id = ?2 AND orphaned = 0";
    changed(conn, SQL, [id.as_str(), key.as_str()]).map(|count| count == 1)
}

pub(crate) fn renew(conn: &Connection, holder: &str, until: Timestamp) -> Result<u64, StoreError> {
    // There are as many holds as calls under way, so looking through all of them costs less than an index that every
    // call pays for.
    const SQL: &str = "UPDATE llm_holds SET lease_until = ?2 WHERE holder = ?1 AND orphaned = 0";
    changed(conn, SQL, params![holder, until.to_string()])
}

pub(crate) fn expired(conn: &Connection, now: Timestamp, limit: u32) -> Result<Vec<HoldRow>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM llm_holds WHERE orphaned = 0 AND lease_until <= ?1 ORDER BY lease_until, id, key_id LIMIT ?2"
    );
    all(conn.prepare_cached(SQL).or_store()?, params![now.to_string(), limit], hold)
}

pub(crate) fn forget_orphans(conn: &Connection, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    const SQL: &str = "DELETE FROM llm_holds WHERE (id, key_id) IN \
         (SELECT id, key_id FROM llm_holds WHERE orphaned = 1 AND lease_until < ?1 ORDER BY lease_until LIMIT ?2)";
    changed(conn, SQL, params![before.to_string(), limit])
}

pub(crate) fn list(
    conn: &Connection,
    key: Option<&KeyId>,
    after: Option<(&HoldId, &KeyId)>,
    limit: u32,
) -> Result<Vec<HoldRow>, StoreError> {
    const ALL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM llm_holds WHERE (id, key_id) > (?1, ?2) ORDER BY id, key_id LIMIT ?3"
    );
    const OF_KEY: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM llm_holds WHERE (id, key_id) > (?1, ?2) AND key_id = ?4 ORDER BY id, key_id LIMIT ?3"
    );
    let (id, of) = after.map_or(("", ""), |(id, key)| (id.as_str(), key.as_str()));
    match key {
        None => all(conn.prepare_cached(ALL).or_store()?, params![id, of, limit], hold),
        Some(key) => all(conn.prepare_cached(OF_KEY).or_store()?, params![id, of, limit, key.as_str()], hold),
    }
}

/// Query for the number of open holds and their total.
pub(crate) fn totals(conn: &Connection) -> rusqlite::Result<(u64, i64)> {
    const SQL: &str = "SELECT count(*), COALESCE(SUM(amount_pico), 0) FROM llm_holds WHERE orphaned = 0";
    conn.prepare_cached(SQL)?.query_row([], |row| Ok((lenient::count(row, 0)?, row.get(1)?)))
}

fn changed(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<u64, StoreError> {
    let count = conn.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).or_store()?;
    Ok(u64::try_from(count).unwrap_or(u64::MAX))
}
