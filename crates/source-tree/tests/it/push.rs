//! A push runs the user's programs and none of the repository's.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking as well")]

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use source_tree::Error;
use source_tree::git::{Git, push};

use crate::support::Scene;

/// A bare repository whose hooks leave a trace.
fn remote(scene: &Scene) -> PathBuf {
    let remote = scene.path("remote.git");
    scene.git_in(&scene.path(""), &["init", "-q", "--bare", "remote.git"]);
    scene.write("remote.git/hooks/pre-receive", fs::read(scene.program()).unwrap());
    fs::set_permissions(remote.join("hooks/pre-receive"), Permissions::from_mode(0o755)).unwrap();
    remote
}

fn said(result: Result<(), Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_folder_is_pushed_to_only_when_the_caller_names_it() {
    let scene = Scene::new();
    let folder = remote(&scene).display().to_string();
    scene.git(&["remote", "add", "origin", &folder]);
    let open = || scene.open().unwrap();
    let error = said(push(&open(), "origin", "main"));
    assert!(error.contains("name the folder itself"), "{error}");
    assert_eq!(scene.trace(), None);
    // Its own hooks are run, as with any push, and nothing of the tree that is pushed from.
    scene.write("hooks/pre-push", fs::read(scene.program()).unwrap());
    fs::set_permissions(scene.path("hooks/pre-push"), Permissions::from_mode(0o755)).unwrap();
    let program = scene.shown();
    for (setting, value) in [
        ("core.hooksPath", &scene.path("hooks").display().to_string()),
        ("core.fsmonitor", &program),
        (&format!("remote.{folder}.receivepack"), &program),
        ("push.gpgSign", &"if-asked".to_owned()),
        ("gpg.program", &program),
    ] {
        scene.git(&["config", setting, value]);
    }
    let hostile = scene.git(&["config", "--get", "core.hooksPath"]);
    assert!(
        said(push(&open(), &folder, "main")).contains("name the folder"),
        "a remote of that name is the repository's"
    );
    scene.git(&["config", "--remove-section", &format!("remote.{folder}")]);
    push(&open(), &folder, "main").unwrap();
    let trace = scene.trace().expect("a hook of the folder");
    assert!(trace.starts_with("hooks/pre-receive") && !trace.contains(&format!("{hostile}/")), "{trace}");
    assert_eq!(
        scene.git_in(&scene.path("remote.git"), &["rev-parse", "main"]),
        scene.git(&["rev-parse", "main"])
    );
    // A name that the repository gives another meaning is none of the caller's.
    for (setting, problem) in [
        (format!("remote.{folder}.url"), "name the folder"),
        ("url./elsewhere/.insteadOf".to_owned(), "can redirect a push"),
    ] {
        scene.git(&["config", &setting, &scene.path("").display().to_string()]);
        assert!(said(push(&open(), &folder, "main")).contains(problem), "{setting}");
        scene.git(&["config", "--unset", &setting]);
    }
}

#[test]
fn a_repository_can_neither_redirect_a_push_nor_weaken_it_and_a_user_can() {
    for (setting, value) in [
        ("url.https://127.0.0.1:8/.insteadof", "https://127.0.0.1:9/"),
        ("url.https://127.0.0.1:8/.pushinsteadof", "https://127.0.0.1:9/"),
        ("http.proxy", "http://127.0.0.1:8"),
        ("http.https://127.0.0.1:9/.proxy", "http://127.0.0.1:8"),
        ("http.proxyauthmethod", "basic"),
        ("http.sslverify", "false"),
        ("http.https://127.0.0.1:9.sslverify", "false"),
        ("http.sslcainfo", "/no-such-file"),
        ("http.sslversion", "tlsv1.2"),
        ("http.followredirects", "true"),
        ("http.curloptresolve", "127.0.0.1:9:127.0.0.2"),
        ("http.no-such-setting", "1"),
        ("remote.origin.proxy", "http://127.0.0.1:8"),
        ("remote.origin.proxyauthmethod", "basic"),
        ("credential.protectprotocol", "false"),
        ("credential.https://127.0.0.1:9.plaintextstorepath", "."),
    ] {
        let scene = Scene::new();
        scene.git(&["remote", "add", "origin", "https://127.0.0.1:9/x.git"]);
        let helper = scene.shown();
        let user = scene.path("user.gitconfig").display().to_string();
        scene.git(&["config", "--file", &user, "credential.helper", &helper]);
        // In the file itself, in one that it includes, and in one of this working tree alone.
        let own = scene.path("repo/.git/config").display().to_string();
        let (more, tree) = (format!("{own}.more"), format!("{own}.worktree"));
        scene.git(&["config", "include.path", &more]);
        scene.git(&["config", "extensions.worktreeConfig", "true"]);
        for file in [own, more, tree] {
            scene.git(&["config", "--file", &file, setting, value]);
            let error = said(push(&scene.open().unwrap(), "origin", "main"));
            assert!(error.contains("can redirect a push") && error.contains(setting), "{setting}: {error}");
            scene.git(&["config", "--file", &file, "--unset", setting]);
        }
        scene.git(&["config", "--file", &user, setting, value]);
        let error = said(push(&scene.open().unwrap(), "origin", "main"));
        assert!(!error.contains("can redirect a push"), "{setting}: {error}");
    }
}

#[test]
fn settings_that_a_checkout_often_has_do_not_keep_a_push_from_its_server() {
    let scene = Scene::new();
    let address = asking_server();
    scene.git(&["remote", "add", "origin", &address]);
    for (setting, value) in [
        (format!("http.{address}.extraheader"), "Authorization: basic x"),
        ("http.postBuffer".to_owned(), "1048576"),
        ("credential.useHttpPath".to_owned(), "true"),
        ("core.sshCommand".to_owned(), "ssh -i key"),
        ("push.default".to_owned(), "current"),
    ] {
        scene.git(&["config", &setting, value]);
    }
    let error = said(push(&scene.open().unwrap(), "origin", "main"));
    assert!(error.contains("Authentication failed") || error.contains("could not read Username"), "{error}");
}

#[test]
fn no_program_of_the_repository_is_run_by_a_push() {
    let program_of = |scene: &Scene| scene.path("quitter").display().to_string();
    for (url, settings) in [
        ("ext::PROGRAM", &[("protocol.ext.allow", "always")][..]),
        ("ssh://nobody@127.0.0.1:9/x", &[("core.sshCommand", "PROGRAM"), ("ssh.variant", "simple")]),
        ("git://127.0.0.1:9/x", &[("core.gitProxy", "PROGRAM")]),
        ("https://127.0.0.1:9/x", &[("credential.helper", "PROGRAM"), ("core.askPass", "PROGRAM")]),
        ("REMOTE", &[("remote.origin.receivepack", "PROGRAM")]),
        ("https://127.0.0.1:9/x", &[("remote.origin.vcs", "ext"), ("protocol.allow", "always")]),
        ("https://127.0.0.1:9/x", &[("push.gpgSign", "true"), ("gpg.program", "PROGRAM")]),
        ("https://127.0.0.1:9/x", &[("core.hooksPath", "HOOKS")]),
    ] {
        let scene = Scene::new();
        let folder = remote(&scene);
        scene.write("hooks/pre-push", fs::read(scene.program()).unwrap());
        fs::set_permissions(scene.path("hooks/pre-push"), Permissions::from_mode(0o755)).unwrap();
        let filled = |text: &str| {
            let text =
                text.replace("PROGRAM", &program_of(&scene)).replace("REMOTE", &folder.display().to_string());
            text.replace("HOOKS", &scene.path("hooks").display().to_string())
        };
        scene.git(&["config", "remote.origin.url", &filled(url)]);
        for (setting, value) in settings {
            scene.git(&["config", setting, &filled(value)]);
        }
        let error = said(push(&scene.open().unwrap(), "origin", "main"));
        assert_eq!(scene.trace(), None, "{url} {settings:?}: {error}");
    }
}

/// A server that asks for a password, and takes none.
fn asking_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let _ = stream.write_all(
                b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
    });
    format!("http://{address}/x.git")
}

#[test]
fn a_push_uses_the_users_helper_without_t4s_secrets() {
    let scene = Scene::new();
    let address = asking_server();
    let program = scene.shown();
    scene.write("evil", "#!/bin/sh\ntouch \"$0.ran\"\n");
    fs::set_permissions(scene.path("evil"), Permissions::from_mode(0o755)).unwrap();
    let evil = scene.path("evil").display().to_string();
    scene.git(&["remote", "add", "origin", &address]);
    scene.git(&["config", "credential.helper", &evil]);
    scene.git(&["config", &format!("credential.{address}.helper"), &format!("!{evil}")]);
    scene.git(&["config", "core.askPass", &evil]);
    scene.git_in(
        &scene.root(),
        &[
            "config",
            "--file",
            &scene.path("user.gitconfig").display().to_string(),
            "credential.helper",
            &program,
        ],
    );
    let launcher = scene.launcher(&[
        ("T4_API_KEY", "t4-secret"),
        ("T4_ADMIN_TOKEN", "t4-secret"),
        ("MY_VAULT", "there"),
    ]);
    let git = Git::find(&scene.root(), &launcher).unwrap().unwrap();
    said(push(&git, "origin", "main"));
    let trace = scene.trace().expect("the user's own helper is asked");
    assert!(trace.contains("MY_VAULT=there") && !trace.contains("t4-secret"), "{trace}");
    assert!(!scene.path("evil.ran").exists());
}
