//! The commands of the documents are run as they stand: every block that is fenced as `bash run`, one shell per
//! document, in the order of the document.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use t4_tests::process::{ADMIN, Server, bare, built, run, stdout_of};

use crate::support::root;

/// Documents that must have such blocks.
const WITH_COMMANDS: [&str; 5] =
    ["README.md", "docs/ONBOARDING.md", "docs/API.md", "docs/OPERATIONS.md", "docs/GATE.md"];

/// README.md and everything directly under `docs/`.
fn documents() -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(root().join("docs"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    found.sort();
    found.insert(0, root().join("README.md"));
    found
}

/// The document as a shell script: the lines of its blocks stand where they stand in the document, and all others are
/// empty, so that the shell counts the same lines.
fn script(text: &str) -> Option<String> {
    let (mut inside, mut any, mut script) = (false, false, String::new());
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        if inside && !fence {
            script.push_str(line);
        }
        inside = if fence { !inside && line.trim() == "```bash run" } else { inside };
        any |= inside;
        script.push('\n');
    }
    assert!(!inside, "a block is not closed");
    any.then_some(script)
}

fn git(folder: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    stdout_of(command.args(args).current_dir(folder));
}

/// A repository with a few files, on a branch that changes some.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    git(path, &["init", "-q", "-b", "main", "."]);
    git(path, &["config", "user.name", "docs"]);
    git(path, &["config", "user.email", "docs@localhost"]);
    fs::create_dir(path.join("src")).unwrap();
    for file in ["src/a.py", "src/b.py", "src/c.py", "README.md"] {
        fs::write(path.join(file), "first\n").unwrap();
    }
    git(path, &["add", "."]);
    git(path, &["commit", "-q", "-m", "first"]);
    git(path, &["switch", "-q", "-c", "feature"]);
    for file in ["src/a.py", "src/b.py"] {
        fs::write(path.join(file), "second\n").unwrap();
    }
    git(path, &["commit", "-q", "-a", "-m", "second"]);
    folder
}

/// Runs the blocks of a document against a throwaway server; the error names file and line.
fn run_document(path: &Path, script: &str) -> Result<(), String> {
    let name = path.strip_prefix(root()).unwrap_or(path).display().to_string();
    let (data, work) = (tempfile::tempdir().unwrap(), repository());
    let server = Server::start(data.path());
    let file = data.path().join("document.sh");
    // The first line of a document is a heading, so the script's own first line has room.
    let (first, rest) = script.split_once('\n').unwrap_or((script, ""));
    assert!(first.is_empty(), "{name} begins with a block");
    let trap = format!("trap 'echo \"{name}:$LINENO: failed with code $?: $BASH_COMMAND\" >&2' ERR");
    fs::write(&file, format!("{trap}\n{rest}")).unwrap();
    let mut command = Command::new("bash");
    // The ruff that `scripts/ensure-ruff.sh` installed.
    let ruff = built().parent().expect("target").join("tools/ruff/bin");
    let (programs, path) = (built(), std::env::var("PATH").unwrap_or_default());
    let program_path = format!("{}:{}:{path}", programs.display(), ruff.display());
    bare(&mut command)
        .arg("-e")
        .arg(&file)
        .current_dir(work.path())
        .env("PATH", program_path)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("T4_INTENT_API", server.url())
        .env("T4_ADMIN_TOKEN", ADMIN)
        .env("T4_DB", server.db());
    let ended = run(&mut command);
    if ended.status.success() {
        return Ok(());
    }
    let (out, error) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    // What the shell itself says names the script; the lines are those of the document.
    let error = error.replace(&file.display().to_string(), &name);
    Err(format!("{name}: {}\n{error}\nprinted:\n{out}", ended.status))
}

#[test]
fn every_command_of_the_documents_runs() {
    let mut failures = Vec::new();
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        if let Some(script) = script(&text) {
            failures.extend(run_document(&path, &script).err());
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn the_documents_that_tell_what_to_type_have_commands_that_run() {
    for name in WITH_COMMANDS {
        let text = fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(script(&text).is_some(), "{name} has no block that is fenced as `bash run`");
    }
}

#[test]
fn a_command_that_fails_is_named_with_file_and_line() {
    let text =
        "# Title\n\n```bash\nfalse\n```\n\n```bash run\ntrue\nls /nowhere-at-all\necho not reached\n```\n";
    let script = script(text).unwrap();
    let error = run_document(&root().join("docs/SAMPLE.md"), &script).unwrap_err();
    assert!(error.contains("docs/SAMPLE.md:9:"), "{error}");
    assert!(!error.contains("not reached"), "{error}");
}

/// The links of the documents lead to files that are there.
#[test]
fn every_relative_link_of_the_documents_leads_somewhere() {
    let mut broken = Vec::new();
    let mut all = documents();
    all.push(root().join("CONTRIBUTING.md"));
    for path in all.iter().filter(|path| path.exists()) {
        let text = fs::read_to_string(path).unwrap();
        for (before, _) in text.match_indices("](") {
            let target = text[before + 2..].split(')').next().unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") || file.contains(' ') {
                continue;
            }
            if !path.parent().unwrap().join(file).exists() {
                broken.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
