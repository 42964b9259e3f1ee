use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use registry_core::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::root::Root;

struct Tree {
    _folder: TempDir,
    source: SourceTree,
}

impl Tree {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let root = folder.path().canonicalize().unwrap();
        Self { _folder: folder, source: SourceTree::at(root) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.source.root.join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>, mode: u32) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Every file and folder but T4's own, with modes and contents.
    fn look(&self) -> Vec<(String, u32, Vec<u8>)> {
        fn walk(root: &Path, folder: &Path, seen: &mut Vec<(String, u32, Vec<u8>)>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(root).unwrap().display().to_string();
                let found = fs::symlink_metadata(&path).unwrap();
                if name == ".t4" {
                    continue;
                }
                let bytes = if found.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
                seen.push((name, found.mode(), bytes));
                if found.is_dir() {
                    walk(root, &path, seen);
                }
            }
        }
        let mut seen = Vec::new();
        walk(&self.source.root, &self.source.root, &mut seen);
        seen.sort();
        seen
    }

    fn apply(&self, changes: &[FileChange]) -> Result<Info, Error> {
        apply(&self.source, "codemod", changes, now())
    }

    fn revert(&self) -> Result<Info, Error> {
        revert(&self.source, "codemod", None, false)
    }

    fn manifest(&self, id: &str) -> PathBuf {
        self.path(&format!(".t4/snapshots/{id}/manifest.json"))
    }

    /// Changes the manifest of a snapshot as somebody hostile would.
    fn forge(&self, id: &str, from: &str, to: &str) {
        let path = self.manifest(id);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replace(from, to)).unwrap();
    }
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T15:45:00.5Z").unwrap()
}

fn change(file: &str, before: Option<&str>, after: &str) -> FileChange {
    FileChange {
        file: file.to_owned(),
        before: before.map(|text| text.as_bytes().to_vec()),
        after: after.as_bytes().to_vec(),
    }
}

fn two() -> (Tree, Vec<FileChange>) {
    let tree = Tree::new();
    tree.write("a.py", "a1", 0o755);
    tree.write("sub/b.py", "b1", 0o600);
    let changes = vec![
        change("a.py", Some("a1"), "a2"),
        change("new/deep/c.py", None, "c2"),
        change("sub/b.py", Some("b1"), "b2"),
    ];
    (tree, changes)
}

#[test]
fn revert_restores_exact_bytes_and_modes_and_takes_new_files_away() {
    let (tree, changes) = two();
    let before = tree.look();
    let info = tree.apply(&changes).unwrap();
    assert_eq!(info.id, "20261121T154500Z-codemod");
    assert_eq!(info.files, ["a.py", "new/deep/c.py", "sub/b.py"]);
    assert_eq!((tree.read("a.py"), tree.read("new/deep/c.py")), (b"a2".to_vec(), b"c2".to_vec()));
    assert_eq!(fs::metadata(tree.path("a.py")).unwrap().mode() & 0o7777, 0o755);
    assert_eq!(verify(&tree.source, &info.id).unwrap(), []);
    assert!(tree.revert().unwrap().reverted);
    assert_eq!(tree.look(), before);
    assert!(matches!(tree.revert(), Err(Error::Refused(_))), "it is undone once");
    assert_eq!(fs::read(tree.path(".t4/.gitignore")).unwrap(), b"*\n");
}

#[test]
fn a_file_that_changed_since_the_plan_stops_everything() {
    let (tree, changes) = two();
    tree.write("sub/b.py", "mine", 0o600);
    let before = tree.look();
    assert!(matches!(tree.apply(&changes), Err(Error::Refused(said)) if said.contains("sub/b.py")));
    tree.write("sub/b.py", "b1", 0o600);
    tree.write("new/deep/c.py", "mine", 0o644);
    assert!(matches!(tree.apply(&changes), Err(Error::Refused(_))));
    fs::remove_dir_all(tree.path("new")).unwrap();
    fs::remove_file(tree.path("a.py")).unwrap();
    fs::create_dir(tree.path("a.py")).unwrap();
    assert!(matches!(tree.apply(&changes), Err(Error::Refused(_))));
    fs::remove_dir(tree.path("a.py")).unwrap();
    tree.write("a.py", "a1", 0o755);
    tree.write("sub/b.py", "mine", 0o600);
    assert_eq!(tree.look(), before);
    assert_eq!(list(&tree.source).unwrap(), []);
}

#[test]
fn a_write_that_fails_takes_the_others_back() {
    let (tree, mut changes) = two();
    let before = tree.look();
    // `new` is to be a folder for one file and the name of another.
    changes.push(change("new", None, "x"));
    assert!(tree.apply(&changes).is_err());
    assert_eq!(tree.look(), before);
    assert_eq!(list(&tree.source).unwrap(), []);
    assert_eq!(fs::read_dir(tree.path(".t4/snapshots")).unwrap().count(), 0);
}

#[test]
fn a_rename_that_fails_puts_back_what_was_replaced() {
    let (tree, _) = two();
    let content = |text: &'static str| Some((std::borrow::Cow::Borrowed(text.as_bytes()), None));
    let root = Root::open(&tree.source.root).unwrap();
    let swap = |name, old, new| replace_all::Swap { name, old, new };
    let swaps = [
        swap("a.py", content("a1"), content("a2")),
        swap("c.py", None, content("c2")),
        swap("sub/b.py", content("b1"), None),
        swap("d.py", None, content("d2")),
    ];
    let staged = replace_all::stage(&root, &swaps).unwrap();
    // The look before it is placed finds this; were it not there, the rename itself would.
    fs::create_dir_all(tree.path("d.py/x")).unwrap();
    let before: Vec<_> = tree.look().into_iter().filter(|(name, ..)| !name.starts_with(".t4-")).collect();
    let failed = replace_all::place(&root, &swaps, staged).unwrap_err();
    assert!(failed.left.is_empty(), "{failed:?}");
    // The file that was to go came back with new permissions: its own were not asked for.
    tree.write("sub/b.py", "b1", 0o600);
    assert_eq!(tree.look(), before);
}

#[test]
fn what_was_changed_since_is_refused_as_a_whole_and_lost_when_forced() {
    let (tree, changes) = two();
    let before = tree.look();
    let info = tree.apply(&changes).unwrap();
    tree.write("a.py", "mine", 0o755);
    tree.write("sub/b.py", "b2", 0o640);
    let edited = tree.look();
    let said = tree.revert().unwrap_err().to_string();
    assert!(said.contains("`a.py` (changed), `sub/b.py` (mode)"), "{said}");
    assert_eq!(tree.look(), edited);
    fs::remove_dir_all(tree.path("new")).unwrap();
    let whats: Vec<_> =
        verify(&tree.source, &info.id).unwrap().into_iter().map(|d| (d.file, d.what)).collect();
    let expected = [("a.py", "changed"), ("new/deep/c.py", "missing"), ("sub/b.py", "mode")];
    assert_eq!(whats, expected.map(|(file, what)| (file.to_owned(), what)));
    revert(&tree.source, "codemod", Some(&info.id), true).unwrap();
    assert_eq!(tree.look(), before);
}

#[test]
fn a_run_that_stopped_in_the_middle_is_undone() {
    let (tree, changes) = two();
    let before = tree.look();
    tree.apply(&changes).unwrap();
    // As if the process had ended after the first of three files.
    fs::remove_dir_all(tree.path("new")).unwrap();
    tree.write("sub/b.py", "b1", 0o600);
    fs::write(tree.path("sub/.t4-4294967295-0.tmp"), "half").unwrap();
    tree.revert().unwrap();
    assert_eq!(tree.look(), before);
}

#[test]
fn a_damaged_snapshot_restores_nothing() {
    let (tree, changes) = two();
    let info = tree.apply(&changes).unwrap();
    let after = tree.look();
    let files = tree.path(&format!(".t4/snapshots/{}/files", info.id));
    fs::write(files.join(manifest::sha256(b"b1")), "xx").unwrap();
    let drifts = verify(&tree.source, &info.id).unwrap();
    assert_eq!(drifts, [Drift { file: "sub/b.py".to_owned(), what: "snapshot damaged" }]);
    assert!(revert(&tree.source, "codemod", None, true).is_err());
    assert_eq!(tree.look(), after);
    fs::write(tree.manifest(&info.id), "{").unwrap();
    assert!(matches!(list(&tree.source), Err(Error::Unreadable { .. })));
}

#[test]
fn a_hostile_manifest_writes_nowhere_else() {
    let outside = TempDir::new().unwrap();
    let victim = outside.path().join("victim");
    fs::write(&victim, "a2").unwrap();
    let absolute = victim.display().to_string();
    for name in [
        "../victim",
        &absolute,
        ".git/hooks/pre-commit",
        "sub/.git/config",
        "link/victim",
        "link2",
        ".t4/lock",
    ] {
        let (tree, changes) = two();
        symlink(outside.path(), tree.path("link")).unwrap();
        symlink(&victim, tree.path("link2")).unwrap();
        let info = tree.apply(&changes).unwrap();
        let after = tree.look();
        tree.forge(&info.id, "\"a.py\"", &format!("\"{name}\""));
        for force in [false, true] {
            let reverted = revert(&tree.source, "codemod", None, force);
            assert!(matches!(reverted, Err(Error::Refused(_))), "{name}: {reverted:?}");
        }
        assert_eq!(tree.look(), after, "{name}");
        assert_eq!(fs::read(&victim).unwrap(), b"a2", "{name}");
    }
}

#[test]
fn a_hostile_manifest_gives_no_file_special_rights() {
    let (tree, changes) = two();
    let info = tree.apply(&changes).unwrap();
    tree.forge(&info.id, &format!("\"mode\": {}", 0o755), &format!("\"mode\": {}", 0o4755));
    revert(&tree.source, "codemod", None, true).unwrap();
    assert_eq!(fs::metadata(tree.path("a.py")).unwrap().mode() & 0o7777, 0o755);
}

#[test]
fn a_state_folder_that_is_a_link_is_refused() {
    let outside = TempDir::new().unwrap();
    for name in [".t4", ".t4/snapshots"] {
        let (tree, changes) = two();
        let before = tree.look();
        fs::create_dir_all(tree.path(name).parent().unwrap()).unwrap();
        symlink(outside.path(), tree.path(name)).unwrap();
        assert!(matches!(tree.apply(&changes), Err(Error::Refused(_))), "{name}");
        assert!(list(&tree.source).is_err());
        fs::remove_file(tree.path(name)).unwrap();
        assert_eq!(tree.look(), before);
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }
}

#[test]
fn links_in_the_tree_are_not_written_through() {
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("x.py"), "x1").unwrap();
    let tree = Tree::new();
    symlink(outside.path(), tree.path("link")).unwrap();
    symlink(outside.path().join("x.py"), tree.path("y.py")).unwrap();
    for name in ["link/x.py", "y.py"] {
        let applied = tree.apply(&[change(name, Some("x1"), "x2")]);
        assert!(matches!(applied, Err(Error::Refused(_))), "{name}");
    }
    assert_eq!(fs::read(outside.path().join("x.py")).unwrap(), b"x1");
}

#[test]
fn snapshots_that_came_with_the_repository_are_not_believed() {
    let (mut tree, changes) = two();
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        assert!(git.current_dir(&tree.source.root).args(arguments).status().unwrap().success());
    };
    git(&["init", "-q"]);
    tree.source.git = {
        let launcher = crate::launcher::tests::of_this_process(&tree.source.root);
        crate::git::Git::find(&tree.source.root, &launcher).unwrap()
    };
    tree.apply(&changes).unwrap();
    git(&["add", "-f", ".t4"]);
    assert!(matches!(tree.revert(), Err(Error::Refused(said)) if said.contains("part of the repository")));
    git(&["rm", "-r", "-q", "--cached", ".t4"]);
    tree.revert().unwrap();
}

#[test]
fn the_newest_twenty_of_a_command_are_kept_and_ids_differ() {
    let tree = Tree::new();
    tree.write("a.py", "0", 0o644);
    apply(&tree.source, "migrate", &[change("b.py", None, "b")], now()).unwrap();
    for n in 0..25 {
        let (old, new) = (n.to_string(), (n + 1).to_string());
        let info = tree.apply(&[change("a.py", Some(&old), &new)]).unwrap();
        assert!(verify(&tree.source, &info.id).unwrap().is_empty());
    }
    let ids: Vec<_> = list(&tree.source).unwrap().into_iter().map(|info| info.id).collect();
    assert_eq!(ids.len(), KEPT + 1);
    assert_eq!(ids.first().unwrap(), "20261121T154500Z-codemod-25");
    assert!(ids.iter().any(|id| id.ends_with("Z-migrate")));
    for n in (20..25).rev() {
        tree.revert().unwrap();
        assert_eq!(tree.read("a.py"), n.to_string().into_bytes());
    }
}

#[test]
fn an_id_is_no_path_and_belongs_to_its_command() {
    let (tree, changes) = two();
    let info = tree.apply(&changes).unwrap();
    let id = |id| revert(&tree.source, "migrate", Some(id), true);
    assert!(matches!(id(&info.id), Err(Error::Usage(_))));
    for wrong in ["", "..", "../../x", "20261121T154500Z-../x", "20991121T154500Z-codemod"] {
        assert!(matches!(id(wrong), Err(Error::Refused(_))), "{wrong}");
    }
    assert!(matches!(apply(&tree.source, "../x", &changes, now()), Err(Error::Usage(_))));
}

#[test]
fn two_commands_do_not_change_a_tree_at_once() {
    let (tree, changes) = two();
    let store = store::SnapshotStore::of(&tree.source).unwrap();
    let lock = store.lock().unwrap();
    assert!(matches!(tree.apply(&changes), Err(Error::Refused(said)) if said.contains("another")));
    drop(lock);
    tree.apply(&changes).unwrap();
}

#[test]
fn changes_that_change_nothing_leave_no_snapshot() {
    let (tree, _) = two();
    assert!(tree.apply(&[change("a.py", Some("a1"), "a1")]).unwrap().files.is_empty());
    assert_eq!(list(&tree.source).unwrap(), []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_and_modes_come_back(
        files in prop::collection::btree_map(
            "[a-z\n\"' é-]{1,8}",
            (prop::option::of((prop::collection::vec(any::<u8>(), 0..40), 0o400_u32..0o1000)),
             prop::collection::vec(any::<u8>(), 0..40)),
            1..6,
        ),
    ) {
        let tree = Tree::new();
        let mut changes = Vec::new();
        for (name, (before, after)) in files {
            let file = format!("d/{name}.py");
            if let Some((bytes, mode)) = &before {
                tree.write(&file, bytes, *mode);
            }
            changes.push(FileChange { file, before: before.map(|(bytes, _)| bytes), after });
        }
        let before = tree.look();
        let info = tree.apply(&changes).unwrap();
        for change in &changes {
            prop_assert_eq!(&tree.read(&change.file), &change.after);
        }
        if !info.files.is_empty() {
            tree.revert().unwrap();
        }
        prop_assert_eq!(tree.look(), before);
    }
}
