//! Every setting that the installed git knows, set to a program: none is run.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking as well")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Scene, everything};

/// Settings that git's own list lacks.
const UNLISTED: [&str; 12] = [
    "core.fsmonitor",
    "core.worktreeConfig",
    "filter.<driver>.process",
    "filter.<driver>.required",
    "hook.<name>.command",
    "trailer.<token>.command",
    "trailer.<token>.cmd",
    "credential.<url>.helper",
    "extensions.worktreeConfig",
    "tar.<format>.command",
    "merge.<driver>.driver",
    "diff.<driver>.textconv",
];

/// Sections of commands that T4 never runs, and of mere words and colours.
const OTHERS: [&str; 26] = [
    "advice",
    "bitmapPseudoMerge",
    "browser",
    "bundle",
    "color",
    "column",
    "completion",
    "difftool",
    "fastimport",
    "fetch",
    "format",
    "fsck",
    "gitcvs",
    "gitweb",
    "gui",
    "guitool",
    "help",
    "imap",
    "instaweb",
    "man",
    "mergetool",
    "rerere",
    "scalar",
    "sendemail",
    "svn",
    "sendpack",
];

/// The settings that git tells of, with a name in place of each `<...>` and `*`.
fn known(scene: &Scene) -> BTreeSet<String> {
    let listed = scene.git(&["help", "--config"]);
    let named = |line: &str| {
        let (section, rest) = line.trim().split_once('.')?;
        if OTHERS.contains(&section) {
            return None;
        }
        let subsection = match section {
            "remote" | "branch" => "origin",
            "credential" | "http" | "url" => "https://example.com",
            _ => "x",
        };
        let rest = match rest.split_once('<').zip(rest.rsplit_once('>')) {
            Some(((before, _), (_, after))) => format!("{before}{subsection}{after}"),
            None => rest.to_owned(),
        };
        Some(format!("{section}.{}", rest.replace('*', "helper")))
    };
    listed.lines().chain(UNLISTED).filter_map(named).collect()
}

/// How many settings are made at once.
const AT_ONCE: usize = 24;

/// How many repositories the settings are divided over. Nearly all of the time is that of git's processes.
const THREADS: usize = 4;

/// Makes settings of the program in a configuration as it was.
fn configure(scene: &Scene, config: &str, settings: &[String]) {
    let mut text = config.to_owned();
    for setting in settings {
        let (section, rest) = setting.split_once('.').unwrap();
        let (subsection, name) = rest
            .rsplit_once('.')
            .map_or((String::new(), rest), |(subsection, name)| (format!(" \"{subsection}\""), name));
        let _ = write!(text, "[{section}{subsection}]\n\t{name} = {}\n", scene.shown());
    }
    fs::write(scene.path("repo/.git/config"), text).unwrap();
}

/// Makes settings of the program in a configuration as it was, and does everything; the errors.
fn with(scene: &Scene, config: &str, settings: &[String]) -> Vec<String> {
    configure(scene, config, settings);
    // The index does not know that the file is as it was: git has to look.
    scene.write("repo/b.py", "import re\nimport sys\n");
    let errors = everything(scene);
    let _ = fs::remove_file(scene.path("repo/.git/refs/heads/t4/x"));
    errors
}

/// A repository whose files have a filter and a diff driver of the name that [`known`] gives to all, and its configuration.
fn scene() -> (Scene, String) {
    let scene = Scene::new();
    scene.write("repo/.gitattributes", "*.py filter=x diff=x merge=x\n");
    scene.commit("attributes");
    scene.write("repo/a.py", "import os\n");
    scene.git(&["remote", "add", "origin", "https://127.0.0.1:9/x.git"]);
    let config = fs::read_to_string(scene.path("repo/.git/config")).unwrap();
    (scene, config)
}

/// Makes each of the settings the program: those with which git still works, and what ran.
fn tried(known: &[String]) -> (Vec<String>, Vec<String>) {
    let (scene, config) = scene();
    let (mut texts, mut run) = (Vec::new(), Vec::new());
    let mut trace = |settings: &[String]| {
        let trace = scene.trace()?;
        run.push(format!("{settings:?}: {}", trace.lines().next().unwrap_or_default()));
        Some(())
    };
    // A setting that takes a number, for one, makes git fail: it can't be made with others, and names no program.
    for setting in known {
        configure(&scene, &config, std::slice::from_ref(setting));
        let taken = scene.open().and_then(|git| {
            git.run(&["diff", "--name-only", "--no-ext-diff", "HEAD"])?;
            git.run(&["commit", "--quiet", "--dry-run", "--all", "--file=a.py"])
        });
        match taken {
            Ok(_) => texts.push(setting.clone()),
            Err(_) => drop(trace(std::slice::from_ref(setting))),
        }
    }
    // A setting that makes git fail hides the others of its group, so a group with a failure is split.
    let mut queue: Vec<_> = texts.chunks(AT_ONCE).collect();
    while let Some(settings) = queue.pop() {
        let failed = !with(&scene, &config, settings).is_empty();
        trace(settings);
        if let (true, [_, _, ..]) = (failed, settings) {
            queue.extend(settings.chunks(settings.len().div_ceil(2)));
        }
    }
    (texts, run)
}

#[test]
fn no_setting_that_git_knows_runs_a_program() {
    let (scene, config) = scene();
    let known: Vec<_> = known(&scene).into_iter().collect();
    assert!(known.len() > 250, "{}: is `git help --config` understood?", known.len());
    assert_eq!(with(&scene, &config, &[]), Vec::<String>::new());
    let (mut texts, mut run) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        let parts = known.chunks(known.len().div_ceil(THREADS)).map(|part| scope.spawn(|| tried(part)));
        for part in parts.collect::<Vec<_>>() {
            let (more_texts, more_run) = part.join().unwrap();
            texts.extend(more_texts);
            run.extend(more_run);
        }
    });
    assert!(texts.len() > 150, "{texts:?}");
    assert_eq!(run, Vec::<String>::new());
}

#[test]
fn git_by_itself_runs_such_programs() {
    // Otherwise the tests here would prove nothing.
    for (setting, arguments) in [
        ("core.fsmonitor", &["status"][..]),
        ("filter.x.clean", &["diff", "--name-only", "HEAD"]),
        ("diff.x.textconv", &["blame", "a.py"]),
        ("core.hooksPath", &["commit", "-q", "--allow-empty", "-m", "x"]),
    ] {
        let scene = Scene::new();
        scene.write("repo/.gitattributes", "*.py filter=x diff=x\n");
        scene.commit("attributes");
        scene.write("hooks/pre-commit", fs::read(scene.program()).unwrap());
        fs::set_permissions(scene.path("hooks/pre-commit"), Permissions::from_mode(0o755)).unwrap();
        let value = if setting == "core.hooksPath" { scene.path("hooks") } else { scene.program() };
        scene.git(&["config", setting, &value.display().to_string()]);
        scene.write("repo/a.py", "import os\nimport ast\n");
        let _ = scene.bare_git(&scene.root()).args(arguments).output();
        assert!(scene.trace().is_some(), "{setting}");
    }
}

#[test]
fn settings_with_odd_names_and_those_of_every_file_are_overridden() {
    for name in ["a=b", "a.b=c.d", "", "a b", "é", "x\\\"y", "clean", "a=b.clean", "=", "X"] {
        let scene = Scene::new();
        let program = scene.shown();
        let text = format!(
            "[filter \"{name}\"]\n\tclean = {program}\n\tsmudge = {program}\n\tprocess = {program}\n\trequired\n\
             [diff \"{name}\"]\n\ttextconv = {program}\n\tcommand = {program}\n"
        );
        // In the file itself, in one that it includes, and in one of this working tree alone.
        for place in 0..3 {
            match place {
                0 => scene.configure(&text),
                1 => {
                    scene.write("included", &text);
                    scene.configure(&format!("[include]\n\tpath = {}\n", scene.path("included").display()));
                }
                _ => {
                    scene.configure("[extensions]\n\tworktreeConfig = true\n");
                    scene.write("repo/.git/config.worktree", &text);
                }
            }
            let driver = name.replace("\\\"", "\"");
            scene.write("repo/.git/info/attributes", format!("*.py filter={driver} diff={driver}\n"));
            scene.write("repo/b.py", "import re\nimport sys\n");
            assert_eq!(everything(&scene), ["git: error: No such remote 'origin'"], "{name}, {place}");
            assert_eq!(scene.trace(), None, "{name}, {place}");
            scene.git(&["branch", "-q", "-D", "t4/x"]);
            let _ = scene.bare_git(&scene.root()).args(["config", "--unset-all", "include.path"]).output();
        }
    }
}

#[test]
fn no_hook_is_run() {
    let scene = Scene::new();
    let listed = [
        "pre-commit",
        "prepare-commit-msg",
        "commit-msg",
        "post-commit",
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "pre-push",
        "fsmonitor-watchman",
        "pre-auto-gc",
        "post-rewrite",
    ];
    for hook in listed {
        for folder in ["repo/.git/hooks", "hooks"] {
            scene.write(&format!("{folder}/{hook}"), fs::read(scene.program()).unwrap());
            let mode = Permissions::from_mode(0o755);
            fs::set_permissions(scene.path(&format!("{folder}/{hook}")), mode).unwrap();
        }
    }
    for setting in ["", &format!("[core]\n\thooksPath = {}\n", scene.path("hooks").display())] {
        scene.configure(setting);
        everything(&scene);
        assert_eq!(scene.trace(), None, "{setting}");
        scene.git(&["-c", "core.hooksPath=/dev/null", "branch", "-q", "-D", "t4/x"]);
    }
    assert_eq!(scene.open().unwrap().hooks_folder().unwrap(), scene.path("hooks").canonicalize().unwrap());
}
