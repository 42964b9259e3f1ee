//! Programs that git finds outside `.git/config`: submodules, worktrees, variables, `PATH`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use source_tree::git::Git;

use crate::support::{Scene, batch, everything};

/// What a hostile configuration says of every file.
fn hostile(scene: &Scene) -> String {
    let program = scene.shown();
    format!(
        "[core]\n\tfsmonitor = {program}\n[filter \"x\"]\n\tclean = {program}\n\tsmudge = {program}\n\tprocess = {program}\n"
    )
}

#[test]
fn a_submodule_with_a_hostile_configuration_runs_nothing_and_its_changes_are_seen() {
    let scene = Scene::new();
    scene.write("library/inner.py", "import os\n");
    scene.git_in(&scene.path("library"), &["init", "-q"]);
    scene.git_in(&scene.path("library"), &["add", "-A"]);
    scene.git_in(&scene.path("library"), &["commit", "-q", "-m", "one"]);
    scene.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../library", "sub"]);
    scene.commit("submodule");
    let own = scene.path("repo/.git/modules/sub");
    let config = fs::read_to_string(own.join("config")).unwrap();
    fs::write(own.join("config"), config + &hostile(&scene)).unwrap();
    fs::create_dir_all(own.join("info")).unwrap();
    fs::write(own.join("info/attributes"), "* filter=x\n").unwrap();
    scene.write("repo/sub/inner.py", "import os\n");
    // git by itself runs it.
    scene.bare_git(&scene.root()).args(["diff", "--name-only", "HEAD"]).output().unwrap();
    assert!(scene.trace().is_some());
    let git = scene.open().unwrap();
    assert_eq!(git.dirty_submodules(true).unwrap(), Vec::<Vec<u8>>::new());
    scene.write("repo/sub/new.py", "");
    assert_eq!(git.dirty_submodules(true).unwrap(), [b"sub"]);
    assert_eq!(git.dirty_submodules(false).unwrap(), Vec::<Vec<u8>>::new());
    scene.write("repo/sub/inner.py", "import re\n");
    assert_eq!(git.dirty_submodules(false).unwrap(), [b"sub"]);
    assert!(git.changed("HEAD").unwrap().names.contains(&b"sub".to_vec()));
    everything(&scene);
    assert_eq!(scene.trace(), None);
}

#[test]
fn settings_that_count_in_a_worktree_alone_are_overridden_there() {
    let scene = Scene::new();
    scene.write("repo/.git/info/attributes", "*.py filter=x\n");
    scene.write("hostile", hostile(&scene));
    scene.configure(&format!(
        "[includeIf \"gitdir:**/worktrees/**\"]\n\tpath = {}\n",
        scene.path("hostile").display()
    ));
    // git by itself runs it when it makes the worktree.
    let elsewhere = scene.path("elsewhere").display().to_string();
    scene.bare_git(&scene.root()).args(["worktree", "add", "-q", "--detach", &elsewhere]).output().unwrap();
    assert!(scene.trace().is_some());
    batch(&scene.open().unwrap(), &scene.temporary()).unwrap();
    assert_eq!(scene.trace(), None);
    assert_eq!(scene.git(&["show", "t4/x:b.py"]), "import re");
}

#[test]
fn a_configuration_that_puts_the_working_tree_elsewhere_is_refused() {
    let scene = Scene::new();
    for elsewhere in [scene.path(""), scene.path("library")] {
        fs::create_dir_all(&elsewhere).unwrap();
        scene.git(&["config", "core.worktree", &elsewhere.display().to_string()]);
        let found = Git::find(&scene.root(), &scene.launcher(&[]));
        let said = found.map(|git| git.map(|git| git.root().to_owned())).unwrap_err().to_string();
        assert!(said.contains("core.worktree") || said.contains("work tree"), "{said}");
    }
    scene.git(&["--work-tree=.", "config", "core.worktree", ".."]);
    assert_eq!(scene.open().unwrap().root(), scene.root().canonicalize().unwrap());
    // A caller who names both is asked for nothing.
    let (folder, tree) =
        (scene.path("repo/.git").display().to_string(), scene.path("").display().to_string());
    let named = scene.launcher(&[("GIT_DIR", &folder), ("GIT_WORK_TREE", &tree)]);
    assert!(Git::find(&scene.root(), &named).unwrap().is_some());
}

#[test]
fn objects_that_a_clone_lacks_are_not_fetched() {
    let scene = Scene::new();
    scene.commit("three");
    scene.git(&["config", "uploadpack.allowFilter", "true"]);
    let (from, program) =
        (format!("file://{}", scene.root().display()), scene.path("quitter").display().to_string());
    let clone = scene.path("clone");
    scene.git_in(&scene.path(""), &["clone", "-q", "--filter=blob:none", "--no-checkout", &from, "clone"]);
    for (setting, value) in [
        ("remote.origin.uploadpack", program.clone()),
        ("remote.origin.url", format!("ext::{program}")),
        ("remote.origin.url", "ssh://nobody@127.0.0.1:9/x".to_owned()),
    ] {
        scene.git_in(&clone, &["config", "protocol.ext.allow", "always"]);
        scene.git_in(&clone, &["config", "core.sshCommand", &program]);
        scene.git_in(&clone, &["config", setting, &value]);
        let _ = scene.bare_git(&clone).args(["cat-file", "blob", "HEAD:a.py"]).output();
        assert!(scene.trace().is_some(), "git by itself runs it: {setting}");
        let git = Git::find(&clone, &scene.launcher(&[])).unwrap().unwrap();
        let error = git.run(&["cat-file", "blob", "HEAD:a.py"]).unwrap_err().to_string();
        assert!(error.contains("T4 fetches none"), "{error}");
        assert_eq!(scene.trace(), None, "{setting}");
    }
}

#[test]
fn variables_that_name_programs_are_not_passed_on() {
    let scene = Scene::new();
    scene.write("repo/.git/info/attributes", "*.py filter=x diff=x\n");
    let program = scene.shown();
    let key = |number: usize| format!("GIT_CONFIG_KEY_{number}");
    let names = [
        "GIT_EXTERNAL_DIFF",
        "GIT_PAGER",
        "PAGER",
        "GIT_EDITOR",
        "EDITOR",
        "VISUAL",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_ASKPASS",
        "SSH_ASKPASS",
        "GIT_PROXY_COMMAND",
        "GIT_SEQUENCE_EDITOR",
        "GIT_CONFIG",
    ];
    let mut variables: Vec<_> = names.map(|name| (name.to_owned(), program.clone())).to_vec();
    // Settings that the caller gives by variables are the caller's, and programs are off all the same.
    let settings = ["core.fsmonitor", "filter.x.clean", "diff.x.textconv"];
    variables.push(("GIT_CONFIG_COUNT".to_owned(), settings.len().to_string()));
    for (number, setting) in settings.iter().enumerate() {
        variables.push((key(number), (*setting).to_owned()));
        variables.push((format!("GIT_CONFIG_VALUE_{number}"), program.clone()));
    }
    variables.push(("GIT_CONFIG_PARAMETERS".to_owned(), format!("'core.hooksPath'='{program}'")));
    let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let git = Git::find(&scene.root(), &scene.launcher(&variables)).unwrap().unwrap();
    git.changed("HEAD~1").unwrap();
    source_tree::blame::blame(&git, "a.py").unwrap();
    batch(&git, &scene.temporary()).unwrap();
    assert_eq!(scene.trace(), None);
    let passed: Vec<_> =
        git.command().get_envs().map(|(name, _)| name.to_str().unwrap().to_owned()).collect();
    assert!(names.iter().all(|name| !passed.contains(&(*name).to_owned())), "{passed:?}");
}

#[test]
fn a_commit_is_not_signed_even_when_user_and_repository_ask_for_it() {
    let scene = Scene::new();
    let settings = format!("[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = {}\n", scene.shown());
    scene.configure(&settings);
    let user = fs::read_to_string(scene.path("user.gitconfig")).unwrap();
    scene.write("user.gitconfig", user + &settings);
    batch(&scene.open().unwrap(), &scene.temporary()).unwrap();
    assert_eq!(scene.trace(), None);
    assert!(!scene.git(&["cat-file", "commit", "t4/x"]).contains("gpgsig"));
}

#[test]
fn a_git_in_the_tree_is_not_run() {
    let scene = Scene::new();
    scene.write("repo/git", fs::read(scene.program()).unwrap());
    fs::set_permissions(scene.path("repo/git"), Permissions::from_mode(0o755)).unwrap();
    let path = format!(".::{}:{}", scene.root().display(), env!("PATH"));
    let git = Git::find(&scene.root(), &scene.launcher(&[("PATH", &path)])).unwrap().unwrap();
    git.changed("HEAD~1").unwrap();
    assert_eq!(scene.trace(), None);
}

#[test]
fn no_message_quotes_a_file_outside_of_the_tree_that_a_setting_names() {
    let scene = Scene::new();
    scene.write("secret", "a-secret-word\n[x\n");
    let secret = scene.path("secret").display().to_string();
    for setting in ["mailmap.file", "core.attributesFile", "diff.orderFile"] {
        scene.git(&["config", setting, &secret]);
        assert_eq!(everything(&scene), ["git: error: No such remote 'origin'"], "{setting}");
        let rows = source_tree::blame::blame(&scene.open().unwrap(), "a.py").unwrap();
        assert_eq!(rows.len(), 2, "{setting}");
        scene.git(&["config", "--unset", setting]);
        scene.git(&["branch", "-q", "-D", "t4/x"]);
    }
    // What can't be overridden is an error that tells no word of it.
    scene.git(&["config", "blame.ignoreRevsFile", &secret]);
    let blame = |scene: &Scene| source_tree::blame::blame(&scene.open().unwrap(), "a.py");
    assert_eq!(blame(&scene).unwrap(), []);
    scene.write("repo/.git-blame-ignore-revs", "");
    let said = blame(&scene).unwrap_err().to_string();
    assert!(!said.contains("secret"), "{said}");
    std::fs::remove_file(scene.path("repo/.git-blame-ignore-revs")).unwrap();
    scene.git(&["config", "include.path", &secret]);
    let said = scene.open().map(|_| ()).unwrap_err().to_string();
    assert!(said.contains(&secret) && !said.contains("a-secret-word"), "{said}");
}
