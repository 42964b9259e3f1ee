//! `t4 batches`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use t4_tests::fake_github::{FakeGitHub, REPO, TOKEN};
use t4_tests::process;

use crate::support::{Repo, Run};

struct Scene {
    repo: Repo,
    temporary: Repo,
}

impl Scene {
    fn new() -> Self {
        let repo = Repo::new();
        repo.write("a.py", "import os\nimport sys\n\nprint('x')\n");
        repo.write("b.py", "import os\n");
        repo.write("c.py", "try:\n    pass\nexcept KeyError as e:\n    raise ValueError\n");
        repo.write("e.py", "x = 1; y = 2\n");
        repo.commit("first");
        Self { repo, temporary: Repo::without_git() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut t4 = self.repo.command(&[&["batches"], arguments].concat());
        t4.env("TMPDIR", self.temporary.root());
        t4
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let output = process::run(&mut self.command(arguments));
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// What must be as it was: HEAD, status, index, worktrees, hooks' traces, the folder for temporary files.
    fn state(&self) -> Vec<String> {
        let temporary = fs::read_dir(self.temporary.root()).unwrap().map(|entry| entry.unwrap().path());
        let mut state = vec![
            self.repo.git(&["symbolic-ref", "HEAD"]),
            self.repo.git(&["rev-parse", "HEAD"]),
            self.repo.git(&["status", "--porcelain", "--ignored"]),
            self.repo.git(&["ls-files", "--stage"]),
            self.repo.git(&["diff", "HEAD"]),
            self.repo.git(&["worktree", "list"]),
        ];
        state.extend(temporary.map(|path| path.display().to_string()));
        state
    }

    fn branches(&self) -> Vec<String> {
        self.repo.git(&["branch", "--format=%(refname:short)"]).lines().map(str::to_owned).collect()
    }

    fn branch(&self, code: &str) -> String {
        let head = self.repo.git(&["rev-parse", "HEAD"]);
        format!("t4/autofix-{code}-{}", &head[..8])
    }
}

fn batch<'a>(made: &'a Value, code: &str) -> &'a Value {
    made["batches"].as_array().unwrap().iter().find(|batch| batch["code"] == code).unwrap()
}

#[test]
fn each_rule_gets_a_branch_with_one_commit_and_nothing_else_moves() {
    let scene = Scene::new();
    // What is not committed does not matter, and stays.
    scene.repo.write("a.py", "mine\n");
    scene.repo.write("staged.py", "import os\n");
    scene.repo.git(&["add", "staged.py"]);
    let before = scene.state();
    let made = scene.run(&["--json"]).ends(0).json();
    assert_eq!(scene.state(), before);
    let (unused, reraise) = (scene.branch("F401"), scene.branch("B904"));
    assert_eq!(scene.branches(), ["main", &reraise, &unused]);
    let batch_of = batch(&made, "F401");
    assert_eq!((batch_of["outcome"].as_str(), batch_of["fixed"].as_u64()), (Some("made"), Some(3)));
    assert_eq!(batch_of["branch"], unused.as_str());
    assert_eq!(scene.repo.git(&["rev-list", "--count", &format!("main..{unused}")]).trim(), "1");
    assert_eq!(scene.repo.git(&["show", &format!("{unused}:a.py")]).trim(), "print('x')");
    assert_eq!(scene.repo.git(&["diff", "--name-only", "main", &unused]).trim(), "a.py\nb.py");
    let message = scene.repo.git(&["log", "-1", "--format=%an%n%B", &unused]);
    assert!(message.starts_with("Ada Example\nFix 3 findings of F401\n"), "{message}");
    // Two statements in a line have no fix.
    let none = batch(&made, "E702");
    assert_eq!(none["outcome"], "nothing");
    assert!(none["reason"].as_str().unwrap().contains("neither ruff nor a codemod"), "{none}");
}

#[test]
fn a_branch_that_is_there_is_refused_and_stays() {
    let scene = Scene::new();
    scene.run(&["--codes", "F401"]).ends(0);
    let before = (scene.state(), scene.repo.git(&["rev-parse", &scene.branch("F401")]));
    let run = scene.run(&["--codes", "F401"]).ends(3);
    assert!(run.stdout.contains("already exists"), "{run:?}");
    assert_eq!((scene.state(), scene.repo.git(&["rev-parse", &scene.branch("F401")])), before);
}

#[test]
fn a_dry_run_shows_what_would_change_and_makes_nothing() {
    let scene = Scene::new();
    let before = scene.state();
    let run = scene.run(&["--dry-run"]).ends(0);
    assert!(run.stdout.contains("-import os\n") && run.stdout.contains("F401: would fix 3 of 3"), "{run:?}");
    assert_eq!((scene.state(), scene.branches()), (before, vec!["main".to_owned()]));
}

#[test]
fn a_batch_fixes_no_more_than_it_may() {
    let scene = Scene::new();
    let made = scene.run(&["--codes", "F401", "--max-per-batch", "1", "--json"]).ends(0).json();
    let one = batch(&made, "F401");
    assert_eq!((one["fixed"].as_u64(), one["files"][0]["file"].as_str()), (Some(1), Some("b.py")));
    scene.repo.git(&["rm", "-q", "b.py"]);
    scene.repo.commit("second");
    let run = scene.run(&["--codes", "F401", "--max-per-batch", "1"]).ends(0);
    assert!(run.stdout.contains("raise --max-per-batch"), "{run:?}");
    scene.run(&["--max-per-batch", "0"]).ends(2);
}

#[test]
fn a_commit_that_fails_leaves_no_trace() {
    let scene = Scene::new();
    scene.repo.git(&["config", "--unset", "user.name"]);
    scene.repo.git(&["config", "--unset", "user.email"]);
    scene.repo.git(&["config", "user.useConfigOnly", "true"]);
    let before = scene.state();
    let run = scene.run(&[]).ends(3);
    assert!(run.stdout.contains("F401: failed"), "{run:?}");
    assert_eq!((scene.state(), scene.branches()), (before, vec!["main".to_owned()]));
}

#[test]
fn hooks_and_links_of_the_tree_do_nothing() {
    let scene = Scene::new();
    let outside = Repo::without_git();
    outside.write("x.py", "import os\n");
    symlink(outside.path("x.py"), scene.repo.path("link.py")).unwrap();
    scene.repo.commit("link");
    for hook in ["post-checkout", "pre-commit", "commit-msg", "post-commit"] {
        let path = scene.repo.path(".git/hooks").join(hook);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\ntouch {}/ran\nexit 1\n", outside.root().display())).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    }
    scene.run(&["--codes", "F401"]).ends(0);
    assert_eq!(outside.read("x.py"), "import os\n");
    assert!(!outside.path("ran").exists());
}

#[test]
fn what_a_killed_run_left_is_cleared_by_the_next() {
    let scene = Scene::new();
    let before = scene.state();
    let folder = scene.temporary.path("t4-batches-4294967295-0");
    fs::create_dir(&folder).unwrap();
    scene.repo.git(&["worktree", "add", "-q", "--detach", &folder.join("F401").display().to_string()]);
    let own = scene.temporary.path("mine");
    scene.repo.git(&["worktree", "add", "-q", "--detach", &own.display().to_string()]);
    scene.run(&["--dry-run"]).ends(0);
    assert!(!folder.exists() && own.exists());
    scene.repo.git(&["worktree", "remove", &own.display().to_string()]);
    assert_eq!(scene.state(), before);
}

#[test]
fn a_run_that_is_stopped_clears_up() {
    let scene = Scene::new();
    for n in 0..200 {
        scene.repo.write(&format!("m{n}.py"), "import os\n");
    }
    scene.repo.commit("many");
    let before = scene.state();
    let mut child = scene.command(&["--codes", "F401"]).spawn().unwrap();
    // Until the worktree of the batch is there.
    let is_there = |path: &Path| path.join("F401/m0.py").exists();
    let begun =
        || fs::read_dir(scene.temporary.root()).unwrap().any(|entry| is_there(&entry.unwrap().path()));
    while !begun() && child.try_wait().unwrap().is_none() {}
    process::stdout_of(Command::new("kill").args(["-INT", &child.id().to_string()]));
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert_eq!((scene.state(), scene.branches()), (before, vec!["main".to_owned()]));
}

#[test]
fn kept_worktrees_stay_to_be_looked_at() {
    let scene = Scene::new();
    let made = scene.run(&["--codes", "F401", "--keep", "--json"]).ends(0).json();
    let path = batch(&made, "F401")["worktree"].as_str().unwrap().to_owned();
    assert_eq!(fs::read_to_string(Path::new(&path).join("a.py")).unwrap(), "\nprint('x')\n");
    scene.run(&["--codes", "B904"]).ends(0);
    assert!(Path::new(&path).exists());
    scene.repo.git(&["worktree", "remove", "--force", &path]);
}

#[test]
fn a_push_never_overwrites_a_branch() {
    let scene = Scene::new();
    let remote = Repo::without_git();
    remote.git(&["init", "-q", "--bare"]);
    scene.repo.git(&["remote", "add", "origin", &remote.root().display().to_string()]);
    let branch = scene.branch("F401");
    scene.repo.git(&["push", "-q", "origin", &format!("main:refs/heads/{}", scene.branch("B904"))]);
    let other = scene.repo.commit("elsewhere");
    scene.repo.git(&["push", "-q", "origin", &format!("HEAD:refs/heads/{branch}")]);
    scene.repo.git(&["reset", "-q", "--hard", "HEAD~1"]);
    // The name leads to a folder of this machine, whose hooks would be run.
    let run = scene.run(&["--codes", "F401", "--push"]).ends(3);
    assert!(run.stdout.contains("name the folder itself with --remote"), "{run:?}");
    scene.repo.git(&["branch", "-q", "-D", &branch]);
    let folder = remote.root().display().to_string();
    let run = scene.run(&["--codes", "F401,B904", "--push", "--remote", &folder]).ends(3);
    assert!(run.stdout.contains("not pushed") && run.stdout.contains("pushed\n"), "{run:?}");
    assert_eq!(remote.git(&["rev-parse", &branch]), other);
    let pushed = scene.branch("B904");
    assert_eq!(remote.git(&["rev-parse", &pushed]), scene.repo.git(&["rev-parse", &pushed]));
}

#[test]
fn pull_requests_are_opened_with_their_label() {
    let github = FakeGitHub::start();
    let scene = Scene::new();
    let remote = Repo::without_git();
    remote.git(&["init", "-q", "--bare"]);
    let (url, folder) = (github.url(), remote.root().display().to_string());
    let arguments =
        ["--codes", "F401,B904", "--pr", "--repo", REPO, "--api", &url, "--json", "--remote", &folder];
    let output = process::run(scene.command(&arguments).env("GITHUB_TOKEN", TOKEN));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(batch(&made, "B904")["pull_request"], format!("https://github.com/{REPO}/pull/1"));
    let pulls = github.call("GET", &format!("/repos/{REPO}/pulls"), &Value::Null).json();
    let pull =
        pulls.as_array().unwrap().iter().find(|pull| pull["head"]["ref"] == scene.branch("F401")).unwrap();
    assert_eq!((&pull["title"], &pull["base"]["ref"]), (&"Fix 3 findings of F401".into(), &"main".into()));
    assert!(pull["body"].as_str().unwrap().contains("| `a.py` | 2 |"), "{pull}");
    assert_eq!(pull["labels"][0]["name"], "t4-autofix");

    let output = process::run(scene.command(&arguments).env("GITHUB_TOKEN", "wrong"));
    assert_eq!(output.status.code(), Some(3));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("Bearer"), "{output:?}");
    scene.run(&["--pr"]).ends(2);
}

#[test]
fn without_a_repository_there_are_no_batches() {
    let repo = Repo::without_git();
    repo.t4(&["batches"]).ends(3);
    let scene = Scene::new();
    scene.run(&["--base", "nonsense"]).ends(2);
    scene.run(&["--codes", "F401;x"]).ends(2);
}

#[test]
fn files_with_a_finding_that_is_to_stay_are_left_out() {
    let scene = Scene::new();
    let accepted = r#"# TODO[T4-ISSUE]: {"id":"t4-1","code":"F401","reason":"the plugin loads it","status":"accepted","owner":"@ada"}"#;
    scene.repo.write("a.py", format!("import os\nimport sys  {accepted}\n\nprint('x')\n"));
    scene.repo.write("d.py", format!("import os  {}\n", accepted.replace("accepted", "planned")));
    scene.repo.write("waived.py", "import os\n");
    scene.repo.write(
        "audit/waivers/a.yaml",
        "waivers:\n  - {file: waived.py, line: 1, reason: the plugin needs it, owner: '@ada'}\n",
    );
    scene.repo.commit("decisions");
    let made = scene.run(&["--codes", "F401", "--dry-run", "--json"]).ends(0).json();
    let one = batch(&made, "F401");
    let files: Vec<_> = one["files"].as_array().unwrap().iter().map(|file| &file["file"]).collect();
    assert_eq!(files, ["b.py", "d.py"], "{one}");
    let left: Vec<_> = one["left_out"].as_array().unwrap().iter().map(|one| &one["reason"]).collect();
    assert_eq!(left, ["accepted: t4-1 @ada", "waived by audit/waivers/a.yaml:2"], "{one}");
    assert_eq!(one["left_out"][0]["row"], 2, "{one}");
    let run = scene.run(&["--codes", "F401"]).ends(0);
    assert!(run.stdout.contains("  a.py:2: file left out: accepted: t4-1 @ada\n"), "{run:?}");
    let branch = scene.branch("F401");
    assert_eq!(scene.repo.git(&["diff", "--name-only", "main", &branch]).trim(), "b.py\nd.py");
    let all = scene.run(&["--codes", "F401", "--dry-run", "--include-accepted", "--json"]);
    // The branch is there: a dry run says so too.
    assert!(all.stdout.contains("already exists"), "{all:?}");
    scene.repo.git(&["branch", "-q", "-D", &branch]);
    let all = scene.run(&["--codes", "F401", "--dry-run", "--include-accepted", "--json"]).ends(0).json();
    assert_eq!(batch(&all, "F401")["files"].as_array().unwrap().len(), 4, "{all}");
    assert_eq!(batch(&all, "F401")["left_out"], serde_json::json!([]));
}

#[test]
fn rules_without_findings_are_told_of_only_when_asked_for() {
    let scene = Scene::new();
    let run = scene.run(&["--dry-run"]).ends(0);
    assert!(run.stdout.contains("F401: ") && !run.stdout.contains("RUF006"), "{run:?}");
    let run = scene.run(&["--dry-run", "--codes", "RUF006"]).ends(0);
    assert_eq!(run.stdout, "RUF006: nothing to fix: no findings\nnothing to fix\n");
}
