//! What an operator sets: flags, variables, `.env`, files of secrets.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Stdio;

use t4_tests::process::{ADMIN, Start, command, run};

fn file(folder: &Path, name: &str, text: &str, mode: u32) {
    let path = folder.join(name);
    let made = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&path);
    made.unwrap().write_all(text.as_bytes()).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn static_keys_act_as_agents_of_their_own_with_the_default_rights() {
    let folder = tempfile::tempdir().unwrap();
    let server = Start::at(folder.path())
        .env("API_TOKENS", "short-one,a-static-key-of-a-good-length")
        .env("API_KEY", "another-static-key-of-length")
        .server();
    for key in ["short-one", "a-static-key-of-a-good-length", "another-static-key-of-length"] {
        let made = server.agent(key, "POST", "/intents", r#"{"code":"F821"}"#);
        assert_eq!(made.status, 201, "{}", made.body);
        let agent = made.json()["intent"]["agent_id"].as_str().unwrap().to_owned();
        assert!(agent.starts_with("static-t4_x"), "{agent}");
        assert_eq!(
            server.call("GET", "/intents", &[("authorization", &format!("Bearer {key}"))], "").status,
            200
        );
    }
    assert_eq!(server.agent("a-static-key-of-a-good-lengti", "GET", "/intents", "").code(), "invalid_key");
    assert_eq!(server.admin("GET", "/admin/api_keys", "").json().as_array().map(Vec::len), Some(0));
}

#[test]
fn a_short_static_key_is_refused_on_an_address_that_others_reach() {
    let folder = tempfile::tempdir().unwrap();
    let start = Start::at(folder.path()).arg("--bind").arg("0.0.0.0:0").env("API_TOKENS", "short-one");
    let (code, said) = start.refusal();
    assert!(matches!(code, Some(2 | 3)), "{code:?} {said}");
    assert!(said.contains("API_TOKENS") && !said.contains("short-one"), "{said}");
}

#[test]
fn a_dot_env_is_read_and_the_environment_wins() {
    let folder = tempfile::tempdir().unwrap();
    let text = "# settings\nT4_ADMIN_TOKEN='the-token-of-dot-env'\nexport T4_RATE_PER_MINUTE=7\nAPI_KEY=\"env-key-of-length-20\"\n";
    fs::write(folder.path().join(".env"), text).unwrap();
    let server = Start::at(folder.path()).without_env("T4_ADMIN_TOKEN").server();
    let with = |token: &str| server.call("GET", "/admin/api_keys", &[("x-t4-admin-token", token)], "").status;
    assert_eq!((with("the-token-of-dot-env"), with(ADMIN)), (200, 401));
    let answer = server.agent("env-key-of-length-20", "GET", "/intents", "");
    assert_eq!((answer.status, answer.header("x-ratelimit-limit")), (200, Some("7")));
    drop(server);
    let server = Start::at(folder.path()).env("T4_RATE_PER_MINUTE", "9").server();
    assert_eq!(server.admin("GET", "/admin/api_keys", "").status, 200);
    let answer = server.agent("env-key-of-length-20", "GET", "/intents", "");
    assert_eq!(answer.header("x-ratelimit-limit"), Some("9"));
}

#[test]
fn a_bad_value_stops_the_start_with_the_name_of_its_variable() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in [
        ("T4_RATE_PER_MINUTE", "many"),
        ("T4_RATE_PER_MINUTE", "-1"),
        ("T4_AUDIT", "sometimes"),
        ("T4_TRUSTED_PROXIES", "10.0.0.0/99"),
        ("T4_METRICS_PUBLIC", "perhaps"),
        ("T4_WORKERS", "0"),
        ("T4_LOG", "not a level!"),
        ("T4_RATE_REDIS", "http://nowhere"),
        ("T4_ADMIN_TOKEN_HASH", "no hash"),
        ("T4_KEY_PEPPER", "short"),
        ("API_TOKENS", "t4_looks-like-one-of-ours"),
    ] {
        let (code, said) = Start::at(folder.path()).env(name, value).refusal();
        assert!(matches!(code, Some(2 | 3)), "{name}: {code:?} {said}");
        let named = said.contains(name) || (name == "T4_KEY_PEPPER" && said.contains("pepper"));
        assert!(named, "{name}: {said}");
    }
    let (code, said) = Start::at(folder.path()).arg("--bind").arg("nowhere").refusal();
    assert_eq!(code, Some(2));
    assert!(said.contains("T4_BIND"), "{said}");
    assert!(!folder.path().join("registry.db").exists(), "nothing is made before the settings are right");
}

#[test]
fn a_flag_that_does_not_exist_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(command("intent-api").arg("--no-such-flag").current_dir(folder.path()));
    assert_eq!(ended.status.code(), Some(2));
    let help = run(command("intent-api").arg("--help"));
    assert!(help.status.success());
    let text = String::from_utf8(help.stdout).unwrap();
    for name in ["T4_BIND", "T4_DB", "T4_ADMIN_TOKEN", "T4_RATE_REDIS", "LOG_FILE", "API_TOKENS"] {
        assert!(text.contains(name), "{name} is not in the help");
    }
    // Secrets are no flags: every user of the machine could read them.
    for flag in ["--admin-token ", "--key-pepper ", "--api-tokens "] {
        assert!(!text.contains(flag), "{flag}");
    }
}

#[test]
fn secrets_are_taken_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    file(folder, "token", "the-token-in-the-file\n", 0o600);
    file(folder, "keys", "the-first-static-key-file\nthe-second-static-key-file\n", 0o600);
    file(folder, "pepper", "a pepper in a file of its own, 32 chars\n", 0o600);
    let start = |pepper: &str| {
        Start::at(folder)
            .without_env("T4_ADMIN_TOKEN")
            .arg("--admin-token-file")
            .arg("token")
            .arg("--api-tokens-file")
            .arg("keys")
            .arg("--key-pepper-file")
            .arg(pepper)
    };
    let server = start("pepper").server();
    let token = [("x-t4-admin-token", "the-token-in-the-file")];
    assert_eq!(server.call("GET", "/admin/api_keys", &token, "").status, 200);
    for key in ["the-first-static-key-file", "the-second-static-key-file"] {
        assert_eq!(server.agent(key, "GET", "/intents", "").status, 200, "{key}");
    }
    assert!(!folder.join("registry.db.pepper").exists());
    drop(server);
    file(folder, "other", "another pepper in a file, 32 characters!\n", 0o600);
    let (code, said) = start("other").refusal();
    assert_eq!(code, Some(3));
    assert!(said.contains("another pepper"), "{said}");
}

#[test]
fn a_file_of_secrets_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for flag in [
        "--admin-token-file",
        "--admin-token-hash-file",
        "--key-pepper-file",
        "--api-tokens-file",
        "--rate-redis-file",
    ] {
        file(folder, "secret", "a-secret-that-others-can-read-00001\n", 0o644);
        let (code, said) = Start::at(folder).arg(flag).arg("secret").refusal();
        assert!(matches!(code, Some(2 | 3)), "{flag}: {said}");
        assert!(said.contains("can be read by others") && said.contains("chmod 600"), "{flag}: {said}");
        if flag == "--key-pepper-file" {
            // A pepper that is named and not there is made, as long as no database needs it.
            continue;
        }
        let (code, said) = Start::at(folder).arg(flag).arg("nowhere/secret").refusal();
        assert!(matches!(code, Some(2 | 3)), "{flag}: {said}");
        assert!(said.contains("nowhere/secret"), "{flag}: {said}");
    }
    // The one that the server itself made and that somebody opened.
    drop(Start::at(folder).server());
    fs::set_permissions(folder.join("registry.db.pepper"), Permissions::from_mode(0o644)).unwrap();
    let (code, said) = Start::at(folder).refusal();
    assert_eq!(code, Some(3));
    assert!(said.contains("registry.db.pepper") && said.contains("chmod 600"), "{said}");
}

#[test]
fn the_well_known_admin_token_is_taken_on_loopback_alone() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        Start::at(folder.path()).without_env("T4_ADMIN_TOKEN").env("T4_ADMIN_TOKEN", "CHANGE_ME_ADMIN_TOKEN")
    };
    for address in ["0.0.0.0:0", "[::]:0"] {
        let (code, said) = start().arg("--bind").arg(address).refusal();
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains("T4_ADMIN_TOKEN"), "{said}");
    }
    let server = start().server();
    let token = [("x-t4-admin-token", "CHANGE_ME_ADMIN_TOKEN")];
    assert_eq!(server.call("GET", "/admin/api_keys", &token, "").status, 200);
}

#[test]
fn an_admin_token_is_made_when_there_is_none_and_lies_in_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Start::at(folder.path()).without_env("T4_ADMIN_TOKEN").server();
    let server = start();
    let path = folder.path().join("registry.db.admin-token");
    let token = fs::read_to_string(&path).unwrap().trim().to_owned();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let with = |server: &t4_tests::process::Server| {
        server.call("GET", "/admin/api_keys", &[("x-t4-admin-token", &token)], "").status
    };
    assert_eq!(with(&server), 200);
    assert!(server.log().contains("admin-token") && !server.log().contains(&token));
    drop(server);
    assert_eq!(with(&start()), 200, "the same one after a restart");
}

#[test]
fn the_hash_of_an_admin_token_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let mut hashing =
        command("admin-keys").arg("hash-token").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    hashing.stdin.take().unwrap().write_all(b"a-token-known-by-its-hash\n").unwrap();
    let hash = String::from_utf8(hashing.wait_with_output().unwrap().stdout).unwrap();
    let start =
        Start::at(folder.path()).without_env("T4_ADMIN_TOKEN").env("T4_ADMIN_TOKEN_HASH", hash.trim());
    let server = start.server();
    let with = |token: &str| server.call("GET", "/admin/api_keys", &[("x-t4-admin-token", token)], "").status;
    assert_eq!((with("a-token-known-by-its-hash"), with("another-token")), (200, 401));
}

#[test]
fn strict_audit_has_the_row_of_a_read_on_disk_before_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let server = Start::at(folder.path()).env("T4_AUDIT", "strict").server();
    let (key, _) = server.key("agent");
    for n in 0..20 {
        let id = format!("strict-{n}");
        let headers = [("x-t4-api-key", key.as_str()), ("x-request-id", &id)];
        assert_eq!(server.call("GET", "/intents", &headers, "").status, 200);
        let rows = format!("SELECT COUNT(*) FROM audit_log WHERE request_id = '{id}'");
        assert_eq!(crate::support::number(&server.db(), &rows), 1, "at once");
    }
}

#[test]
fn metrics_are_for_this_machine_and_for_admins_unless_they_are_public() {
    let folder = tempfile::tempdir().unwrap();
    let server = Start::at(folder.path()).env("T4_TRUSTED_PROXIES", "127.0.0.1/32").server();
    let through = [("x-forwarded-for", "203.0.113.9")];
    assert_eq!(server.get("/metrics").status, 200);
    assert_eq!(server.call("GET", "/metrics", &through, "").status, 401);
    let admin = [through[0], ("x-t4-admin-token", ADMIN)];
    assert_eq!(server.call("GET", "/metrics", &admin, "").status, 200);
    drop(server);
    let server = Start::at(folder.path()).env("T4_METRICS_PUBLIC", "1").server();
    assert_eq!(server.call("GET", "/metrics", &through, "").status, 200);
}

#[test]
fn the_welcome_of_make_run_says_what_to_type() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = command("intent-api")
        .args(["--bind", "127.0.0.1:0", "--welcome", "--db", "registry.db"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut text = String::new();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    while let Some(Ok(line)) = lines.next() {
        text += &line;
        text += "\n";
        if line.contains("t4 pre-pr") {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for word in
        ["registry.db.admin-token", "/docs", "T4_ADMIN_TOKEN", "T4_API_KEY", "admin-keys create", "t4 pre-pr"]
    {
        assert!(text.contains(word), "{word} is not in {text}");
    }
}
