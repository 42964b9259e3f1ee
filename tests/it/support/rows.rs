//! What the audit log says.

use super::TestApp;

/// One row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    pub id: i64,
    pub event: String,
    pub request_id: String,
    pub actor: String,
    pub api_key: String,
    pub agent: String,
    pub ip: String,
    pub method: String,
    pub route: String,
    pub path: String,
    pub status: i64,
    pub outcome: String,
    pub count: i64,
    pub body: String,
    pub detail: String,
}

/// The rows that stand for one request each.
pub fn request_rows(rows: &[Row]) -> Vec<&Row> {
    rows.iter().filter(|row| row.event == "request").collect()
}

impl TestApp {
    /// Writes what waits, and gives the rows since the last call.
    pub async fn new_rows(&self) -> Vec<Row> {
        self.services.audit.recorder.flush().await.expect("the rows are written");
        let conn = self.outside();
        let text = |name: &str| format!("COALESCE({name}, '')");
        let texts = [
            "event",
            "request_id",
            "actor",
            "api_key",
            "agent_id",
            "ip",
            "method",
            "route",
            "path",
            "outcome",
        ];
        let texts: Vec<_> = texts.into_iter().chain(["body", "detail"]).map(text).collect();
        let sql = format!(
            "SELECT id, COALESCE(status_code, 0), COALESCE(count, 1), {} FROM audit_log WHERE id > ?1 ORDER BY id",
            texts.join(", ")
        );
        let mut statement = conn.prepare(&sql).expect("the columns");
        let rows = statement.query_map([self.seen.get()], |row| {
            Ok(Row {
                id: row.get(0)?,
                status: row.get(1)?,
                count: row.get(2)?,
                event: row.get(3)?,
                request_id: row.get(4)?,
                actor: row.get(5)?,
                api_key: row.get(6)?,
                agent: row.get(7)?,
                ip: row.get(8)?,
                method: row.get(9)?,
                route: row.get(10)?,
                path: row.get(11)?,
                outcome: row.get(12)?,
                body: row.get(13)?,
                detail: row.get(14)?,
            })
        });
        let rows: Vec<Row> = rows.expect("rows").map(|row| row.expect("a row")).collect();
        if let Some(last) = rows.last() {
            self.seen.set(last.id);
        }
        rows
    }

    /// Forgets the rows so far.
    pub async fn skip_rows(&self) {
        self.new_rows().await;
    }

    /// The one row since the last call.
    #[track_caller]
    pub fn one_row(&self) -> impl Future<Output = Row> + '_ {
        let place = std::panic::Location::caller();
        async move {
            let rows = self.new_rows().await;
            assert_eq!(rows.len(), 1, "{place}: {rows:#?}");
            rows.into_iter().next().expect("a row")
        }
    }

    /// Every column of every row of a table, as one text.
    pub fn dump(&self, table: &str) -> String {
        self.dumps(&[table])
    }

    /// The same of several tables, or of what queries in brackets give.
    pub fn dumps(&self, tables: &[&str]) -> String {
        let conn = self.outside();
        let mut text = String::new();
        for table in tables {
            let mut statement = conn.prepare(&format!("SELECT * FROM {table}")).expect("the table");
            let columns = statement.column_count();
            let mut rows = statement.query([]).expect("rows");
            while let Some(row) = rows.next().expect("a row") {
                for column in 0..columns {
                    match row.get_ref(column).expect("a column") {
                        rusqlite::types::ValueRef::Text(bytes) | rusqlite::types::ValueRef::Blob(bytes) => {
                            text.push_str(&String::from_utf8_lossy(bytes));
                        }
                        other => text.push_str(&format!("{other:?}")),
                    }
                    text.push('\t');
                }
                text.push('\n');
            }
        }
        text
    }
}
