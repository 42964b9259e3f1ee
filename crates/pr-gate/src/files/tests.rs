//! Links to devices, also with names that are not UTF-8.

use std::os::unix::fs::symlink;
use std::process::Command;

use source_tree::Launcher;

use super::*;

fn git(root: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.current_dir(root).args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]).args(arguments);
    let output = git.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A repository with these links in it, which git tracks.
fn with_links(links: &[(&[u8], &str)]) -> (tempfile::TempDir, Project) {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    for (name, to) in links {
        let path = folder.path().join(OsStr::from_bytes(name));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(to, path).unwrap();
    }
    git(folder.path(), &["add", "-A"]);
    let launcher = Launcher::new(folder.path(), [("PATH".into(), env!("PATH").into())]);
    let project = Project::find(folder.path(), &launcher).unwrap();
    (folder, project)
}

#[test]
fn a_link_to_a_device_is_refused_even_if_its_name_is_not_utf8() {
    for (name, to) in [
        (&b"a.py"[..], "/dev/null"),
        (b"\xff.py", "/dev/null"),
        (b"odd\xff/a.py", "/dev/zero"),
        (b"odd\xff/ruff.toml", "/dev/zero"),
    ] {
        let (_folder, project) = with_links(&[(name, to)]);
        let refused = refuse_devices(&project).unwrap_err().to_string();
        assert!(refused.contains("remove the link"), "{}: {refused}", name.escape_ascii());
    }
    let (_folder, project) = with_links(&[(b"\xff.py", "a.py"), (b"odd\xff/b.py", "/no-such-file")]);
    refuse_devices(&project).unwrap();
}
