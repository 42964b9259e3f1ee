//! `t4 check`: which files it looks into, which linter it runs, and how it ends.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use serde_json::Value;
use t4_tests::process;

use crate::support::{Repo, Run, ruff_folder};

const TAG: &str =
    r#"# TODO[T4-ISSUE]: {"id":"t4-1","code":"F401","reason":"a plugin needs it","status":"accepted"}"#;

fn files(report: &Value, list: &str) -> Vec<String> {
    let all = report[list].as_array().expect("a list");
    all.iter().map(|one| one["file"].as_str().expect("a file").to_owned()).collect()
}

#[test]
fn it_says_no_until_somebody_answers() {
    let repo = Repo::new();
    repo.write("a.py", "import os\n");
    let run = repo.t4(&["check"]).ends(1);
    assert!(run.stdout.contains("F401"), "{run:?}");
    repo.write("a.py", format!("import os  {TAG}\n"));
    repo.t4(&["check"]).ends(0);
    let report = repo.t4(&["check", "--json"]).ends(0).json();
    assert_eq!(report["tool"], "ruff 0.14.2");
    assert_eq!(report["summary"]["annotated"], 1);
}

#[test]
fn a_stale_annotation_fails_a_strict_check_alone() {
    let repo = Repo::new();
    repo.write("a.py", format!("x = 1  {TAG}\n"));
    assert_eq!(files(&repo.t4(&["check", "--json"]).ends(0).json(), "stale"), ["a.py"]);
    repo.t4(&["check", "--strict"]).ends(1);
}

#[test]
fn an_annotation_where_the_linter_does_not_look_is_not_stale() {
    let repo = Repo::new();
    repo.write("ruff.toml", "extend-exclude = [\"old\"]\n");
    repo.write("old/a.py", format!("x = 1  {TAG}\n"));
    repo.write("lib.rs", "fn f() {} // TODO[T4-ISSUE]: {\"id\":\"t4-2\",\"code\":\"F401\",\"reason\":\"r\",\"status\":\"accepted\"}\n");
    repo.write("b.py", format!("x = 1  {}\n", TAG.replace("t4-1", "t4-3")));
    assert_eq!(files(&repo.t4(&["check", "--json"]).json(), "stale"), ["b.py"]);
}

#[test]
fn ignored_skipped_and_linked_files_are_left_out() {
    let repo = Repo::new();
    let outside = Repo::without_git();
    outside.write("secret.py", "import os\n");
    repo.write(".gitignore", "ignored/\n");
    for name in ["a.py", "ignored/a.py", "labs/a.py", "x/reports/a.py", ".hidden/a.py"] {
        repo.write(name, "import os\n");
    }
    symlink(outside.path("secret.py"), repo.path("link.py")).expect("a link");
    symlink(outside.root(), repo.path("folder")).expect("a link");
    let run = repo.t4(&["check", "--json"]).ends(1);
    assert_eq!(files(&run.json(), "findings"), [".hidden/a.py", "a.py"], "{run:?}");
    repo.t4(&["check", "folder/secret.py", "--json"]).ends(0);
}

#[test]
fn a_root_below_a_skipped_name_is_checked() {
    let repo = Repo::new();
    repo.write("reports/checkout/t4.toml", "");
    repo.write("reports/checkout/a.py", "import os\n");
    std::fs::rename(repo.path("reports/checkout"), repo.path("checkout")).expect("moved");
    let other = Repo::without_git();
    other.write("reports/tree/t4.toml", "");
    other.write("reports/tree/a.py", "import os\n");
    let mut command = other.command(&["check", "--json"]);
    command.current_dir(other.path("reports/tree"));
    let output = process::run(&mut command);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn names_are_seen_from_the_working_directory_and_may_not_lead_out() {
    let repo = Repo::new();
    repo.write("src/a.py", "import os\n");
    repo.write("b.py", "import re\n");
    let mut command = repo.command(&["check", "a.py", "--json"]);
    command.current_dir(repo.path("src"));
    let output = process::run(&mut command);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(files(&report, "findings"), ["src/a.py"]);
    for outside in ["..", "/etc", "src/../../x"] {
        let run = repo.t4(&["check", outside]).ends(2);
        assert!(run.stderr.contains("outside of"), "{run:?}");
    }
    assert!(repo.t4(&["check", "nope"]).ends(2).stderr.contains("does not exist"));
    assert!(repo.t4(&["check", "--codes", "NOPE1"]).ends(2).stderr.contains("NOPE1"));
    repo.t4(&["check", "--json", "--sarif"]).ends(2);
}

#[test]
fn the_trees_own_settings_can_not_hide_what_can_be_fixed_nor_move_the_cache() {
    let repo = Repo::new();
    let elsewhere = Repo::without_git();
    let settings =
        format!("fix = true\nfix-only = true\ncache-dir = \"{}\"\n", elsewhere.path("cache").display());
    repo.write("ruff.toml", settings);
    repo.write("a.py", "import os\n");
    let mut command = repo.command(&["check"]);
    command.env_remove("RUFF_NO_CACHE");
    assert_eq!(process::run(&mut command).status.code(), Some(1));
    assert_eq!(repo.read("a.py"), "import os\n");
    assert!(!elsewhere.path("cache").exists());
    assert!(repo.path(".ruff_cache").is_dir());
    // A cache that leads out is not used.
    std::fs::remove_dir_all(repo.path(".ruff_cache")).expect("removed");
    symlink(elsewhere.root(), repo.path(".ruff_cache")).expect("a link");
    let mut command = repo.command(&["check"]);
    command.env_remove("RUFF_NO_CACHE");
    assert_eq!(process::run(&mut command).status.code(), Some(1));
    assert_eq!(std::fs::read_dir(elsewhere.root()).expect("a folder").count(), 0);
}

#[test]
fn names_that_look_like_arguments_are_files() {
    let repo = Repo::new();
    repo.write("-x.py", "import os\n");
    repo.write("@args", "--fix\n");
    let run = repo.t4(&["check", "--json", "--", "-x.py", "@args"]).ends(1);
    assert!(files(&run.json(), "findings").contains(&"-x.py".to_owned()), "{run:?}");
    assert_eq!(repo.read("-x.py"), "import os\n");
}

/// Runs a check with nothing on PATH but git and these programs.
fn with_programs(repo: &Repo, programs: &[(&str, &str)], variables: &[(&str, &str)]) -> Run {
    let folder = Repo::without_git();
    let git = process::stdout_of(std::process::Command::new("sh").args(["-c", "command -v git"]));
    symlink(git, folder.path("git")).expect("git");
    for (name, script) in programs {
        folder.write(name, format!("#!/bin/sh\n{script}\n"));
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(name), mode).expect("a mode");
    }
    let mut command = repo.command(&["check", "--json"]);
    command.env("PATH", folder.root()).envs(variables.iter().copied());
    let output = process::run(&mut command);
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn real_ruff() -> String {
    format!("exec {} \"$@\"", ruff_folder().join("ruff").display())
}

fn install(repo: &Repo, at: &str, script: &str) {
    repo.write(at, format!("#!/bin/sh\n{script}\n"));
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(repo.path(at), mode).expect("a mode");
}

#[test]
fn ruff_is_found_in_the_active_venv_unless_the_tree_brings_it() {
    let repo = Repo::new();
    repo.write("a.py", "import os\n");
    assert!(with_programs(&repo, &[], &[]).ends(3).stderr.contains("install it"));
    install(&repo, ".venv/bin/ruff", &real_ruff());
    let run = with_programs(&repo, &[], &[]).ends(3);
    assert!(run.stderr.contains("name it with `--ruff`"), "{run:?}");
    let environment = repo.path(".venv").display().to_string();
    let active = [("VIRTUAL_ENV", environment.as_str())];
    with_programs(&repo, &[], &active).ends(1);
    repo.commit("a ruff of my own");
    with_programs(&repo, &[], &active).ends(3);
}

#[test]
fn ruff_is_found_through_uvx_without_the_trees_settings() {
    let repo = Repo::new();
    repo.write("a.py", "import os\n");
    let uvx = format!("test \"$1 $2\" = '--no-config ruff' || exit 9\nshift 2\n{}", real_ruff());
    assert_eq!(with_programs(&repo, &[("uvx", &uvx)], &[]).ends(1).json()["tool"], "ruff 0.14.2");
}

#[test]
fn python_is_not_fooled_by_a_ruff_in_the_tree() {
    let repo = Repo::new();
    repo.write("a.py", "import os\n");
    repo.write("ruff/__main__.py", "open('owned', 'w')\nprint('ruff 9.9.9')\n");
    repo.write("runpy.py", "open('owned', 'w')\n");
    // A python that comes with ruff.
    let python = ruff_folder().join("python3");
    if !Path::new(&python).exists() {
        return;
    }
    let run = with_programs(&repo, &[("python3", &format!("exec {} \"$@\"", python.display()))], &[]);
    assert!(!repo.path("owned").exists(), "{run:?}");
    assert!(!run.stdout.contains("9.9.9"), "{run:?}");
}

#[test]
fn what_ruff_says_when_it_fails_is_told() {
    let repo = Repo::new();
    repo.write("a.py", "import os\n");
    repo.write("ruff.toml", "nonsense = [\n");
    let run = repo.t4(&["check"]).ends(3);
    assert!(run.stderr.contains("ruff") && run.stderr.contains("TOML"), "{run:?}");
}

#[test]
fn another_linters_output_is_read_from_a_file_or_the_standard_input() {
    let repo = Repo::new();
    repo.write("src/lib.rs", "fn f() {}\n// T4\n");
    let sarif = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"clippy","version":"1"}},"results":[
        {"ruleId":"clippy::x","message":{"text":"m"},"locations":[{"physicalLocation":{"artifactLocation":
        {"uri":"src/lib.rs"},"region":{"startLine":1}}}]}]}]}"#;
    repo.write("out.sarif", sarif);
    let report = repo.t4(&["check", "--from", "out.sarif", "--json"]).ends(1).json();
    assert_eq!(report["tool"], "clippy 1");
    assert_eq!(files(&report, "findings"), ["src/lib.rs"]);
    let elsewhere = repo.t4(&["check", "--from", "out.sarif", "--json", "out.sarif"]).ends(0).json();
    assert_eq!(files(&elsewhere, "findings"), Vec::<String>::new(), "only what the paths name");
    repo.t4(&["check", "--from", "nowhere"]).ends(3);
    repo.write("eslint.json", "[{\"filePath\":\"a.js\",\"messages\":[]}]");
    assert!(repo.t4(&["check", "--from", "eslint.json"]).ends(3).stderr.contains("SARIF 2.1.0"));
}

#[test]
fn fingerprints_outlive_moves_and_renames() {
    let print = |name: &str, text: &str| {
        let repo = Repo::new();
        repo.write(name, text);
        let report = repo.t4(&["check", "--json"]).ends(1).json();
        report["findings"][0]["fingerprint"].as_str().expect("a text").to_owned()
    };
    let before = print("a.py", "import os\n");
    assert_eq!(print("b/c.py", "\"\"\"Words.\"\"\"\n\nimport os  # a remark\n"), before);
    assert_ne!(print("a.py", "import re\n"), before);
}

#[test]
fn a_waiver_file_that_can_not_be_read_is_no_verdict() {
    let repo = Repo::new();
    repo.write("a.py", "x = 1\n");
    repo.write("audit/waivers/a.yaml", "waivers: [\n");
    repo.t4(&["check"]).ends(3);
}

#[test]
fn a_source_that_does_not_parse_is_a_finding() {
    let repo = Repo::new();
    repo.write("a.py", "def (:\n");
    let report = repo.t4(&["check", "--json"]).ends(1).json();
    assert_eq!(report["findings"][0]["code"], "invalid-syntax");
}

#[test]
fn a_tree_without_python_passes_and_says_so() {
    for repo in [Repo::new(), Repo::without_git()] {
        let run = repo.t4(&["check"]).ends(0);
        assert_eq!(run.stderr, "t4: there are no Python files to check\n");
        assert!(run.stdout.ends_with("0 findings, 0 unanswered, 0 annotations to fix: pass\n"), "{run:?}");
    }
}

#[test]
fn without_ruff_it_is_said_how_to_get_it() {
    let repo = Repo::new();
    repo.write("a.py", "import os\n");
    let git = repo.git(&["--exec-path"]);
    for command in [&["check"][..], &["codemod", "run"], &["annotate"]] {
        let output = process::run(repo.command(command).env("PATH", git.trim()));
        assert_eq!(output.status.code(), Some(3), "{command:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("pip install ruff") && said.contains("t4 check --from"), "{said}");
    }
}

#[test]
fn the_age_of_findings_is_in_the_table() {
    let repo = Repo::new();
    repo.write("a.py", "import os\n");
    repo.commit("first");
    let run = repo.t4(&["check", "--age"]).ends(1);
    assert!(run.stdout.contains("age of the findings: 0-7 days (1)\n"), "{run:?}");
    assert!(run.stdout.contains("1 finding, 1 unanswered, 0 annotations to fix: fail\n"), "{run:?}");
    assert!(!repo.t4(&["check"]).ends(1).stdout.contains("age of"));
}
