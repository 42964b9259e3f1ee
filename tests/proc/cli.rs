//! The command lines, from one end to the other.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use t4_tests::process::{ADMIN, Server, command, run, stdout_of};

use crate::support::SayOver;

/// Runs a command line in bash, with the programs on its path.
fn bash(folder: &Path, line: &str, env: &[(&str, &str)]) -> Output {
    let mut command = Command::new("bash");
    let path =
        format!("{}:{}", t4_tests::process::built().display(), std::env::var("PATH").unwrap_or_default());
    t4_tests::process::bare(&mut command);
    command.args(["-c", line]).current_dir(folder).env("PATH", path).envs(env.iter().copied());
    run(&mut command)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_key_alone_is_on_stdout_for_a_file_and_over_http() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let url = server.url();
    for (target, agent) in [("--db registry.db", "by-file"), ("--api \"$URL\"", "by-http")] {
        let line = format!(
            "KEY=$(admin-keys create --agent-id {agent} --owner team --expires-days 30 --daily-limit 2.5 {target}) \
             && printf '%s' \"$KEY\""
        );
        let ended = bash(folder.path(), &line, &[("URL", &url), ("T4_ADMIN_TOKEN", ADMIN)]);
        assert!(ended.status.success(), "{}", text(&ended.stderr));
        let key = text(&ended.stdout);
        assert!(key.starts_with("t4_") && key.len() == 65 && !key.contains(char::is_whitespace), "{key:?}");
        assert!(!text(&ended.stderr).contains(&key[16..]));
        let answer = server.agent(&key, "POST", "/intents", r#"{"code":"F821"}"#);
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!(answer.json()["intent"]["agent_id"], agent);
    }
    let keys = server.admin("GET", "/admin/api_keys", "").json();
    for key in keys.as_array().unwrap() {
        assert_eq!((&key["owner"], key["daily_limit"].as_f64()), (&"team".into(), Some(2.5)), "{key}");
    }
    server.assert_log_verifies();
}

#[test]
fn a_key_goes_through_its_life_on_the_file_and_over_http() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    for over_http in [false, true] {
        let admin_keys = |args: &[&str]| {
            let mut command = command("admin-keys");
            command.args(args).env("T4_ADMIN_TOKEN", ADMIN).current_dir(folder.path());
            if over_http {
                command.arg("--api").arg(server.url())
            } else {
                command.args(["--db", "registry.db"])
            };
            command
        };
        let status = |key: &str| {
            // What another process did is obeyed within a second.
            let code = server.agent(key, "GET", "/intents", "").code();
            if code.is_empty() { "ok".to_owned() } else { code }
        };
        let becomes = |key: &str, wanted: &str| {
            t4_tests::process::eventually(wanted, std::time::Duration::from_secs(1), || {
                (status(key) == wanted).then_some(())
            });
        };
        let key = stdout_of(&mut admin_keys(&["create", "--agent-id", "a"]));
        let id = &key[..15];
        becomes(&key, "ok");
        stdout_of(&mut admin_keys(&["set", id, "--scopes", "intents:write"]));
        becomes(&key, "missing_scope");
        stdout_of(&mut admin_keys(&["set", id, "--scopes", "intents:read"]));
        becomes(&key, "ok");
        let second = stdout_of(&mut admin_keys(&["rotate", id, "--overlap-seconds", "3600"]));
        assert_eq!(&second[..15], id);
        becomes(&second, "ok");
        assert_eq!(status(&key), "ok", "the old secret lives for its overlap");
        let third = stdout_of(&mut admin_keys(&["rotate", id]));
        becomes(&second, "invalid_key");
        becomes(&third, "ok");
        let listed = stdout_of(&mut admin_keys(&["list"]));
        assert!(listed.contains(id) && !listed.contains(&third[16..]), "{listed}");
        stdout_of(&mut admin_keys(&["revoke", id]));
        becomes(&third, "revoked_key");
        let missing = run(&mut admin_keys(&["revoke", "t4_00000000000z"]));
        assert_eq!(missing.status.code(), Some(1), "{}", text(&missing.stderr));
    }
    server.assert_log_verifies();
}

fn git(folder: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command.args(["-c", "user.name=t", "-c", "user.email=t@localhost"]).args(args).current_dir(folder);
    stdout_of(&mut command);
}

/// A repository whose branch changes two files.
fn repository(folder: &Path) {
    std::fs::create_dir_all(folder.join("src")).unwrap();
    git(folder, &["init", "-q", "-b", "main", "."]);
    for file in ["src/a.py", "src/b b.py", "README.md"] {
        std::fs::write(folder.join(file), "first\n").unwrap();
    }
    git(folder, &["add", "."]);
    git(folder, &["commit", "-q", "-m", "first"]);
    git(folder, &["switch", "-q", "-c", "feature"]);
    for file in ["src/a.py", "src/b b.py"] {
        std::fs::write(folder.join(file), "second\n").unwrap();
    }
    git(folder, &["commit", "-q", "-a", "-m", "second"]);
}

#[test]
fn t4_pre_pr_says_no_before_registering_yes_after_and_3_when_nobody_answers() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    let work = tempfile::tempdir().unwrap();
    repository(work.path());
    let pre_pr = |args: &[&str]| {
        let mut command = command("t4");
        command.arg("pre-pr").args(args).current_dir(work.path());
        run(command.env("T4_INTENT_API", server.url()).env("T4_API_KEY", &key))
    };
    let before = pre_pr(&["--json"]);
    assert_eq!(before.status.code(), Some(1), "{}", text(&before.stderr));
    let report: serde_json::Value = serde_json::from_slice(&before.stdout).unwrap();
    assert_eq!(report["missing"], serde_json::json!(["src/a.py", "src/b b.py"]));
    assert_eq!(report["reserved"].as_array().map(Vec::len), Some(2));
    // Placeholders do not make it right, and are not made twice.
    assert_eq!(pre_pr(&[]).status.code(), Some(1));
    for intent in report["reserved"].as_array().unwrap() {
        let path = format!("/intents/{}", intent["id"].as_str().unwrap());
        let planned = r#"{"status":"planned","owner":"team","ticket":"OPS-1"}"#;
        assert_eq!(server.agent(&key, "PATCH", &path, planned).status, 200);
    }
    let after = pre_pr(&[]);
    assert_eq!(after.status.code(), Some(0), "{}", text(&after.stderr));
    assert!(text(&after.stdout).contains("src/b b.py"));
    let other_code = pre_pr(&["--codes", "F401", "--no-reserve"]);
    assert_eq!(other_code.status.code(), Some(1));
    assert_eq!(server.agent(&key, "GET", "/intents", "").json().as_array().map(Vec::len), Some(2));

    // A key that does not hold, and nobody there: it could not be decided, which is never a yes.
    let mut refused = command("t4");
    refused.args(["pre-pr"]).current_dir(work.path()).env("T4_INTENT_API", server.url());
    assert_eq!(run(refused.env("T4_API_KEY", "t4_nonsense")).status.code(), Some(3));
    let url = server.url();
    drop(server);
    let mut down = command("t4");
    down.args(["pre-pr"]).current_dir(work.path()).env("T4_INTENT_API", url).env("T4_API_KEY", &key);
    let down = run(&mut down);
    assert_eq!(down.status.code(), Some(3), "{}", text(&down.stderr));
    assert!(text(&down.stderr).contains("can't be reached"), "{}", text(&down.stderr));
    assert!(down.stdout.is_empty());
}

#[test]
fn t4_audit_verify_works_beside_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _over = SayOver(&over);
        let (server, key, over) = (&server, &key, &over);
        let writer = scope.spawn(move || {
            for n in 0.. {
                assert_eq!(server.register(key, &format!("w-{n}")).status, 201);
                if over.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
            }
        });
        for _ in 0..5 {
            let mut verify = command("t4");
            let ended = run(verify.args(["audit", "verify", "--db"]).arg(server.db()));
            assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
            assert!(text(&ended.stdout).starts_with("ok: "), "{}", text(&ended.stdout));
        }
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        writer.join().unwrap();
    });
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    drop(server.key("agent"));
    let mut list = command("admin-keys");
    let mut child = list
        .args(["list", "--db", "registry.db"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert!(!text(&ended.stderr).contains("panicked"), "{}", text(&ended.stderr));
}
