//! `t4 init`, the hook that it installs, the workflows' scripts, and the Make targets.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use t4_tests::process;

use crate::support::{Repo, Run, path_with_ruff, workspace};

const LEGACY: &str = "import os  # TODO[T4-UNUSED-IMPORT]: later\n";

/// PATH with the built `t4` and the tests' ruff in front.
fn path() -> String {
    format!("{}:{}", process::built().display(), path_with_ruff().to_string_lossy())
}

fn run(program: &str, folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
    let mut command = Command::new(program);
    process::bare(&mut command).current_dir(folder).args(arguments).env("PATH", path());
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("RUFF_NO_CACHE", "true");
    for name in ["MAKEFLAGS", "MAKELEVEL", "MFLAGS", "GITHUB_PATH", "GITHUB_TOKEN", "GH_TOKEN"] {
        command.env_remove(name);
    }
    command.envs(environment.iter().copied());
    Run::of(process::run(&mut command))
}

fn commit(repo: &Repo) -> Run {
    repo.git(&["add", "-A"]);
    run("git", repo.root(), &["commit", "-q", "-m", "change"], &[])
}

#[test]
fn an_empty_repository_gets_everything_and_a_second_run_changes_nothing() {
    let repo = Repo::new();
    repo.write("src/a.py", "x = 1\n");
    repo.write("docs/b.md", "");
    let first = repo.t4(&["init", "--json"]).ends(0).json();
    assert_eq!(first["created"].as_array().map(Vec::len), Some(6), "{first}");
    assert_eq!(first["hook"]["state"], "installed");
    assert!(repo.read("t4.toml").contains("paths = [\"src\"]"), "{}", repo.read("t4.toml"));
    let mode = std::fs::metadata(repo.path(".git/hooks/pre-commit")).expect("the hook").permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    let second = repo.t4(&["init", "--json"]).ends(0).json();
    assert_eq!(
        (&second["created"], &second["kept"], &second["hook"]["state"]),
        (&json!([]), &json!([]), &json!("same"))
    );
}

#[test]
fn undo_leaves_nothing_behind() {
    let repo = Repo::new();
    repo.commit("empty");
    repo.t4(&["init", "--yes"]).ends(0);
    repo.t4(&["init", "--undo"]).ends(0);
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    assert!(!repo.path(".git/hooks/pre-commit").exists() && !repo.path(".github").exists());
    repo.t4(&["init", "--undo"]).ends(3);
}

#[test]
fn what_is_there_is_kept_and_told() {
    let repo = Repo::new();
    repo.write("t4.toml", "[check]\npaths = [\"x\"]\n");
    repo.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 0\n");
    repo.write(".github/workflows/t4-tests.yml", "name: mine\n");
    let run = repo.t4(&["init", "--paths", "y"]).ends(0);
    assert!(
        run.stdout.contains("kept    t4.toml") && run.stdout.contains("xargs -0 -r t4 check"),
        "{}",
        run.stdout
    );
    assert_eq!(repo.read("t4.toml"), "[check]\npaths = [\"x\"]\n");
    assert_eq!(repo.read(".git/hooks/pre-commit"), "#!/bin/sh\nexit 0\n");
    repo.t4(&["init", "--undo"]).ends(0);
    assert_eq!(repo.read(".git/hooks/pre-commit"), "#!/bin/sh\nexit 0\n");
}

#[test]
fn a_hook_for_other_repositories_or_behind_a_link_is_not_written() {
    let outside = Repo::without_git();
    let repo = Repo::new();
    repo.git(&["config", "core.hooksPath", &outside.root().display().to_string()]);
    assert_eq!(repo.t4(&["init", "--json"]).ends(0).json()["hook"]["state"], "shared");
    repo.git(&["config", "core.hooksPath", ".husky"]);
    std::os::unix::fs::symlink(outside.root(), repo.path(".husky")).expect("a link");
    repo.t4(&["init", "--json"]);
    assert!(!outside.path("pre-commit").exists());
    std::fs::remove_file(repo.path(".husky")).expect("the link goes");
    assert_eq!(repo.t4(&["init", "--json"]).ends(0).json()["hook"]["state"], "installed");
    assert!(repo.path(".husky/pre-commit").exists());
}

#[test]
fn paths_that_lead_out_or_can_not_be_written_are_wrong_usage() {
    let repo = Repo::new();
    repo.t4(&["init", "--paths", "../x"]).ends(2);
    assert!(!repo.path("t4.toml").exists());
    repo.t4(&["init", "--no-hook", "--no-workflows", "--paths", "a \"b\",c", "--codes", "F401"]).ends(0);
    let text = repo.read("t4.toml");
    assert!(text.contains(r#"paths = ["a \"b\"", "c"]"#) && text.contains(r#"codes = ["F401"]"#), "{text}");
    assert!(!repo.path(".git/hooks/pre-commit").exists() && !repo.path(".github").exists());
}

#[test]
fn the_hook_refuses_legacy_annotations_that_are_added() {
    let repo = Repo::new();
    repo.write("old.py", LEGACY);
    repo.commit("old sins");
    repo.t4(&["init", "--yes"]).ends(0);
    repo.write("b.md", LEGACY);
    assert_eq!(commit(&repo).code, 0, "documents may speak of them, and old ones stay");
    repo.write("a.py", LEGACY);
    let refused = commit(&repo);
    assert!(refused.code != 0 && refused.stderr.contains("t4 migrate --apply"), "{refused:?}");
}

#[test]
fn the_hook_refuses_new_findings_that_nothing_answers_for() {
    let repo = Repo::new();
    repo.write("a.py", "import os\n");
    repo.commit("an old finding");
    repo.t4(&["init", "--yes"]).ends(0);
    repo.write("a.py", "import os\n\nx = 1\n");
    let passed = commit(&repo);
    assert_eq!(passed.code, 0, "{passed:?}");
    repo.write("-odd name\n.py", "import sys\n");
    let refused = commit(&repo);
    assert!(refused.code != 0 && refused.stderr.contains("--no-verify"), "{refused:?}");
}

#[test]
fn the_hook_works_before_the_first_commit_and_without_t4() {
    let repo = Repo::new();
    repo.t4(&["init", "--yes", "--no-workflows"]).ends(0);
    repo.write("a.py", "import sys\n");
    assert_ne!(commit(&repo).code, 0);
    let bare = run("git", repo.root(), &["commit", "-q", "-m", "x"], &[("PATH", "/usr/bin:/bin")]);
    assert!(bare.code == 0 && bare.stderr.contains("left to CI"), "{bare:?}");
}

/// The script of a step of a workflow, by its first words.
fn script(file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(workspace().join("crates/pr-gate/src/init/templates").join(file))
        .expect(file);
    let step = text.split("- name: ").find(|step| step.starts_with(name)).expect(name);
    let (_, script) = step.split_once("run: |\n").expect("a script");
    script.lines().map(|line| line.trim_start().to_owned() + "\n").collect()
}

#[test]
fn the_health_check_passes_without_a_registry_and_fails_with_a_dead_one() {
    let script = script("t4-intent-api-health.yml", "Ask the registry").replace("--retry 3", "--retry 0");
    let folder = Repo::without_git();
    let ask = |api: &str| run("bash", folder.root(), &["-e", "-c", &script], &[("T4_INTENT_API", api)]);
    let unset = ask("");
    assert!(unset.code == 0 && unset.stdout.contains("::notice"), "{unset:?}");
    let dead = ask("http://127.0.0.1:1");
    assert!(dead.code == 1 && dead.stdout.contains("::error"), "{dead:?}");
    assert_eq!(ask("--config=/etc/passwd").code, 1, "an address is no option of curl");
}

#[test]
fn the_tests_workflow_says_what_to_do_without_a_make_target() {
    let script = script("t4-tests.yml", "Run the tests");
    let repo = Repo::without_git();
    let none = run("bash", repo.root(), &["-e", "-c", &script], &[]);
    assert!(none.code == 1 && none.stdout.contains("t4-tests.yml"), "{none:?}");
    repo.write("Makefile", "test:\n\t@echo ran the tests\n");
    let ran = run("bash", repo.root(), &["-e", "-c", &script], &[]);
    assert!(ran.code == 0 && ran.stdout.contains("ran the tests"), "{ran:?}");
}

#[test]
fn a_runner_without_t4_is_told_how_to_get_it() {
    let repo = Repo::new();
    repo.t4(&["init", "--yes", "--no-hook"]).ends(0);
    let home = Repo::without_git();
    let home_path = home.root().display().to_string();
    let base = [("HOME", home_path.as_str())];
    let none = run("bash", repo.root(), &[".github/t4-install.sh"], &[base[0], ("PATH", "/usr/bin:/bin")]);
    assert!(none.code == 1 && none.stdout.contains("T4_INSTALL"), "{none:?}");
    let there = run("bash", repo.root(), &[".github/t4-install.sh"], &base);
    assert!(there.code == 0 && there.stdout.contains("ruff 0.14.2"), "{there:?}");
}

#[test]
fn the_make_targets_run_in_another_repository() {
    let repo = Repo::new();
    repo.write("a.py", "x = 1\n");
    repo.write("Makefile", format!("include {}\n", workspace().join("mk/t4.mk").display()));
    repo.commit("first");
    for target in ["t4-check", "t4-migrate-dry", "t4-codemod-dry", "t4-parallel-dry", "t4-init"] {
        let made = run("make", repo.root(), &[target], &[]);
        assert_eq!(made.code, 0, "{target}: {made:?}");
    }
    for target in ["t4-migrate", "t4-codemod", "t4-parallel", "t4-dashboard", "t4-api"] {
        run("make", repo.root(), &["-n", target], &[]).ends(0);
    }
}

#[test]
fn make_help_lists_every_target() {
    let help = run("make", &workspace(), &["help"], &[]).ends(0).stdout;
    for target in [
        "t4-init",
        "t4-check",
        "t4-migrate",
        "t4-migrate-dry",
        "t4-dashboard",
        "t4-api",
        "t4-codemod-dry",
        "t4-codemod",
        "t4-parallel",
        "t4-parallel-dry",
    ] {
        assert!(help.lines().any(|line| line.split_whitespace().next() == Some(target)), "{target}: {help}");
    }
}
