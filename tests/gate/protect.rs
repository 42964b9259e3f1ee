//! `t4 protect` against a GitHub of the tests' own.

use serde_json::{Value, json};
use t4_tests::fake_github::{FakeGitHub, REPO, TOKEN, WEAK_TOKEN};
use t4_tests::process;

use crate::support::{Repo, Run};

const OWNERS: &str = "@acme/platform";

struct Case {
    repo: Repo,
    github: FakeGitHub,
}

impl Case {
    fn new() -> Self {
        let repo = Repo::new();
        repo.git(&["remote", "add", "origin", "git@github.com:acme/widgets.git"]);
        repo.write("a.py", "x = 1\n");
        repo.commit("first");
        Self { repo, github: FakeGitHub::start() }
    }

    /// `t4 protect --api FAKE ...` with a token, or without one for "".
    fn run_as(&self, token: &str, arguments: &[&str]) -> Run {
        let api = self.github.url();
        let all: Vec<&str> = [&["protect", "--api", &api], arguments].concat();
        let mut command = self.repo.command(&all);
        command.env_remove("GITHUB_TOKEN").env_remove("GH_TOKEN");
        if !token.is_empty() {
            command.env("GITHUB_TOKEN", token);
        }
        Run::of(process::run(&mut command))
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_as(TOKEN, arguments)
    }

    fn apply(&self) -> Run {
        self.run(&["--owner", OWNERS, "--apply"])
    }

    /// The methods of the calls that change something.
    fn changes(&self) -> Vec<Value> {
        self.github.log().into_iter().filter(|call| call["method"] != "GET").collect()
    }

    /// Everything in the tree but `.git` and `.t4`, as git sees it.
    fn status(&self) -> String {
        self.repo.git(&["status", "--porcelain", "-uall"])
    }
}

/// What a careful team has on its branch.
fn careful() -> Value {
    json!({
        "required_status_checks": { "strict": false, "checks": [{ "context": "build", "app_id": 15368 }] },
        "enforce_admins": false,
        "required_pull_request_reviews": {
            "required_approving_review_count": 2, "dismiss_stale_reviews": true, "require_code_owner_reviews": true,
            "dismissal_restrictions": { "users": ["ada"], "teams": [], "apps": [] },
        },
        "restrictions": { "users": ["ada"], "teams": ["core"], "apps": [] },
        "required_linear_history": true,
        "required_conversation_resolution": true,
    })
}

#[test]
fn the_fake_refuses_what_github_refuses() {
    let github = FakeGitHub::start();
    let path = format!("/repos/{REPO}/branches/main/protection");
    let whole = careful();
    let with = |name: &str, value: Value| {
        let mut body = careful();
        body[name] = value;
        body
    };
    let without = |name: &str| {
        let mut body = careful();
        body.as_object_mut().expect("an object").remove(name);
        body
    };
    let both = json!({ "strict": true, "checks": [], "contexts": [] });
    for (body, words) in [
        (
            json!({ "required_status_checks": whole["required_status_checks"] }),
            "Invalid request.\n\n\"enforce_admins\", \"required_pull_request_reviews\", \"restrictions\" weren't supplied.",
        ),
        (without("restrictions"), "Invalid request.\n\n\"restrictions\" wasn't supplied."),
        (with("enforce_admins", json!("true")), "\"true\" is not a boolean."),
        (with("required_status_checks", json!("{\"strict\":true}")), "is not an object."),
        (with("required_status_checks", both), "More than one subschema in \"oneOf\" matched."),
        (with("required_status_checks", json!({ "strict": true })), "No subschema in \"oneOf\" matched."),
        (with("required_signatures", json!(true)), "\"required_signatures\" is not a permitted key."),
        (with("required_linear_history", json!({ "enabled": true })), "is not a boolean."),
        (with("restrictions", json!({ "users": [] })), "\"teams\" wasn't supplied."),
    ] {
        let answer = github.call("PUT", &path, &body);
        assert_eq!(answer.status, 422, "{body}");
        let message = answer.json()["message"].as_str().expect("a message").to_owned();
        assert!(message.starts_with("Invalid request.\n\n") && message.contains(words), "{body}: {message}");
    }
    assert_eq!(github.call("PUT", &path, &whole).status, 200);
    let shown = github.protection("main").expect("a protection");
    assert_eq!(github.call("PUT", &path, &shown).status, 422, "what is shown is not what is taken");
}

#[test]
fn a_dry_run_shows_the_requests_without_the_token_and_changes_nothing() {
    let case = Case::new();
    let run = case.run(&["--owner", OWNERS]).ends(0);
    let url = format!("PUT {}/repos/acme/widgets/branches/main/protection", case.github.url());
    for part in [
        url.as_str(),
        "Authorization: Bearer ***",
        "\"context\": \"t4-validator\"",
        "+++ b/.github/CODEOWNERS",
        "+/t4.toml @acme/platform",
        "+++ b/.github/workflows/t4-validator.yml",
    ] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
    assert!(!format!("{run:?}").contains(TOKEN));
    assert_eq!(case.status(), "");
    assert_eq!(case.changes(), Vec::<Value>::new());
    assert!(!case.repo.path(".t4").exists());
}

#[test]
fn a_dry_run_works_without_a_token_and_says_what_it_can_not_know() {
    let case = Case::new();
    let run = case.run_as("", &["--owner", OWNERS]).ends(0);
    assert!(run.stdout.contains("is not known"), "{}", run.stdout);
    assert_eq!(case.github.log(), Vec::<Value>::new());
    let run = case.run_as("", &["--owner", OWNERS, "--apply"]).ends(3);
    assert!(run.stderr.contains("GITHUB_TOKEN"), "{}", run.stderr);
    assert_eq!(case.status(), "");
}

#[test]
fn a_token_in_dot_env_is_not_taken() {
    let case = Case::new();
    case.repo.write(".env", format!("GITHUB_TOKEN={TOKEN}\n"));
    case.run_as("", &["--owner", OWNERS, "--apply"]).ends(3);
    assert_eq!(case.github.log(), Vec::<Value>::new());
}

#[test]
fn applied_it_protects_a_bare_branch_and_undone_nothing_is_left() {
    let case = Case::new();
    let run = case.apply().ends(0);
    assert!(run.stdout.contains("t4-intent-api-health"), "{run:?}");
    let shown = case.github.protection("main").expect("a protection");
    assert_eq!(
        shown["required_status_checks"]["contexts"],
        json!(["t4-validator", "t4-intent-api-health", "ci/tests"])
    );
    assert_eq!(shown["enforce_admins"]["enabled"], true);
    assert_eq!(shown["required_pull_request_reviews"]["require_code_owner_reviews"], true);
    for file in ["t4-validator.yml", "t4-intent-api-health.yml", "t4-tests.yml", "t4-waivers.yml"] {
        assert!(case.repo.path(&format!(".github/workflows/{file}")).exists(), "{file}");
    }
    assert!(!case.status().contains(".t4"), "{}", case.status());
    let sent = case.changes();
    assert_eq!(sent.len(), 1);
    assert_eq!((&sent[0]["method"], &sent[0]["status"]), (&json!("PUT"), &json!(200)));
    assert_eq!(sent[0]["api_version"], "2022-11-28");

    case.run(&["--undo"]).ends(0);
    assert_eq!(case.github.protection("main"), None);
    assert_eq!(case.status(), "");
    assert!(!case.repo.path(".github").exists());
    let run = case.run(&["--undo"]).ends(3);
    assert!(run.stderr.contains("nothing to undo"), "{run:?}");
}

#[test]
fn what_was_protected_stays_and_comes_back_exactly() {
    let case = Case::new();
    case.github.protect("main", &careful());
    let before = case.github.protection("main").expect("a protection");
    case.repo.write("CODEOWNERS", "* @acme/all\r\n/docs/ @acme/writers  # théirs\r\nt4.toml @ada");
    case.repo.commit("owners");
    case.apply().ends(0);
    let shown = case.github.protection("main").expect("a protection");
    let contexts = json!(["build", "t4-validator", "t4-intent-api-health", "ci/tests"]);
    assert_eq!(shown["required_status_checks"]["contexts"], contexts);
    assert_eq!(shown["required_status_checks"]["checks"][0], json!({ "context": "build", "app_id": 15368 }));
    assert_eq!(shown["enforce_admins"]["enabled"], true);
    for name in [
        "required_pull_request_reviews",
        "restrictions",
        "required_linear_history",
        "required_conversation_resolution",
    ] {
        assert_eq!(shown[name], before[name], "{name}");
    }
    let owners = case.repo.read("CODEOWNERS");
    assert!(
        owners.starts_with("* @acme/all\r\n/docs/ @acme/writers  # théirs\r\nt4.toml @ada\r\n"),
        "{owners:?}"
    );
    assert!(
        owners.contains("/CODEOWNERS @acme/platform\r\n") && !owners.contains("\n/t4.toml"),
        "{owners:?}"
    );
    assert!(!case.repo.path(".github/CODEOWNERS").exists(), "GitHub would take this one instead");

    case.run(&["--undo"]).ends(0);
    assert_eq!(case.github.protection("main").expect("a protection"), before);
    assert_eq!(case.status(), "");
}

#[test]
fn a_second_run_changes_nothing() {
    let case = Case::new();
    case.apply().ends(0);
    let status = case.status();
    case.github.clear_log();
    for owner in [&["--owner", OWNERS, "--apply"][..], &["--apply"]] {
        let run = case.run(owner).ends(0);
        assert!(run.stdout.contains("nothing was changed"), "{run:?}");
    }
    assert_eq!(case.changes(), Vec::<Value>::new());
    assert_eq!(case.status(), status);
}

#[test]
fn a_branch_with_a_slash_is_one_part_of_the_path() {
    let case = Case::new();
    case.run(&["--owner", OWNERS, "--branch", "release/1.0", "--apply"]).ends(0);
    assert!(case.github.protection("release/1.0").is_some());
    assert_eq!(case.github.protection("main"), None);
    let run = case.run(&["--owner", OWNERS, "--branch", "nowhere", "--apply"]).ends(3);
    assert!(run.stderr.contains("no such branch"), "{run:?}");
}

#[test]
fn when_github_fails_half_way_the_files_are_told_and_taken_back() {
    let case = Case::new();
    case.github.refuse("PUT", 500, 1);
    let run = case.apply().ends(3);
    assert!(run.stderr.contains("the files are written") && run.stderr.contains("--undo"), "{run:?}");
    assert!(case.status().contains("CODEOWNERS"));
    case.run(&["--undo"]).ends(0);
    assert_eq!(case.status(), "");
    assert_eq!(case.github.protection("main"), None);
}

#[test]
fn a_limit_that_is_used_up_is_told_and_nothing_was_changed() {
    let case = Case::new();
    for (kind, words) in [("primary", "at 1800000000"), ("secondary", "in 60 s")] {
        case.github.limit(kind, 1);
        let run = case.apply().ends(3);
        assert!(run.stderr.contains("no more calls") && run.stderr.contains(words), "{run:?}");
    }
    assert_eq!(case.status(), "");
}

#[test]
fn a_wrong_or_weak_token_changes_nothing_and_is_never_shown() {
    let case = Case::new();
    for (token, words) in [("ghp_wrong", "Bad credentials"), (WEAK_TOKEN, "may not administrate")] {
        let run = case.run_as(token, &["--owner", OWNERS, "--apply"]).ends(3);
        assert!(run.stderr.contains(words) && !format!("{run:?}").contains(token), "{run:?}");
    }
    let run = case.run(&["--repo", "acme/gadgets", "--owner", OWNERS, "--apply"]).ends(3);
    assert!(run.stderr.contains("no repository `acme/gadgets`"), "{run:?}");
    assert_eq!(case.status(), "");
    assert_eq!(case.changes(), Vec::<Value>::new());
}

#[test]
fn a_protection_that_somebody_changed_since_is_not_overwritten_by_undo() {
    let case = Case::new();
    case.apply().ends(0);
    case.github.protect("main", &careful());
    let run = case.run(&["--undo"]).ends(3);
    assert!(run.stderr.contains("changed since"), "{run:?}");
    assert!(case.status().contains("CODEOWNERS"), "the files wait for the branch");
    case.run(&["--undo", "--force"]).ends(0);
    assert_eq!(case.github.protection("main"), None);
    assert_eq!(case.status(), "");
}

#[test]
fn a_record_that_came_with_the_repository_is_not_believed() {
    let case = Case::new();
    case.apply().ends(0);
    case.repo.git(&["add", "-f", ".t4"]);
    case.github.clear_log();
    let run = case.run(&["--undo"]).ends(3);
    assert!(run.stderr.contains("part of the repository"), "{run:?}");
    assert_eq!(case.changes(), Vec::<Value>::new());
}

#[test]
fn the_record_is_for_its_owners_eyes() {
    use std::os::unix::fs::PermissionsExt as _;
    let case = Case::new();
    case.apply().ends(0);
    let folder = std::fs::read_dir(case.repo.path(".t4/protect")).expect("the folder");
    let modes: Vec<_> =
        folder.map(|file| file.unwrap().metadata().unwrap().permissions().mode() & 0o777).collect();
    assert_eq!(modes, [0o600]);
}

#[test]
fn links_and_settings_of_the_tree_lead_nowhere_else() {
    let case = Case::new();
    let outside = Repo::without_git();
    outside.write("workflows/keep", "");
    std::os::unix::fs::symlink(outside.root(), case.repo.path(".github")).expect("a link");
    case.apply().ends(3);
    assert!(!outside.path("CODEOWNERS").exists() && !outside.path("workflows/t4-tests.yml").exists());
    std::fs::remove_file(case.repo.path(".github")).expect("the link goes");
    case.repo.write("t4.toml", "[waivers]\nfolder = \"x\\n* @mallory #\"\n");
    let run = case.apply().ends(3);
    assert!(run.stderr.contains("folder of the waivers"), "{run:?}");
    assert_eq!(case.changes(), Vec::<Value>::new());
}

#[test]
fn owners_are_asked_for_where_nobody_owns_and_only_there() {
    let case = Case::new();
    let run = case.run(&["--apply"]).ends(2);
    assert!(run.stderr.contains("--owner"), "{run:?}");
    case.run(&["--owner", "mallory", "--apply"]).ends(2);
    case.repo.write(".github/CODEOWNERS", "* @acme/all\n");
    case.repo.commit("owners");
    case.run(&["--apply"]).ends(0);
    assert_eq!(case.repo.read(".github/CODEOWNERS"), "* @acme/all\n");
}

#[test]
fn a_workflow_that_differs_is_kept_and_told() {
    let case = Case::new();
    case.repo.write(".github/workflows/t4-tests.yml", "name: mine\n");
    let run = case.apply().ends(0);
    assert!(run.stdout.contains("t4-tests.yml` is there and differs"), "{}", run.stdout);
    assert_eq!(case.repo.read(".github/workflows/t4-tests.yml"), "name: mine\n");
}

#[test]
fn the_repository_is_that_of_the_remote_and_never_one_of_another_host() {
    let case = Case::new();
    case.repo.git(&["remote", "set-url", "origin", "https://u:s3cret@git.example.com/acme/widgets.git"]);
    let run = Run::of(process::run(&mut case.repo.command(&["protect", "--owner", OWNERS]))).ends(2);
    assert!(run.stderr.contains("git.example.com") && !run.stderr.contains("s3cret"), "{run:?}");
    case.repo.git(&["remote", "remove", "origin"]);
    assert!(case.run(&["--owner", OWNERS]).ends(2).stderr.contains("--repo"));
    let run = case.run(&["--repo", REPO, "--owner", OWNERS, "--json"]).ends(0).json();
    assert_eq!(
        (&run["repo"], &run["branch"], &run["applied"]),
        (&json!(REPO), &json!("main"), &json!(false))
    );
    assert_eq!(run["requests"][0]["authorization"], "Bearer ***");
    let run = case.repo.command(&["protect", "--repo", REPO, "--api", "http://example.com"]);
    assert!(Run::of(process::run(&mut { run })).ends(2).stderr.contains("https"));
}
