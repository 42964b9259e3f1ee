//! What an operator sets, and what the server says of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use t4_tests::process::{ADMIN, Server, Start, eventually};

#[test]
fn a_bad_value_stops_the_start_with_the_variables_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in [
        ("T4_RATE_PER_MINUTE", "many"),
        ("T4_AUDIT", "sometimes"),
        ("T4_TRUSTED_PROXIES", "10.0.0.0/99"),
        ("T4_LOG", "loud,=,"),
    ] {
        let (code, said) = Start::at(folder.path()).env(name, value).refusal();
        assert_eq!(code, Some(2), "{name}: {said}");
        assert!(said.contains(name), "{name}: {said}");
    }
    assert!(!folder.path().join("registry.db").exists(), "a refused start left a database");
}

#[test]
fn the_well_known_admin_token_is_refused_where_others_can_reach_it() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Start::at(folder.path()).env("T4_ADMIN_TOKEN", "CHANGE_ME_ADMIN_TOKEN");
    let (code, said) = start().arg("--bind").arg("0.0.0.0:0").refusal();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("CHANGE_ME_ADMIN_TOKEN"), "{said}");
    let server = start().server();
    let headers = [("x-t4-admin-token", "CHANGE_ME_ADMIN_TOKEN")];
    assert_eq!(server.call("GET", "/admin/api_keys", &headers, "").status, 200);
}

#[test]
fn without_a_token_one_is_minted_into_a_file_that_only_its_owner_can_read() {
    let folder = tempfile::tempdir().unwrap();
    let server = Start::at(folder.path()).without_env("T4_ADMIN_TOKEN").server();
    let path = folder.path().join("registry.db.admin-token");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let token = fs::read_to_string(&path).unwrap();
    let headers = [("x-t4-admin-token", token.trim())];
    assert_eq!(server.call("GET", "/admin/api_keys", &headers, "").status, 200);
    assert!(!server.log().contains(token.trim()), "the token is in the log");
}

#[test]
fn static_keys_dotenv_and_secret_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), "T4_RATE_PER_MINUTE=7\nAPI_TOKENS=a-static-key-of-twenty-chars\n").unwrap();
    fs::write(folder.path().join("token"), "the-token-of-a-file\n").unwrap();
    let server = Start::at(folder.path())
        .without_env("T4_ADMIN_TOKEN")
        .arg("--admin-token-file")
        .arg("token")
        .server();
    let answer = server.agent("a-static-key-of-twenty-chars", "GET", "/intents", "");
    assert_eq!((answer.status, answer.header("x-ratelimit-limit")), (200, Some("7")));
    let headers = [("authorization", "Bearer the-token-of-a-file")];
    assert_eq!(server.call("GET", "/admin/api_keys", &headers, "").status, 200);
}

#[test]
fn the_log_tells_each_request_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let server = Start::at(folder.path()).env("LOG_FILE", "logs/t4.log").server();
    let (key, _) = server.key("logged-agent");
    let headers = [("x-t4-api-key", key.as_str()), ("x-request-id", "the-request-of-the-test")];
    let body = r#"{"id":"logged","code":"F821","raw":{"password":"canary-password"}}"#;
    assert_eq!(server.call("POST", "/intents", &headers, body).status, 201);
    server.call("GET", &format!("/admin/api_keys?admin_token={ADMIN}"), &[], "");
    server.call("GET", &format!("/intents?key={key}"), &[("x-t4-api-key", &key[..40])], "");
    let read = || {
        fs::read_dir(folder.path().join("logs")).into_iter().flatten().fold(String::new(), |text, entry| {
            text + &fs::read_to_string(entry.unwrap().path()).unwrap_or_default()
        })
    };
    let log = eventually("the log has the requests", Duration::from_secs(10), || {
        let log = read();
        (log.contains("malformed_key") && log.contains("the-request-of-the-test")).then_some(log)
    });
    let line = log.lines().find(|line| line.contains("the-request-of-the-test")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["request.agent"], "logged-agent", "{line}");
    assert_eq!(line["http.route"], "/intents");
    assert_eq!(line["http.status"], 201);
    assert!(line["request.micros"].as_u64().is_some());
    for secret in [key.as_str(), ADMIN, "canary-password", &key[20..40]] {
        assert!(!log.contains(secret), "the log has `{secret}`");
    }
}

#[test]
fn the_metrics_have_the_promised_names_and_whole_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    server.agent(&key, "POST", "/intents", r#"{"code":"F821"}"#);
    server.agent("wrong", "GET", "/intents", "");
    let page = server.call("GET", "/metrics", &[], "");
    assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for name in [
        "t4_http_requests_total{",
        "t4_http_request_seconds_bucket{",
        "t4_auth_failures_total{reason=\"invalid_key\"} 1",
        "t4_store_commits_total ",
        "t4_store_jobs_total ",
        "t4_store_queue_depth ",
        "t4_audit_rows_total ",
        "t4_limiter_mode{mode=\"memory\"} 1",
        "t4_build_info{",
    ] {
        assert!(page.body.contains(name), "`{name}` is missing");
    }
    let counters = page.body.lines().filter(|line| line.contains("_total"));
    for line in counters.filter(|line| !line.starts_with('#')) {
        let value = line.rsplit(' ').next().unwrap();
        assert!(value.parse::<u64>().is_ok(), "{line}");
    }
}
