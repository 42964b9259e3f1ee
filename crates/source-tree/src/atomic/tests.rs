use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown, symlink};

use tempfile::TempDir;

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & ALL
}

#[test]
fn a_file_is_replaced_with_its_mode_and_owner_and_leaves_nothing_beside_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.py");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o4750)).unwrap();
    let root = fs::metadata(&path).unwrap().uid() == 0;
    if root {
        chown(&path, Some(1234), Some(4321)).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o4750)).unwrap();
    }
    write(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(mode(&path), 0o4750);
    if root {
        let found = fs::metadata(&path).unwrap();
        assert_eq!((found.uid(), found.gid()), (1234, 4321));
    }
    assert_eq!(names(folder.path()), ["a.py"]);
}

#[test]
fn a_new_file_gets_the_mode_that_is_asked_for() {
    let folder = TempDir::new().unwrap();
    let (usual, own) = (folder.path().join("usual"), folder.path().join("own"));
    write(&usual, b"").unwrap();
    fs::write(folder.path().join("std"), b"").unwrap();
    assert_eq!(mode(&usual), mode(&folder.path().join("std")));
    write_mode(&own, b"secret", Some(0o600)).unwrap();
    assert_eq!(mode(&own), 0o600);
}

#[test]
fn links_and_folders_are_refused_and_stay() {
    let folder = TempDir::new().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, "old").unwrap();
    symlink(&file, &link).unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    for target in [&link, &folder.path().join("sub")] {
        assert!(matches!(write(target, b"new"), Err(Error::Refused(_))), "{}", target.display());
    }
    assert_eq!(fs::read(&file).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["file", "link", "sub"]);
}

#[test]
fn a_content_that_can_not_be_placed_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.py");
    let staged = Staged::new(FolderEntry::of_path(&path).unwrap(), b"new", None).unwrap();
    fs::create_dir_all(path.join("in the way")).unwrap();
    assert!(staged.place().is_err());
    assert_eq!(names(folder.path()), ["a.py"]);
    assert!(write(&folder.path().join("missing/a.py"), b"").is_err());
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("sub")).unwrap();
    symlink("sub", root.join("link")).unwrap();
    symlink("/etc/passwd", root.join("passwd")).unwrap();
    for name in ["sub/a.py", "new/deep/a.py", "sub/-x\n.py"] {
        assert_eq!(inside(root, name).unwrap(), root.join(name));
    }
    for name in [
        "",
        "..",
        "sub/../../a",
        "/etc/passwd",
        "link/a.py",
        "passwd",
        ".git/config",
        "sub/.GIT/hooks/x",
        "a\0b",
    ] {
        assert!(matches!(inside(root, name), Err(Error::Refused(_))), "{name:?}");
    }
}

#[test]
fn what_a_killed_run_left_is_cleared_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let living = format!(".t4-{}-1.tmp", process::id());
    // No process has a number as high as this.
    for name in [".t4-4294967295-7.tmp", &living, ".t4-x-1.tmp", ".t4-1", "a.tmp"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    clear(&open_folder(folder.path()).unwrap());
    let mut left = vec![".t4-1", &living, ".t4-x-1.tmp", "a.tmp"];
    left.sort_unstable();
    assert_eq!(names(folder.path()), left);
}
