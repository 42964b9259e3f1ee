//! The official `openai` packages work by changing the base URL and the key alone.

use std::process::Command;

use serde_json::{Value, json};
use t4_tests::mock::{Mock, cost, server};
use t4_tests::process::{Server, built, run, stdout_of};

use crate::llm_support::{assert_parity, key, settled, usage};
use crate::support::root;

/// Runs a client's script against a gate, compares what it saw, and the ledger with the provider's log.
fn drive(client: &mut Command, classes: [&str; 4]) {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let more = "[[budget]]\nscope = \"agent\"\nid = \"a\"\nwindow = \"day\"\nlimit_usd = 0.5\n";
    let server = server(folder.path(), &mock, more);
    let key = key(&server, "a", "1.0");
    let base = format!("{}/llm/v1", server.url());
    let output = run(client.env("OPENAI_BASE_URL", base).env("OPENAI_API_KEY", &key));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = [
        ("text", json!(" the".repeat(5))),
        ("completion_tokens", json!(5)),
        ("cost", json!("0.000013")),
        ("streamed", json!(" the".repeat(9))),
        ("stream_completion_tokens", json!(9)),
        ("stream_cost", json!(0.000021)),
        ("plain_stream_frames", json!(5)),
        ("tool", json!("look")),
        ("choices", json!(3)),
        ("embedding", json!([0.25, -0.5])),
        ("many", json!(10)),
        ("left", json!(true)),
        ("quota", json!([classes[0], 429, "insufficient_quota", "insufficient_quota", null])),
        ("unknown_model", json!([classes[1], 404, "model_not_found", "invalid_request_error", "model"])),
        (
            "above_cap",
            json!([classes[2], 422, "max_tokens_above_cap", "invalid_request_error", "max_tokens"]),
        ),
        ("stranger", json!([classes[3], 401, "malformed_key", "authentication_error", null])),
    ];
    for (name, value) in expected {
        assert_eq!(seen[name], value, "{name} of {seen}");
    }
    assert!(seen["models"].as_array().unwrap().contains(&json!("mock-1")));
    settled(&server.db());
    assert_parity(&mock, &server.db());
    let left = usage(&server.db()).into_iter().find(|row| row.outcome == "client_gone");
    assert_eq!(left.expect("the caller that left is known").cost_pico, cost(3, 64));
    server.assert_log_verifies();
}

const ADVICE: &str = "run `scripts/client-tests.sh` first, or `make test`, which does";

#[test]
fn the_official_python_package_works_with_base_url_and_key_alone() {
    let python = built().parent().unwrap().join("clients/python/bin/python");
    assert!(python.exists(), "{} is missing: {ADVICE}", python.display());
    let mut client = Command::new(python);
    client.arg(root().join("tests/clients/python/drive.py"));
    drive(
        &mut client,
        ["RateLimitError", "NotFoundError", "UnprocessableEntityError", "AuthenticationError"],
    );
}

#[test]
fn the_official_node_package_works_with_base_url_and_key_alone() {
    let folder = built().parent().unwrap().join("clients/node");
    assert!(folder.join("node_modules/openai").exists(), "{} is empty: {ADVICE}", folder.display());
    // A module finds its packages from where it lies.
    std::fs::copy(root().join("tests/clients/node/drive.mjs"), folder.join("drive.mjs")).unwrap();
    let mut client = Command::new("node");
    client.arg(folder.join("drive.mjs"));
    drive(
        &mut client,
        ["RateLimitError", "NotFoundError", "UnprocessableEntityError", "AuthenticationError"],
    );
}

#[test]
fn an_agent_with_the_library_pays_from_the_registry_s_ledger() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let server = Server::start(folder.path());
    let key = key(&server, "a", "1.0");
    let agent = || {
        let mut agent = Command::new(built().join("examples/remote"));
        agent.env("T4_INTENT_API", server.url()).env("T4_API_KEY", &key).env("PROVIDER_KEY", "sk-x");
        agent
    };
    let told = stdout_of(agent().args([&mock.url(), "gpt-4o-mini", "!mock tokens=5 prompt=9"]));
    // The registry's book has the seed's prices: $0.005 and $0.01 per 1,000 tokens.
    let (input, output) = (5_000_000, 10_000_000);
    assert!(told.starts_with("the the the the the (9 + 5 tokens,"), "{told}");
    assert!(told.contains(&format!("{} pico-dollars", 9 * input + 5 * output)), "{told}");
    settled(&server.db());
    assert_parity(&mock, &server.db());
    let rows = usage(&server.db());
    assert_eq!((rows.len(), rows[0].end()), (1, ("reported", "ok")));
    assert_eq!(rows[0].cost_pico, 9 * input + 5 * output);
    // What the book does not price does not leave.
    let refused = run(agent().args([&mock.url(), "nobody-s-model", "hello"]));
    assert_eq!((refused.status.code(), mock.count()), (Some(3), 1));
}
