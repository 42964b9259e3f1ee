//! Adoption of the original service's log: removes secrets from its rows and computes a digest over them.

use api_keys::{Pepper, key_id_of_text};
use audit::{Adopted, AdoptedDigest, AdoptedRow, redact_json, redact_log_text, redact_path};
use rusqlite::{Connection, Row, params};
use serde_json::Value;

use crate::audit::cells;
use crate::columns::lenient;
use crate::migrate::chunks::{KnownKeys, in_chunks, normal_time};

/// Value of a column of key ids when its text can't have been a key.
const NO_KEY: &str = "[redacted]";

/// Replaces keys by key ids, and removes secrets from paths and bodies.
pub(crate) fn clean(conn: &Connection, pepper: &Pepper, known: &KnownKeys) -> rusqlite::Result<()> {
    let sql = "SELECT id, api_key, path, body FROM audit_log WHERE id > ?1 ORDER BY id LIMIT ?2";
    let write = "UPDATE audit_log SET api_key = ?2, path = ?3, body = ?4 WHERE id = ?1";
    in_chunks(conn, sql, |row| {
        let id: i64 = row.get(0)?;
        let key = key_id(lenient::string(row, 1)?, pepper, known);
        let path = lenient::string(row, 2)?.map(|path| redact_path(&name_keys(&path, known)));
        let body = lenient::string(row, 3)?.map(|body| clean_body(&name_keys(&body, known)));
        conn.prepare_cached(write)?.execute(params![id, key, path, body])?;
        Ok(id)
    })
}

/// Replaces keys by key ids in the log of LLM calls, and converts times to the form that sorts.
pub(crate) fn clean_usage(conn: &Connection, pepper: &Pepper, known: &KnownKeys) -> rusqlite::Result<()> {
    let sql = "SELECT id, api_key, timestamp FROM llm_usage WHERE id > ?1 ORDER BY id LIMIT ?2";
    let write = "UPDATE llm_usage SET api_key = ?2, timestamp = ?3 WHERE id = ?1";
    in_chunks(conn, sql, |row| {
        let id: i64 = row.get(0)?;
        let key = key_id(lenient::string(row, 1)?, pepper, known);
        conn.prepare_cached(write)?.execute(params![id, key, normal_time(row, 2)?])?;
        Ok(id)
    })
}

/// Returns the digest over the rows as they are now.
pub(crate) fn digest(conn: &Connection) -> rusqlite::Result<Adopted> {
    let mut digest = AdoptedDigest::new();
    let sql = format!("SELECT {} FROM audit_log WHERE seq IS NULL ORDER BY id", cells::COLUMNS);
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        with_adopted(row, |adopted| digest.push(adopted))?;
    }
    Ok(digest.finish_as_claim())
}

/// Passes a row with the columns of [`cells::COLUMNS`] in the form of the digest over adopted rows.
pub(crate) fn with_adopted<T>(row: &Row<'_>, show: impl FnOnce(&AdoptedRow<'_>) -> T) -> rusqlite::Result<T> {
    let (timestamp, api_key, agent_id) =
        (lenient::text(row, 4)?, lenient::text(row, 7)?, lenient::text(row, 8)?);
    let (path, method) = (lenient::text(row, 12)?, lenient::text(row, 10)?);
    let (ip, body) = (lenient::text(row, 9)?, lenient::text(row, 20)?);
    Ok(show(&AdoptedRow {
        id: row.get(0)?,
        timestamp: timestamp.as_deref(),
        api_key: api_key.as_deref(),
        agent_id: agent_id.as_deref(),
        path: path.as_deref(),
        method: method.as_deref(),
        status_code: lenient::integer(row, 13)?,
        ip: ip.as_deref(),
        body: body.as_deref(),
    }))
}

fn key_id(text: Option<String>, pepper: &Pepper, known: &KnownKeys) -> Option<String> {
    let text = text.filter(|text| !text.is_empty())?;
    if let Some(key_id) = known.get(&text) {
        return Some(key_id.clone());
    }
    Some(key_id_of_text(&text, pepper).map_or_else(|| NO_KEY.to_owned(), registry_core::KeyId::into_string))
}

/// Replaces known keys in a text by their ids, so that the log still says which key was meant.
fn name_keys(text: &str, known: &KnownKeys) -> String {
    let in_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word_end = rest.find(|c| !in_key(c)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(word_end);
        out.push_str(known.get(word).map_or(word, String::as_str));
        let gap_end = tail.find(in_key).unwrap_or(tail.len());
        let (gap, tail) = tail.split_at(gap_end);
        out.push_str(gap);
        rest = tail;
    }
    // Keys that a person invented, with other characters in them.
    let odd = known.iter().filter(|(key, _)| !key.is_empty() && !key.chars().all(in_key));
    odd.fold(
        out,
        |out, (key, id)| if out.contains(key.as_str()) { out.replace(key.as_str(), id) } else { out },
    )
}

fn clean_body(body: &str) -> String {
    match serde_json::from_str::<Value>(body) {
        Ok(mut value) => {
            let before = value.clone();
            redact_json(&mut value);
            // A text without a secret stays as it was written.
            if value == before { body.to_owned() } else { value.to_string() }
        }
        Err(_) => redact_log_text(body).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_are_named_wherever_they_stand() {
        let known: KnownKeys =
            [("abc-DEF_1", "t4_x1"), ("sp ace", "t4_x2")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        assert_eq!(
            name_keys("/a/abc-DEF_1?k=abc-DEF_1&x=abc-DEF_12", &known),
            "/a/t4_x1?k=t4_x1&x=abc-DEF_12"
        );
        assert_eq!(name_keys("é sp ace", &known), "é t4_x2");
        assert_eq!(name_keys("", &known), "");
    }

    #[test]
    fn a_body_without_a_secret_keeps_its_form() {
        assert_eq!(clean_body(r#"{ "b": 1,  "a": 2 }"#), r#"{ "b": 1,  "a": 2 }"#);
        assert!(!clean_body(r#"{"password":"hunter2"}"#).contains("hunter2"));
        assert!(!clean_body("password=hunter2").contains("hunter2"));
    }
}
