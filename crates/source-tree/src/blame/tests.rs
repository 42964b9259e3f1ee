use std::path::Path;
use std::process::Command;

use super::*;

fn git(folder: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.current_dir(folder).args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]).args(arguments);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z");
    let output = git.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn repository() -> (tempfile::TempDir, Git) {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    let found =
        Git::find(folder.path(), &crate::launcher::tests::of_this_process(folder.path())).unwrap().unwrap();
    (folder, found)
}

fn hash(found: &Git) -> String {
    String::from_utf8(found.run(&["rev-parse", "HEAD"]).unwrap()).unwrap()
}

#[test]
fn every_row_has_its_author_and_uncommitted_ones_nobody() {
    let (folder, found) = repository();
    let path = folder.path().join("-a\n.py");
    std::fs::write(&path, "\tx = 1\ny = 2\n").unwrap();
    assert_eq!(blame(&found, "-a\n.py").unwrap(), []);
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-qm", "one"]);
    std::fs::write(&path, "\tx = 1\ny = 2\nauthor Eve\n").unwrap();
    let rows = blame(&found, "-a\n.py").unwrap();
    let ada = BlameRow {
        author: "Ada".into(),
        email: "ada@example.com".into(),
        time: 1_767_225_600,
        committed: true,
    };
    assert_eq!(rows[..2], [ada.clone(), ada]);
    assert!(rows.len() == 3 && !rows[2].committed);
    assert_eq!(blame(&found, "missing.py").unwrap(), []);
}

#[test]
fn commits_that_are_to_be_ignored_are_and_a_broken_list_is_an_error() {
    let (folder, found) = repository();
    let path = folder.path().join("a.py");
    std::fs::write(&path, "x=1\n").unwrap();
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-qm", "one"]);
    std::fs::write(&path, "x = 1\n").unwrap();
    git(folder.path(), &["-c", "user.name=Formatter", "commit", "-qam", "format"]);
    assert_eq!(blame(&found, "a.py").unwrap()[0].author, "Formatter");
    let ignored = folder.path().join(IGNORED_COMMITS);
    std::fs::write(&ignored, hash(&found)).unwrap();
    assert_eq!(blame(&found, "a.py").unwrap()[0].author, "Ada");
    std::fs::write(&ignored, "no hash\n").unwrap();
    let error = blame(&found, "a.py").unwrap_err().to_string();
    assert!(error.contains(IGNORED_COMMITS) && error.contains("hash per line"), "{error}");
}
