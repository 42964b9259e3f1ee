//! Files without an end: git must not wait for a pipe that a repository names or contains.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking as well")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use crate::support::{Scene, everything};

fn pipe(path: &Path) {
    let _ = fs::remove_file(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Everything that T4 does with git, within a time limit; the errors.
fn in_time(scene: Scene) -> Vec<String> {
    limited(scene, everything)
}

/// The errors of an act in a thread, which is not waited for when it hangs.
fn limited(scene: Scene, act: fn(&Scene) -> Vec<String>) -> Vec<String> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let errors = act(&scene);
        let _ = send.send(errors);
    });
    receive.recv_timeout(Duration::from_secs(30)).expect("git waits for a file without an end")
}

#[test]
fn a_configuration_that_includes_a_pipe_or_a_device_is_refused() {
    for (section, path) in [
        ("include", "PIPE"),
        ("INCLUDE", "../../pipe"),
        ("include", "/dev/zero"),
        ("includeIf \"gitdir:**/worktrees/**\"", "PIPE"),
        ("includeIf \"onbranch:no-such\"", "/dev/stdin"),
        ("include", "CHAIN"),
        ("include", "/proc/kmsg"),
    ] {
        let scene = Scene::new();
        pipe(&scene.path("pipe"));
        scene.write("chain", format!("[include]\n\tpath = {}\n", scene.path("pipe").display()));
        let path = path.replace("PIPE", &scene.path("pipe").display().to_string());
        let path = path.replace("CHAIN", &scene.path("chain").display().to_string());
        scene.configure(&format!("[{section}]\n\tPath = {path}\n"));
        let errors = in_time(scene);
        let is_refused = errors.len() == 1 && errors[0].contains("no ordinary file");
        assert!(is_refused, "{section} {path}: {errors:?}");
    }
}

#[test]
fn a_git_folder_with_a_pipe_in_place_of_a_file_is_refused() {
    for name in [
        "config",
        "config.worktree",
        "HEAD",
        "commondir",
        "index",
        "packed-refs",
        "info/exclude",
        "info/attributes",
    ] {
        let scene = Scene::new();
        scene.git(&["config", "extensions.worktreeConfig", "true"]);
        pipe(&scene.path("repo/.git").join(name));
        let errors = in_time(scene);
        assert!(errors.len() == 1 && errors[0].contains("no ordinary file"), "{name}: {errors:?}");
    }
    // A submodule is another repository.
    let scene = Scene::new();
    scene.write("library/inner.py", "import os\n");
    scene.git_in(&scene.path("library"), &["init", "-q"]);
    scene.git_in(&scene.path("library"), &["add", "-A"]);
    scene.git_in(&scene.path("library"), &["commit", "-q", "-m", "one"]);
    scene.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../library", "sub"]);
    scene.commit("submodule");
    scene.git_in(&scene.path("repo/sub"), &["config", "include.path", "pipe"]);
    pipe(&scene.path("repo/.git/modules/sub/pipe"));
    let errors = limited(scene, |scene| {
        let git = scene.open().unwrap();
        let results = [git.changed("HEAD").map(drop), git.dirty_submodules(true).map(drop)];
        results.into_iter().map(|result| result.unwrap_err().to_string()).collect()
    });
    assert!(errors.iter().all(|error| error.contains("no ordinary file")), "{errors:?}");
    // The folder of a linked worktree is found as git finds it.
    for name in
        ["main/.git/config", "main/.git/worktrees/repo/config.worktree", "main/.git/worktrees/repo/HEAD"]
    {
        let scene = Scene::new();
        fs::rename(scene.root(), scene.path("main")).unwrap();
        let tree = scene.root().display().to_string();
        scene.git_in(&scene.path("main"), &["worktree", "add", "-q", "--detach", &tree]);
        scene.git_in(&scene.path("main"), &["config", "extensions.worktreeConfig", "true"]);
        pipe(&scene.path(name));
        let errors = in_time(scene);
        assert!(errors.len() == 1 && errors[0].contains("no ordinary file"), "{name}: {errors:?}");
    }
}

#[test]
fn a_submodule_whose_name_is_not_utf_8_is_refused_once_it_is_checked_out() {
    let scene = Scene::new();
    let sub = scene.root().join(OsStr::from_bytes(b"sub\xff"));
    fs::create_dir(&sub).unwrap();
    scene.git_in(&sub, &["init", "-q"]);
    scene.git_in(&sub, &["commit", "-q", "--allow-empty", "-m", "one"]);
    scene.commit("submodule");
    // git would read it for every diff of the repository around it.
    scene.git_in(&sub, &["config", "include.path", "pipe"]);
    pipe(&sub.join(".git/pipe"));
    let errors = limited(scene, |scene| {
        let git = scene.open().unwrap();
        let results = [git.changed("HEAD").map(drop), git.dirty_submodules(true).map(drop)];
        results.into_iter().map(|result| result.unwrap_err().to_string()).collect()
    });
    assert!(errors.iter().all(|error| error.contains("is not UTF-8")), "{errors:?}");
    let scene = Scene::new();
    let sub = scene.root().join(OsStr::from_bytes(b"sub\xff"));
    fs::create_dir(&sub).unwrap();
    scene.git_in(&sub, &["init", "-q"]);
    scene.git_in(&sub, &["commit", "-q", "--allow-empty", "-m", "one"]);
    scene.commit("submodule");
    fs::remove_dir_all(sub.join(".git")).unwrap();
    assert_eq!(scene.open().unwrap().dirty_submodules(true).unwrap(), Vec::<Vec<u8>>::new());
}

#[test]
fn a_setting_that_names_a_pipe_is_refused_and_other_includes_count() {
    for setting in
        ["core.excludesFile", "blame.ignoreRevsFile", "core.attributesFile", "mailmap.file", "diff.orderFile"]
    {
        let scene = Scene::new();
        pipe(&scene.path("pipe"));
        scene.git(&["config", setting, &scene.path("pipe").display().to_string()]);
        let overridden = !["core.excludesFile", "blame.ignoreRevsFile"].contains(&setting);
        let errors = in_time(scene);
        let expected = if overridden { "No such remote" } else { "no ordinary file" };
        assert!(errors.len() == 1 && errors[0].contains(expected), "{setting}: {errors:?}");
    }
    let scene = Scene::new();
    scene.write(
        "repo/.git/more",
        "[include]\n\tpath = no-such-file\n[remote \"origin\"]\n\turl = https://127.0.0.1:9/x\n",
    );
    scene.configure("[include]\n\tpath = /dev/null\n[core]\n\texcludesFile = /dev/null\n");
    scene.configure("[include]\n\tpath = more\n[includeIf \"gitdir:/no-such/\"]\n\tpath = ~/no-such\n");
    assert_eq!(in_time(scene), Vec::<String>::new());
}
