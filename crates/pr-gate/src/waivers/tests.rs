//! Waiver files, also of hostile trees.

use std::fs;
use std::os::unix::fs::symlink;

use source_tree::SourceTree;

use super::*;
use crate::settings::GateSettings;

const ENTRY: &str = "waivers:\n- {file: a.py, line: 1, reason: r, owner: o}\n";

fn tree() -> (tempfile::TempDir, Project) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir_all(root.join("audit/waivers")).unwrap();
    (folder, Project { tree: SourceTree::at(root), settings: GateSettings::default(), ruff: None })
}

#[test]
fn every_yaml_file_of_the_folder_is_read_in_order() {
    let (_folder, project) = tree();
    let waivers = project.tree.path("audit/waivers");
    assert!(load(&project).unwrap().list.is_empty());
    for name in ["b.yml", "a.yaml"] {
        fs::write(waivers.join(name), ENTRY).unwrap();
    }
    fs::write(waivers.join("README.md"), "not: [yaml").unwrap();
    let files: Vec<_> = load(&project).unwrap().list.into_iter().map(|waiver| waiver.at.0).collect();
    assert_eq!(files, ["audit/waivers/a.yaml", "audit/waivers/b.yml"]);
    fs::remove_dir_all(&waivers).unwrap();
    assert!(load(&project).unwrap().list.is_empty());
}

#[test]
fn links_large_files_and_other_file_types_are_refused() {
    let (folder, project) = tree();
    let file = project.tree.path("audit/waivers/a.yaml");
    let outside = folder.path().join("outside.yaml");
    fs::write(&outside, ENTRY).unwrap();
    symlink(&outside, &file).unwrap();
    assert!(load(&project).unwrap_err().to_string().contains("link"));
    fs::remove_file(&file).unwrap();
    fs::write(&file, format!("{ENTRY}#{}", " ".repeat(1024 * 1024))).unwrap();
    assert!(load(&project).unwrap_err().to_string().contains("larger"));
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(load(&project).unwrap_err().to_string().contains("no regular file"));
    fs::remove_dir(&file).unwrap();
    fs::write(&file, b"\xff").unwrap();
    assert!(load(&project).unwrap_err().to_string().contains("UTF-8"));
}

#[test]
fn the_folder_is_never_outside_the_root() {
    let (folder, mut project) = tree();
    fs::write(folder.path().join("w.yaml"), ENTRY).unwrap();
    for name in ["..", "audit/../..", "/", "", "./audit", "audit/waivers/"] {
        name.clone_into(&mut project.settings.waivers.folder);
        assert!(load(&project).is_err(), "{name}");
    }
    symlink(folder.path(), project.tree.path("out")).unwrap();
    for name in ["out", "out/root"] {
        name.clone_into(&mut project.settings.waivers.folder);
        assert!(load(&project).unwrap_err().to_string().contains("link"), "{name}");
    }
}

#[test]
fn a_waiver_file_that_can_not_be_parsed_is_an_error_with_its_row() {
    let (_folder, project) = tree();
    fs::write(project.tree.path("audit/waivers/a.yaml"), "waivers:\n- {file: a.py}\n").unwrap();
    let error = load(&project).unwrap_err().to_string();
    assert!(error.starts_with("audit/waivers/a.yaml:2: a waiver lacks `reason`"), "{error}");
}
