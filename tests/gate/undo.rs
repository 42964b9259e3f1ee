//! `--undo` of the commands that rewrite sources.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::Repo;

const SOURCE: &str = "import os  # TODO[T4-UNUSED-IMPORT]: kept\r\nx = 1";

#[test]
fn undo_restores_bytes_and_modes_once() {
    let repo = Repo::new();
    repo.write("a.py", SOURCE);
    repo.write("b.py", "import sys\n");
    let path = repo.path("a.py");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o750)).expect("a mode");
    repo.t4(&["migrate", "--undo"]).ends(3);
    let run = repo.t4(&["migrate", "--apply"]).ends(0);
    let id =
        run.stdout.split("--undo ").nth(1).and_then(|rest| rest.split('`').next()).expect("an id").to_owned();
    assert_ne!(repo.read("a.py"), SOURCE);
    // Another command's snapshot is not this one's.
    repo.t4(&["annotate", "--apply"]).ends(0);
    let run = repo.t4(&["annotate", "--undo"]).ends(0);
    assert!(
        run.stdout.starts_with("restored 2 files from ") || run.stdout.starts_with("restored 1 file from ")
    );
    assert_eq!(repo.read("b.py"), "import sys\n");
    assert_ne!(repo.read("a.py"), SOURCE);
    let run = repo.t4(&["migrate", "--undo", &id]).ends(0);
    assert_eq!(run.stdout, format!("restored 1 file from {id}\n"));
    assert_eq!(repo.read("a.py"), SOURCE);
    assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o750);
    repo.t4(&["migrate", "--undo"]).ends(3);
}

#[test]
fn undo_refuses_files_that_were_changed_since_unless_forced() {
    let repo = Repo::new();
    repo.write("a.py", SOURCE);
    repo.t4(&["migrate", "--apply"]).ends(0);
    repo.write("a.py", "x = 2\n");
    let run = repo.t4(&["migrate", "--undo"]).ends(3);
    assert!(run.stderr.contains("a.py"), "{run:?}");
    assert_eq!(repo.read("a.py"), "x = 2\n");
    repo.t4(&["migrate", "--undo", "--force"]).ends(0);
    assert_eq!(repo.read("a.py"), SOURCE);
    repo.t4(&["migrate", "--force"]).ends(2);
    repo.t4(&["migrate", "--undo", "--apply"]).ends(2);
}
