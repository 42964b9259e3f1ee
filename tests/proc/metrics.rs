//! The page of `/metrics` as Prometheus' own tool reads it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use t4_tests::process::Start;

/// The tool that comes with Prometheus.
const PROMTOOL: &str = "promtool";

#[test]
fn promtool_finds_nothing_to_mend_in_the_metrics() {
    // `scripts/test.sh` says so when it is missing: the output of a test that passes is not shown.
    if Command::new(PROMTOOL).arg("--version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let server = Start::at(folder.path()).server();
    let (key, _) = server.key("metrics-agent");
    assert_eq!(server.agent(&key, "POST", "/intents", r#"{"code":"F821"}"#).status, 201);
    assert_eq!(server.agent(&key, "POST", "/llm/chat", r#"{"prompt":"x"}"#).code(), "no_provider");
    assert_eq!(server.agent("no-key", "GET", "/intents", "").status, 401);
    let page = server.call("GET", "/metrics", &[], "");
    assert_eq!(page.status, 200, "{}", page.body);
    for name in ["t4_http_requests_total{", "t4_store_commit_seconds_total ", "t4_llm_refusals_total{"] {
        assert!(page.body.contains(name), "{name} is missing: {}", page.body);
    }
    let mut check = Command::new(PROMTOOL)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(page.body.as_bytes()).unwrap();
    let told = check.wait_with_output().unwrap();
    let said = [told.stdout, told.stderr].concat();
    assert!(told.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}
