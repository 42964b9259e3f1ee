//! The least that a server must do, to measure the registry against: a bare actix-web handler that reads the same rows
//! by rusqlite and writes the same JSON, and a bare loop that inserts the rows of creates and commits them in groups.
//! No key, limit, audit row, header or log line; and no check of what it is sent.
//!
//! `yardstick --db FILE` serves; `yardstick insert FILE SECONDS` inserts into a database that `intent-api` has made, and
//! prints the creates in a second.

use std::cell::RefCell;
use std::io::Write as _;
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use rusqlite::{Connection, OpenFlags, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// As in the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Creates that share a commit: as many as the bench has requests in flight.
const GROUP: u32 = 64;

#[derive(Serialize)]
struct Intent {
    id: String,
    code: String,
    #[serde(rename = "type")]
    kind: String,
    file: Option<String>,
    line: Option<i64>,
    import_text: Option<String>,
    reason_category: Option<String>,
    reason: Option<String>,
    suggestion: Option<String>,
    owner: Option<String>,
    ticket: Option<String>,
    eta: Option<String>,
    status: String,
    created_at: String,
    modified_at: String,
    resolved_at: Option<String>,
    raw: Option<Box<RawValue>>,
    agent_id: Option<String>,
}

const SELECT: &str = "SELECT id, code, type, file, line, import_text, reason_category, reason, suggestion, owner, \
                      ticket, eta, status, created_at, modified_at, resolved_at, raw, agent_id FROM intents WHERE ";

fn read(row: &Row<'_>) -> rusqlite::Result<Intent> {
    Ok(Intent {
        id: row.get(0)?,
        code: row.get(1)?,
        kind: row.get(2)?,
        file: row.get(3)?,
        line: row.get(4)?,
        import_text: row.get(5)?,
        reason_category: row.get(6)?,
        reason: row.get(7)?,
        suggestion: row.get(8)?,
        owner: row.get(9)?,
        ticket: row.get(10)?,
        eta: row.get(11)?,
        status: row.get(12)?,
        created_at: row.get(13)?,
        modified_at: row.get(14)?,
        resolved_at: row.get(15)?,
        raw: row.get::<_, Option<String>>(16)?.and_then(|raw| RawValue::from_string(raw).ok()),
        agent_id: row.get(17)?,
    })
}

/// The connection of a worker's thread.
type Reader = RefCell<Connection>;

async fn get(reader: web::Data<Reader>, id: web::Path<String>) -> HttpResponse {
    let conn = reader.borrow();
    let mut statement = conn.prepare_cached(&format!("{SELECT}id = ?1")).expect("a statement");
    match statement.query_row(params![*id], read) {
        Ok(intent) => HttpResponse::Ok().json(intent),
        Err(_) => HttpResponse::NotFound().finish(),
    }
}

#[derive(Deserialize)]
struct ByFile {
    file: String,
}

async fn by_file(reader: web::Data<Reader>, query: web::Query<ByFile>) -> HttpResponse {
    let conn = reader.borrow();
    let sql = format!("{SELECT}file = ?1 ORDER BY line, id LIMIT 1001");
    let mut statement = conn.prepare_cached(&sql).expect("a statement");
    let rows = statement.query_map(params![query.file], read).expect("rows");
    HttpResponse::Ok().json(rows.collect::<Result<Vec<_>, _>>().expect("rows"))
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [word, db, seconds] = args.as_slice()
        && word == "insert"
    {
        let time = Duration::from_secs(seconds.parse().expect("seconds"));
        println!("{:.0}", insert(db, time).expect("inserts"));
        return Ok(());
    }
    let db = args.iter().skip_while(|arg| *arg != "--db").nth(1).expect("--db FILE").clone();
    let server = HttpServer::new(move || {
        let conn = Connection::open_with_flags(&db, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the database");
        App::new()
            .app_data(web::Data::new(RefCell::new(conn)))
            .route("/intents/by_file", web::get().to(by_file))
            .route("/intents/{id}", web::get().to(get))
    });
    let server = server.bind("127.0.0.1:0")?;
    println!("{{\"listening\":\"{}\"}}", server.addrs().first().expect("an address"));
    std::io::stdout().flush()?;
    server.run().await
}

/// Inserts what creates leave, the intent and its row of the audit log, for a time; creates in a second.
fn insert(db: &str, time: Duration) -> rusqlite::Result<f64> {
    let conn = Connection::open(db)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.query_row("PRAGMA wal_autocheckpoint = 4000", [], |_| Ok(()))?;
    conn.pragma_update(None, "cache_size", -8 * 1024)?;
    let mut intent = conn.prepare(
        "INSERT INTO intents (id, code, type, file, line, reason, status, created_at, modified_at, agent_id, version, \
         creation) VALUES (?1, 'F821', 'lint', ?2, ?3, ?4, 'reserved', ?5, ?5, 'agent', 1, ?6)",
    )?;
    let mut audit = conn.prepare(
        "INSERT INTO audit_log (timestamp, api_key, agent_id, path, method, status_code, ip, body, v, seq, event, \
         request_id, actor, route, outcome, body_bytes, body_kept, body_sha256, leaf, chain) VALUES (?1, 't4_key', \
         'agent', '/intents', 'POST', 201, '127.0.0.1', ?2, 1, ?3, 'request', ?4, 'agent', '/intents', 'ok', ?5, ?5, \
         ?6, ?7, ?7)",
    )?;
    let mut seq: i64 =
        conn.query_row("SELECT COALESCE(MAX(seq), -1) + 1 FROM audit_log", [], |row| row.get(0))?;
    let (now, reason) = ("2026-01-15T10:00:00.000000Z", "the name is not defined in this scope");
    let (digest, hash) = ([7_u8; 32], "7".repeat(64));
    let (begun, mut count, mut state) = (Instant::now(), 0_u32, 1_u64);
    while begun.elapsed() < time {
        conn.execute_batch("BEGIN IMMEDIATE")?;
        for _ in 0..GROUP {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            count += 1;
            let id = format!("{state:016x}{seq:016x}");
            let file = format!("src/new/file_{}.py", count % 997);
            let line = count % 500 + 1;
            let body = format!(r#"{{"code":"F821","file":"{file}","line":{line},"reason":"{reason}"}}"#);
            intent.execute(params![id, file, line, reason, now, digest])?;
            audit.execute(params![now, body, seq, id, body.len() as i64, hash, digest])?;
            seq += 1;
        }
        conn.execute_batch("COMMIT")?;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}
