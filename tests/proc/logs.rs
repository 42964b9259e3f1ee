//! What operators see, and what they must not see.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use t4_tests::process::{ADMIN, Server, Start, eventually};

use crate::support::{files_with, metric, open, rows};

/// The lines of a log; panics when one is no JSON.
fn lines(text: &str) -> Vec<Value> {
    let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(line).collect()
}

/// The request line of the log with this id.
fn line_of(server: &Server, id: &str) -> Value {
    eventually("the log has the request", Duration::from_secs(2), || {
        // The last line may be half written.
        let log = server.log();
        let whole = log.rfind('\n').map_or("", |end| &log[..end]);
        lines(whole).into_iter().find(|line| line["request.id"] == id)
    })
}

#[test]
fn a_request_leaves_one_json_line_with_id_agent_route_status_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent-of-the-log");
    assert_eq!(server.register(&key, "a").status, 201);
    for (id, method, path, route, status, outcome) in [
        ("log-1", "GET", "/intents/a", "/intents/{id}", 200, "ok"),
        ("log-2", "GET", "/intents/none", "/intents/{id}", 404, "intent_not_found"),
        ("log-3", "PATCH", "/intents/a", "/intents/{id}", 422, "invalid_body"),
        ("log-4", "GET", "/nowhere", "-", 404, "route_not_found"),
    ] {
        let body = if method == "PATCH" { r#"{"unknown":1}"# } else { "" };
        let answer = server.call(method, path, &[("x-t4-api-key", &key), ("x-request-id", id)], body);
        assert_eq!((answer.status, answer.header("x-request-id")), (status, Some(id)), "{}", answer.body);
        let line = line_of(&server, id);
        assert_eq!(line["http.method"], method);
        assert_eq!(line["http.route"], route);
        assert_eq!(line["http.status"], status);
        assert_eq!(line["outcome"], outcome);
        assert!(line["request.micros"].as_u64().is_some_and(|micros| micros > 0), "{line}");
        let agent = if route == "-" { "-" } else { "agent-of-the-log" };
        assert_eq!(line["request.agent"], agent, "{line}");
        let same = lines(&server.log()).into_iter().filter(|line| line["request.id"] == id).count();
        assert_eq!(same, 1);
    }
}

#[test]
fn no_secret_reaches_the_log_the_audit_rows_or_the_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let server = Start::at(folder.path()).env("T4_LOG", "trace").server();
    let (key, key_id) = server.key("agent");
    let provider = "sk-proj-CanaryCanaryCanaryCanary0123456789abcdefghij";
    let wrong = "another-admin-token-canary";
    let headers = [("x-t4-api-key", key.as_str())];
    let mut sent: Vec<u16> = Vec::new();
    let mut send = |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        sent.push(server.call(method, path, headers, body).status);
    };
    send("GET", &format!("/admin/api_keys?admin_token={ADMIN}"), &[], "");
    send("GET", &format!("/admin/api_keys?admin_token={wrong}"), &[], "");
    send("GET", &format!("/admin/audit?admin%5Ftoken={ADMIN}&agent_id=agent"), &[], "");
    send("GET", &format!("/intents?key={key}&api_key={key}"), &headers, "");
    send("GET", &format!("/intents/{key}"), &headers, "");
    send("GET", &format!("/nowhere/{key}?token={provider}"), &[], "");
    send("POST", &format!("/{key}"), &[("authorization", &format!("Bearer {provider}"))], "");
    send("GET", "/intents", &[("authorization", &format!("Bearer {key}")), ("x-request-id", &key)], "");
    send("GET", "/intents", &[("x-api-key", &key.replace("t4_", "t5_"))], "");
    let fields = format!(r#"{{"code":"F821","reason":"use {provider}","raw":{{"api_key":"{provider}"}}}}"#);
    send("POST", "/intents", &headers, &fields);
    send("POST", "/intents", &headers, &format!(r#"{{"password":"{wrong}","code":"#));
    let named = format!(r#"{{"agent_id":"b","unknown":"{key}"}}"#);
    send("POST", "/admin/api_keys", &[("x-t4-admin-token", ADMIN)], &named);
    send("DELETE", &format!("/admin/api_keys/{key}"), &[("x-t4-admin-token", ADMIN)], "");
    send("GET", "/intents", &headers, "");
    assert!(sent.contains(&200) && sent.contains(&401) && sent.contains(&404), "{sent:?}");

    let metrics = server.get("/metrics").body;
    let secret_part = &key[16..];
    for secret in [secret_part, ADMIN, wrong, provider] {
        assert!(!metrics.contains(secret), "{secret} is in the metrics");
        assert!(!server.log().contains(secret), "{secret} is in the log");
    }
    let db = server.db();
    let listed = server.admin("GET", "/admin/audit?limit=1000", "").body;
    assert!(listed.contains(&key_id));
    assert_eq!(server.stop(Duration::from_secs(15)).code(), Some(0));
    for secret in [secret_part, ADMIN, wrong] {
        assert!(!listed.contains(secret), "{secret} is in the listed rows");
        assert_eq!(files_with(folder.path(), secret), Vec::<std::path::PathBuf>::new(), "{secret}");
    }
    // The intent itself keeps what its author wrote; no audit row does.
    let audit = rows(&open(&db), "SELECT * FROM audit_log");
    assert!(!format!("{audit:?}").contains(provider), "{audit:?}");
}

#[test]
fn the_log_goes_to_a_file_that_carries_the_day() {
    let folder = tempfile::tempdir().unwrap();
    let server = Start::at(folder.path()).env("LOG_FILE", "logs/intent-api.log").server();
    assert_eq!(server.call("GET", "/nowhere", &[("x-request-id", "in-the-file")], "").status, 404);
    assert_eq!(server.stop(Duration::from_secs(15)).code(), Some(0));
    let files: Vec<_> = fs::read_dir(folder.path().join("logs")).unwrap().flatten().collect();
    assert_eq!(files.len(), 1);
    let name = files[0].file_name().into_string().unwrap();
    assert!(name.starts_with("intent-api.log."), "{name}");
    let log = lines(&fs::read_to_string(files[0].path()).unwrap());
    assert!(log.iter().any(|line| line["request.id"] == "in-the-file"));
    assert_eq!(
        fs::read_to_string(folder.path().join("server.log")).unwrap(),
        "",
        "stderr is for failures then"
    );
}

#[test]
fn the_level_decides_what_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let server = Start::at(folder.path()).env("LOG_LEVEL", "WARNING").server();
    assert_eq!(server.get("/intents").status, 401);
    assert_eq!(server.stop(Duration::from_secs(15)).code(), Some(0));
    assert!(!fs::read_to_string(folder.path().join("server.log")).unwrap().contains("\"request\""));
}

#[test]
fn the_metrics_page_has_the_promised_figures() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key_with(r#"{"agent_id":"a","rate_per_minute":3}"#);
    assert_eq!(server.register(&key, "a").status, 201);
    let statuses: Vec<_> = (0..4).map(|_| server.agent(&key, "GET", "/intents/a", "").status).collect();
    assert_eq!(statuses, [200, 200, 429, 429]);
    assert_eq!(server.get("/intents").status, 401);
    let page = eventually("the rows of the reads are counted", Duration::from_secs(2), || {
        let answer = server.get("/metrics");
        assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        let rows = metric(&answer.body, "t4_audit_rows_total");
        rows.is_some_and(|rows| rows >= 7.0).then_some(answer.body)
    });
    let value = |sample: &str| metric(&page, sample).unwrap_or_else(|| panic!("{sample} is not in\n{page}"));
    assert_eq!(value(r#"t4_http_requests_total{method="GET",route="/intents/{id}",status="200"}"#), 2.0);
    assert_eq!(value(r#"t4_http_requests_total{method="GET",route="/intents/{id}",status="429"}"#), 2.0);
    assert_eq!(value(r#"t4_http_request_seconds_count{method="POST",route="/intents"}"#), 1.0);
    assert_eq!(value(r#"t4_limit_refusals_total{kind="key"}"#), 2.0);
    assert_eq!(value(r#"t4_auth_failures_total{reason="missing_credentials"}"#), 1.0);
    assert_eq!(value(r#"t4_limiter_mode{mode="memory"}"#), 1.0);
    assert_eq!(value("t4_ready"), 2.0);
    assert_eq!(value("t4_audit_broken"), 0.0);
    assert!(value("t4_store_commits_total") >= 2.0);
    assert!(value("t4_store_jobs_total") >= value("t4_store_commits_total"));
    for name in ["t4_store_queue_depth", "t4_store_failed_jobs_total", "t4_audit_aggregated_total"] {
        assert!(value(name) >= 0.0);
    }
    assert!(page.contains("t4_build_info{"), "{page}");
    assert!(value("t4_store_commit_seconds_total") > 0.0 && value("t4_store_job_seconds_total") > 0.0);
    for line in page.lines().filter(|line| line.contains("_total") && !line.starts_with('#')) {
        let count = line.rsplit(' ').next().unwrap();
        let counts = count.parse::<u64>().is_ok() || line.contains("_seconds_total");
        assert!(counts, "a counter is an integer unless it counts seconds: {line}");
    }
}
