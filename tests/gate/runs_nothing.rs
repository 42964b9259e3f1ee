//! A repository runs nothing, by its configuration or by its files, and discloses nothing outside of it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use t4_tests::process;

use crate::support::{Repo, Run, path_with_ruff, ruff_folder};

const UNUSED: &str = "import os\n";

/// Writes a program into a tree.
fn program(repo: &Repo, name: &str, script: &str) {
    repo.write(name, format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(repo.path(name), Permissions::from_mode(0o755)).expect("a mode");
}

fn run_with(repo: &Repo, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = repo.command(arguments);
    for (name, value) in variables {
        command.env(name, value);
    }
    Run::of(process::run(&mut command))
}

#[test]
fn no_command_runs_what_a_repositorys_configuration_names() {
    let elsewhere = Repo::without_git();
    let trace = elsewhere.path("trace");
    program(&elsewhere, "program", &format!("echo \"$0 $*\" >> '{}'\ncat", trace.display()));
    let shown = elsewhere.path("program").display().to_string();
    for hook in [
        "pre-commit",
        "post-checkout",
        "post-commit",
        "commit-msg",
        "post-index-change",
        "reference-transaction",
    ] {
        program(&elsewhere, &format!("hooks/{hook}"), &format!("echo \"$0\" >> '{}'", trace.display()));
    }
    let settings = format!(
        "[core]\n\tfsmonitor = {shown}\n\thooksPath = {}\n\tpager = {shown}\n\teditor = {shown}\n\tsshCommand = {shown}\n\
         [diff]\n\texternal = {shown}\n[diff \"x=y\"]\n\ttextconv = {shown}\n\tcommand = {shown}\n\
         [filter \"x=y\"]\n\tclean = {shown}\n\tsmudge = {shown}\n\tprocess = {shown}\n\trequired = true\n\
         [commit]\n\tgpgSign = true\n[gpg]\n\tprogram = {shown}\n[credential]\n\thelper = {shown}\n",
        elsewhere.path("hooks").display()
    );
    let repo = Repo::new();
    repo.write("a.py", UNUSED);
    repo.commit("one");
    repo.write("b.py", "import sys\n");
    repo.write("c.py", "import io  # TODO[T4-UNUSED-IMPORT]: it is needed\n");
    repo.write(".gitattributes", "*.py filter=x=y diff=x=y\n");
    repo.commit("two");
    let config = repo.read(".git/config");
    repo.write(".git/config", config + &settings);
    let commands: [&[&str]; 14] = [
        &["check"],
        &["check", "--since", "HEAD~1"],
        &["check", "--age"],
        &["annotate"],
        &["annotate", "--apply"],
        &["annotate", "--undo"],
        &["prune"],
        &["migrate"],
        &["codemod", "run"],
        &["batches"],
        &["dashboard"],
        &["waivers", "ratchet", "--base", "HEAD~1"],
        &["pre-pr", "--since", "HEAD~1", "--api", "http://127.0.0.1:9"],
        &["init", "--yes", "--no-hook"],
    ];
    for command in commands {
        repo.write("a.py", "import os\nimport re\n");
        let run = run_with(&repo, command, &[("T4_API_KEY", "none")]);
        assert!(!trace.exists(), "{command:?}: {:?} {run:?}", fs::read_to_string(&trace));
    }
    // The worktrees of batches go through a filter, which is not run: what git stores of a file is no source to fix.
    let made = repo.t4(&["batches", "--codes", "F401"]).ends(0);
    assert!(made.stdout.contains("b.py:1: file left out: a git filter"), "{made:?}");
}

#[test]
fn linters_get_no_secret_and_little_else() {
    let repo = Repo::new();
    repo.write("a.py", UNUSED);
    repo.commit("one");
    let elsewhere = Repo::without_git();
    let seen = elsewhere.path("seen");
    let real = ruff_folder().join("ruff");
    program(&elsewhere, "ruff", &format!("env >> '{}'\nexec '{}' \"$@\"", seen.display(), real.display()));
    let named = elsewhere.path("ruff").display().to_string();
    let secrets = [
        ("T4_API_KEY", "secret"),
        ("T4_ADMIN_TOKEN", "secret"),
        ("T4_KEY_PEPPER", "secret"),
        ("GITHUB_TOKEN", "secret"),
        ("GH_TOKEN", "secret"),
        ("OPENAI_API_KEY", "secret"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("RUFF_OUTPUT_FILE", "secret"),
        ("LD_PRELOAD", ""),
        ("HOME", "/my-home"),
    ];
    for command in
        [&["check"][..], &["check", "--since", "HEAD"], &["codemod", "run"], &["batches"], &["annotate"]]
    {
        run_with(&repo, &[command, &["--ruff", &named]].concat(), &secrets);
        let variables = fs::read_to_string(&seen).expect("it was run");
        assert!(
            variables.contains("HOME=/my-home\n") && !variables.contains("secret"),
            "{command:?}: {variables}"
        );
        fs::remove_file(&seen).expect("removed");
    }
}

#[test]
fn a_ruff_of_the_tree_runs_only_when_its_environment_is_active_or_it_is_named() {
    let repo = Repo::new();
    repo.write("a.py", UNUSED);
    repo.write(".gitignore", ".venv/\n");
    repo.commit("one");
    let real = ruff_folder().join("ruff");
    program(&repo, ".venv/bin/ruff", &format!("echo own >> .git/own\nexec '{}' \"$@\"", real.display()));
    for name in ["ruff", "git", "python3", "uvx", "sub/ruff"] {
        program(&repo, name, "echo hostile >> .git/hostile\nexit 1");
    }
    let environment = repo.path(".venv").display().to_string();
    let usual = path_with_ruff().into_string().expect("UTF-8");
    let in_tree = format!(".::{environment}/bin:{}:sub:{usual}", repo.path("sub").display());
    let ran = |arguments: &[&str], variables: &[(&str, &str)]| {
        run_with(&repo, &[&["check"], arguments].concat(), variables).ends(1);
        assert!(!repo.path(".git/hostile").exists(), "{arguments:?} {variables:?}");
        fs::remove_file(repo.path(".git/own")).is_ok()
    };
    assert!(!ran(&[], &[]));
    assert!(!ran(&[], &[("PATH", &in_tree)]));
    assert!(!ran(&[], &[("PATH", &in_tree), ("VIRTUAL_ENV", "/another")]));
    assert!(!ran(&[], &[("VIRTUAL_ENV", ".venv")]));
    assert!(ran(&[], &[("VIRTUAL_ENV", &environment)]));
    assert!(ran(&["--ruff", ".venv/bin/ruff"], &[]));
    // What a commit brings is run when it is named, and not because its environment is active.
    repo.git(&["add", "-f", ".venv"]);
    assert!(!ran(&[], &[("PATH", &in_tree), ("VIRTUAL_ENV", &environment)]));
    assert!(ran(&["--ruff", ".venv/bin/ruff"], &[]));
    let run = repo.t4(&["check", "--ruff", "no-such-ruff"]).ends(3);
    assert!(run.stderr.contains("no-such-ruff"), "{run:?}");
}

#[test]
fn a_linters_configuration_discloses_no_file_outside_of_the_tree() {
    let outside = Repo::without_git();
    // Each of them is one that ruff quotes.
    let texts = [
        "a-secret-word [\n",
        "a-secret-word = 1\n",
        "line-length = \"a-secret-word\"\n",
        "[lint]\nselect = [\"a-secret-word\"]\n",
        "required-version = \"a-secret-word\"\n",
        "[lint]\nignore = [\"F401\"]\nselect = [\"ANN101\"]\n# a-secret-word\n",
    ];
    for (number, text) in texts.iter().enumerate() {
        outside.write("x.toml", text);
        let leads = outside.path("x.toml");
        for way in ["extend", "link", "pyproject", "sub/.ruff.toml"] {
            let repo = Repo::new();
            repo.write("sub/a.py", UNUSED);
            repo.commit("one");
            match way {
                "extend" => repo.write("ruff.toml", format!("extend = \"{}\"\n", leads.display())),
                "pyproject" => {
                    repo.write("pyproject.toml", format!("[tool.ruff]\nextend = \"{}\"\n", leads.display()));
                }
                "link" => symlink(&leads, repo.path("ruff.toml")).expect("a link"),
                name => symlink(&leads, repo.path(name)).expect("a link"),
            }
            repo.write("sub/b.py", UNUSED);
            let commands: [&[&str]; 6] = [
                &["check"],
                &["check", "--since", "HEAD"],
                &["check", "--compat", "--json", "sub"],
                &["annotate"],
                &["codemod", "run"],
                &["batches", "--dry-run"],
            ];
            for command in commands {
                if command == ["batches", "--dry-run"] {
                    repo.commit("configuration");
                }
                let run = repo.t4(command);
                let said = run.stdout.clone() + &run.stderr;
                assert!(!said.contains("secret"), "{number} {way} {command:?}: {said}");
                // The last of the texts is valid.
                let fails = number + 1 < texts.len();
                assert!(!fails || said.contains("outside the tree"), "{number} {way} {command:?}: {said}");
            }
        }
    }
    // Messages about files of the tree are shown.
    let repo = Repo::new();
    repo.write("a.py", UNUSED);
    repo.write("config/base.toml", "no-such-option = 1\n");
    repo.write("ruff.toml", "extend = \"config/base.toml\"\n");
    assert!(repo.t4(&["check"]).ends(3).stderr.contains("no-such-option"));
}

#[test]
fn a_configuration_without_an_end_is_refused_before_it_is_read() {
    for name in ["ruff.toml", "sub/.ruff.toml"] {
        let repo = Repo::new();
        repo.write("sub/a.py", UNUSED);
        repo.write(name, "extend = \"/dev/zero\"\n");
        repo.commit("one");
        for command in [&["check"][..], &["annotate"], &["codemod", "run"], &["batches", "--dry-run"]] {
            assert!(repo.t4(command).ends(3).stderr.contains("/dev/zero"), "{name} {command:?}");
        }
    }
}

#[test]
fn a_pipe_that_the_configuration_of_a_repository_or_a_submodule_names_is_refused() {
    let repo = Repo::new();
    repo.write("a.py", UNUSED);
    repo.commit("one");
    let library = Repo::new();
    library.write("b.py", UNUSED);
    library.commit("one");
    let from = library.root().display().to_string();
    repo.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &from, "sub"]);
    repo.commit("two");
    for (config, pipe) in [(".git/modules/sub/config", ".git/modules/sub/pipe"), (".git/config", ".git/pipe")]
    {
        process::stdout_of(process::bare(Command::new("mkfifo").arg(repo.path(pipe))));
        let text = repo.read(config) + "[include]\n\tpath = pipe\n";
        repo.write(config, text);
        let run = repo.t4(&["check", "--since", "HEAD"]).ends(3);
        assert!(run.stderr.contains("no ordinary file"), "{run:?}");
    }
}

#[test]
fn a_link_discloses_no_source_outside_of_the_tree() {
    let outside = Repo::without_git();
    outside.write("x.py", "import secret_word\nsecret_name\nsecret word\n");
    outside.write("y.py", "import secret_word\nsecret_name\n");
    // ruff quotes the parameter in a syntax error, which is the only finding.
    outside.write("z.py", "def f(secret_word, secret_word):\n    pass\n");
    let repo = Repo::new();
    repo.write("a.py", UNUSED);
    for name in ["x.py", "y.py", "z.py"] {
        symlink(outside.path(name), repo.path(name)).expect("a link");
    }
    repo.commit("one");
    let commands: [&[&str]; 7] = [
        &["check", "--json"],
        &["check", "--compat", "--json", "x.py", "y.py", "z.py", "a.py"],
        &["check", "--codes", "ALL"],
        &["annotate"],
        &["codemod", "run", "--json"],
        &["batches", "--dry-run"],
        &["dashboard", "--output", "-", "--no-history"],
    ];
    for command in commands {
        let run = repo.t4(command);
        assert!(!(run.stdout.clone() + &run.stderr).contains("secret"), "{command:?}: {run:?}");
    }
    let report = repo.t4(&["check", "--compat", "--json", "x.py", "y.py", "z.py", "a.py"]).json();
    assert_eq!(report["summary"]["total_findings"], 1, "{report}");
}

#[test]
fn a_file_behind_a_filter_counts_as_changed_and_as_new_and_that_is_said() {
    let repo = Repo::new();
    // What git stores is in capital letters, as of files that Git LFS stores elsewhere.
    repo.git(&["config", "filter.case.clean", "tr a-z A-Z"]);
    repo.git(&["config", "filter.case.smudge", "tr A-Z a-z"]);
    // Of another file, git stores a source with the same finding: only the filter makes it new, or leaves it out.
    repo.git(&["config", "filter.word.clean", "sed s/inner/OUTER/"]);
    repo.git(&["config", "filter.word.smudge", "sed s/OUTER/inner/"]);
    repo.write(".gitattributes", "filtered.py filter=case\nword.py filter=word\n");
    repo.write("filtered.py", UNUSED);
    repo.write("plain.py", UNUSED);
    repo.write("word.py", "import os  # inner\n");
    repo.commit("one");
    assert_eq!(repo.git(&["show", "HEAD:filtered.py"]), "IMPORT OS");
    assert_eq!(repo.git(&["show", "HEAD:word.py"]), "import os  # OUTER");
    let new = |run: &Run| {
        let report = run.json();
        let list = report["findings"].as_array().expect("a list").clone();
        list.iter().map(|one| one["file"].as_str().expect("a file").to_owned()).collect::<Vec<_>>()
    };
    // Their times are other ones: only the filter could tell that the files are as they were.
    for name in ["filtered.py", "word.py"] {
        let text = repo.read(name);
        fs::remove_file(repo.path(name)).expect("removed");
        repo.write(name, text);
    }
    let run = repo.t4(&["check", "--since", "HEAD", "--json"]).ends(1);
    assert_eq!(new(&run), ["filtered.py", "word.py"]);
    assert!(run.stderr.contains("filtered.py") && run.stderr.contains("git filter"), "{run:?}");
    // The working tree has the whole content and is written. The user's git filters it at the next commit.
    repo.t4(&["annotate", "--apply"]).ends(0);
    assert!(repo.read("filtered.py").starts_with("import os  # TODO[T4-ISSUE]"));
    let run = repo.t4(&["check", "--since", "HEAD"]).ends(0);
    assert!(run.stderr.contains("git filter"), "{run:?}");
    // No commit has what was not filtered.
    repo.git(&["checkout", "-q", "."]);
    let made = repo.t4(&["batches", "--codes", "F401", "--json"]).ends(0).json();
    let batch = &made["batches"][0];
    assert_eq!(batch["files"][0]["file"], "plain.py", "{made}");
    // What git stores of `filtered.py` is no Python, so it has no finding.
    let left_out = batch["left_out"].as_array().expect("a list");
    assert_eq!((left_out.len(), &left_out[0]["file"]), (1, &"word.py".into()), "{made}");
    assert!(left_out[0]["reason"].as_str().is_some_and(|reason| reason.contains("git filter")), "{made}");
}
