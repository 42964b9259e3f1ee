//! A secret that a caller puts anywhere never comes out: not in a row, not in a log line, not in a metric.

use std::io::Write;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use crate::app::{Request, TestApp};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A native key that no registry knows, with a right checksum is not needed: the pattern alone must do.
fn canary(seed: &str) -> String {
    let secret: String = seed.bytes().cycle().take(49).map(char::from).collect();
    format!("t4_CanaryCanary_{secret}").replace("CanaryCanary", "CanaryCanar0")
}

/// Places where a careless caller could leave a key.
fn requests(key: &str, secret: &str) -> Vec<Request> {
    let post = |body: String| Request::new("POST", "/intents").key(key).json(body);
    vec![
        post(format!(r#"{{"code":"F821","reason":"use {secret} for it"}}"#)),
        post(format!(r#"{{"code":"F821","raw":{{"nested":[{{"note":"{secret}"}}]}}}}"#)),
        post(format!(r#"{{"code":"F821","raw":{{"{secret}":1}}}}"#)),
        post(format!(r#"{{"code":"F821","unknown":"{secret}"}}"#)),
        post(format!(r#"{{"code":"{secret}"#)),
        post(format!(r#"{{"code":"F821","id":"{secret}"}}"#)),
        Request::new("GET", &format!("/intents/{secret}")).key(key),
        Request::new("GET", &format!("/intents?file={secret}&x={secret}")).key(key),
        Request::new("GET", &format!("/intents?admin_token={secret}")).key(key),
        Request::new("GET", &format!("/{secret}/{secret}")),
        Request::new("DELETE", &format!("/admin/api_keys/{secret}")).admin(),
        Request::new("GET", "/intents").key(secret),
        Request::new("GET", "/intents").header("authorization", format!("Bearer {secret}")),
        Request::new("GET", "/intents").key(key).header("x-request-id", secret),
        Request::new("GET", "/intents").key(key).header("user-agent", secret),
        Request::new("GET", "/admin/api_keys").header("x-t4-admin-token", secret),
        Request::new("GET", &format!("/admin/api_keys?admin_token={secret}")),
        Request::new("POST", "/intents")
            .key(key)
            .header("idempotency-key", secret)
            .json(r#"{"code":"F821"}"#),
        Request::new("POST", "/intents/pre_pr_check").key(key).json(format!(r#"{{"files":["{secret}"]}}"#)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_key_put_anywhere_reaches_no_row_no_log_line_and_no_metric(seed in "[0-9A-Za-z]{12,30}") {
        let secret = canary(&seed);
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            actix_web::rt::System::new().block_on(async {
                let app = TestApp::start().await;
                let key = app.agent("agent").await;
                for request in requests(&key, &secret) {
                    let answer = app.send(request).await;
                    assert_ne!(answer.status, 500, "{}", answer.body);
                    app.advance(61);
                }
                // Every column of every row, as text. The intents themselves hold what their creator said.
                let table = app.rows("SELECT group_concat(name) FROM pragma_table_info('audit_log')").await;
                let columns = table[0].clone().unwrap();
                for column in columns.split(',') {
                    let sql = format!("SELECT COUNT(*) FROM audit_log WHERE instr(CAST({column} AS TEXT), '{secret}')");
                    assert_eq!(app.count(&sql).await, 0, "the column {column} has the secret");
                }
                assert!(app.count("SELECT COUNT(*) FROM audit_log").await > 15);
                let metrics = app.send(Request::new("GET", "/metrics")).await.body;
                assert!(!metrics.contains(&secret), "a metric has the secret");
            });
        });
        let log = String::from_utf8_lossy(&lines.0.lock().unwrap()).into_owned();
        prop_assert!(log.contains("request"), "nothing was logged");
        prop_assert!(!log.contains(&secret), "a log line has the secret");
    }
}
