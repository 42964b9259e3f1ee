//! `t4 ingest` and `t4 check --registry` against a real server.

use std::process::Command;

use serde_json::Value;
use t4_tests::process::{self, Server};

use crate::support::{Repo, Run};

struct Registry {
    server: Server,
    key: String,
}

impl Registry {
    fn start(repo: &Repo) -> Self {
        let folder = repo.path("server");
        std::fs::create_dir(&folder).expect("a folder");
        let server = Server::start(&folder);
        let (key, _) = server.key("gate");
        Self { server, key }
    }

    fn t4(&self, repo: &Repo, arguments: &[&str]) -> Run {
        let mut t4: Command = repo.command(arguments);
        t4.env("T4_INTENT_API", self.server.url()).env("T4_API_KEY", &self.key);
        Run::of(process::run(&mut t4))
    }

    fn intents(&self) -> Vec<Value> {
        let answer = self.server.agent(&self.key, "GET", "/intents", "");
        answer.json().as_array().expect("a list").clone()
    }

    fn status(&self, id: &str) -> String {
        let of = |one: &Value| one["id"] == id;
        self.intents().into_iter().find(of).expect("the intent")["status"]
            .as_str()
            .expect("a status")
            .to_owned()
    }
}

const ANNOTATED: &str = "import os  # TODO[T4-ISSUE]: {\"id\":\"t4-os\",\"code\":\"F401\",\"reason\":\"a plugin needs it\",\"status\":\"planned\",\"owner\":\"gate\",\"ticket\":\"GH-1\"}\n";

fn repo() -> Repo {
    let repo = Repo::new();
    repo.write("src/a.py", ANNOTATED);
    repo.write("src/b.py", "import re\nimport io\n");
    repo.write("t4.toml", "[check]\npaths = [\"src\"]\n");
    repo.commit("begin");
    repo
}

#[test]
fn ingest_tells_the_registry_once_and_marks_what_is_gone() {
    let repo = repo();
    let registry = Registry::start(&repo);
    let dry = registry.t4(&repo, &["ingest", "--dry-run", "--json"]).ends(0).json();
    assert_eq!((dry["created"].as_array().unwrap().len(), registry.intents().len()), (3, 0), "{dry}");

    let first = registry.t4(&repo, &["ingest", "--json"]).ends(0).json();
    assert_eq!(first["created"].as_array().unwrap().len(), 3, "{first}");
    assert_eq!(registry.status("t4-os"), "planned");
    let second = registry.t4(&repo, &["ingest", "--json"]).ends(0).json();
    assert_eq!(
        (&second["created"], &second["updated"], &second["unchanged"]),
        (&Value::from([0; 0]), &Value::from([0; 0]), &3.into())
    );

    // Lines move, and nothing is told again.
    repo.write("src/b.py", "\n\nimport re\nimport io\n");
    let moved = registry.t4(&repo, &["ingest", "--json"]).ends(0).json();
    assert_eq!(
        (moved["created"].as_array().unwrap().len(), moved["unchanged"].as_u64()),
        (0, Some(3)),
        "{moved}"
    );

    repo.write("src/a.py", "x = 1\n");
    repo.write("src/b.py", "import io\n");
    let gone = registry.t4(&repo, &["ingest", "--json"]).ends(0).json();
    assert_eq!(gone["updated"].as_array().unwrap().len(), 2, "{gone}");
    assert_eq!(registry.status("t4-os"), "implemented");
    let open = registry.intents().into_iter().filter(|one| one["status"] == "reserved").count();
    assert_eq!(open, 1);
}

#[test]
fn an_intent_of_another_file_of_that_id_is_left_alone() {
    let repo = repo();
    let registry = Registry::start(&repo);
    let body = r#"{"id":"t4-os","code":"F401","file":"elsewhere.py","line":1}"#;
    assert_eq!(registry.server.agent(&registry.key, "POST", "/intents", body).status, 201);
    let told = registry.t4(&repo, &["ingest", "--json"]).ends(0).json();
    assert!(told["skipped"][0]["why"].as_str().unwrap().contains("elsewhere.py"), "{told}");
    assert_eq!(registry.status("t4-os"), "reserved");
}

#[test]
fn an_intent_of_the_registry_counts_as_an_annotation_and_what_has_neither_is_reserved() {
    let repo = repo();
    let registry = Registry::start(&repo);
    registry.t4(&repo, &["check", "--json"]).ends(1);
    let body = r#"{"id":"i1","code":"F401","file":"src/b.py","line":1,"status":"planned","owner":"gate","ticket":"GH-2"}"#;
    assert_eq!(registry.server.agent(&registry.key, "POST", "/intents", body).status, 201);

    let report = registry.t4(&repo, &["check", "--registry", "--json"]).ends(1).json();
    assert_eq!(
        (&report["summary"]["registered"], &report["summary"]["unannotated"]),
        (&1.into(), &1.into()),
        "{report:#}"
    );

    let reserved = registry.t4(&repo, &["check", "--registry", "--reserve", "--json"]).ends(1);
    assert!(reserved.stderr.contains("1 intent reserved"), "{reserved:?}");
    assert_eq!(registry.intents().len(), 2);
    registry.t4(&repo, &["check", "--registry", "--reserve"]).ends(1);
    assert_eq!(registry.intents().len(), 2, "reserved once");

    // Somebody takes it: the check passes.
    let all = registry.intents();
    let id = all.iter().find(|one| one["status"] == "reserved").unwrap()["id"].as_str().unwrap();
    let patch = r#"{"status":"planned","owner":"gate","ticket":"GH-3"}"#;
    let target = format!("/intents/{id}");
    assert_eq!(registry.server.agent(&registry.key, "PATCH", &target, patch).status, 200);
    registry.t4(&repo, &["check", "--registry"]).ends(0);
}

#[test]
fn the_file_of_an_intent_is_found_however_the_tree_spells_it() {
    let repo = Repo::new();
    // As macOS writes names; the registry composes them.
    repo.write("src/cafe\u{301}.py", "import re\n");
    repo.write("t4.toml", "[check]\npaths = [\"src\"]\n");
    repo.commit("begin");
    let registry = Registry::start(&repo);
    let check = |more: &[&str]| registry.t4(&repo, &[&["check", "--registry", "--json"], more].concat());
    check(&["--reserve"]).ends(1);
    check(&["--reserve"]).ends(1);
    let intents = registry.intents();
    assert_eq!((intents.len(), intents[0]["file"].as_str()), (1, Some("src/caf\u{e9}.py")));
    let table = registry.t4(&repo, &["pre-pr", "src/cafe\u{301}.py"]).ends(1);
    assert!(table.stdout.contains(intents[0]["id"].as_str().unwrap()), "{table:?}");
    let patch = r#"{"status":"planned","owner":"gate","ticket":"GH-3"}"#;
    let target = format!("/intents/{}", intents[0]["id"].as_str().unwrap());
    assert_eq!(registry.server.agent(&registry.key, "PATCH", &target, patch).status, 200);
    let report = check(&[]).ends(0).json();
    assert_eq!(report["summary"]["registered"], 1, "{report:#}");
    registry.t4(&repo, &["pre-pr", "src/cafe\u{301}.py"]).ends(0);
    repo.write("src/cafe\u{301}.py", "");
    let gone = registry.t4(&repo, &["ingest", "--json"]).ends(0).json();
    assert_eq!(gone["updated"].as_array().map(Vec::len), Some(1), "{gone}");
}

#[test]
fn a_server_that_is_not_there_is_no_verdict() {
    let repo = repo();
    let mut t4 = repo.command(&["check", "--registry"]);
    t4.env("T4_INTENT_API", "http://127.0.0.1:1")
        .env("T4_API_KEY", "t4_000000000001_0000000000000000000000000000000000000000000dLTI1");
    Run::of(process::run(&mut t4)).ends(3);
}
