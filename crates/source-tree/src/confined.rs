//! Property test: every function that turns a name into a path obeys one lexical rule, so no name leads out of the
//! root.

use std::os::unix::fs::symlink;
use std::path::{Component, Path};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::{SourceTree, atomic, contained};

/// Names with what leads out, what links, and what is git's.
fn names() -> impl Strategy<Value = String> {
    let parts = vec![
        "", ".", "..", "a", "b", "file", "link", "out", ".git", ".GIT", ".t4", "é", "a b", "...", "x\0y",
    ];
    (any::<bool>(), vec(select(parts), 0..6))
        .prop_map(|(absolute, parts)| format!("{}{}", if absolute { "/" } else { "" }, parts.join("/")))
}

/// The parts of a name from a folder of the root; `None` when it leads above the root.
fn resolved<'a>(prefix: &[&'a str], name: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = prefix.to_vec();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts)
}

/// A root with a file, a folder and links: one inside, one that leads out.
fn root() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("a/b")).unwrap();
    std::fs::create_dir(folder.path().join("outside")).unwrap();
    std::fs::write(folder.path().join("outside/file"), "secret").unwrap();
    for file in ["file", "a/file", "a/b/file"] {
        std::fs::write(root.join(file), "own").unwrap();
    }
    symlink("a", root.join("link")).unwrap();
    symlink("../outside", root.join("out")).unwrap();
    symlink("../../outside/file", root.join("a/out")).unwrap();
    folder
}

#[test]
fn no_name_leads_out_of_the_root_or_through_a_link() {
    let folder = root();
    let root = folder.path().join("root").canonicalize().unwrap();
    let is_name = |name: &str| name.split('/').all(|part| !["", ".", ".."].contains(&part));
    proptest!(|(name in names())| {
        let parts: Vec<&str> = name.split('/').collect();
        // Each folder on the way, and the file.
        let ways = (1..=parts.len()).map(|count| root.join(parts.get(..count).unwrap().join("/")));
        let through_link = is_name(&name) && ways.into_iter().any(|way| way.symlink_metadata().is_ok_and(|it| it.is_symlink()));
        let read = contained::text(&root, &name, 100);
        if let Ok(Some(text)) = &read {
            prop_assert_eq!(text, "own");
        }
        if !is_name(&name) || through_link {
            prop_assert!(contained::look(&root, &name).is_err(), "{:?}", name);
            prop_assert!(read.is_err());
        }
        match atomic::inside(&root, &name) {
            Ok(path) => {
                let below = path.strip_prefix(&root).unwrap();
                prop_assert!(below.components().all(|part| matches!(part, Component::Normal(_))));
                prop_assert!(!through_link && !name.starts_with('/') && !parts.contains(&".."), "{:?}", name);
                prop_assert!(!parts.iter().any(|part| part.eq_ignore_ascii_case(".git")), "{:?}", name);
            }
            // A component that is a file, such as `file/x`, can't be looked at either.
            Err(_) => prop_assert!(
                !is_name(&name) || through_link || name.contains('\0') || parts.iter().any(|part| part.eq_ignore_ascii_case(".git"))
                    || parts.get(..parts.len() - 1).unwrap().contains(&"file"),
                "{:?}",
                name
            ),
        }
    });
}

proptest! {
    #[test]
    fn a_name_of_the_command_line_is_resolved_by_its_parts(
        name in names(), prefix in select(vec![vec![], vec!["a"], vec!["a", "b"]])
    ) {
        let tree = SourceTree { prefix: prefix.join("/").into(), ..SourceTree::at("/r".into()) };
        let found = tree.name(Path::new(&name)).ok();
        if name.starts_with('/') {
            // Nothing of this machine lies below that root but what is named so.
            prop_assert_eq!(found, None);
        } else {
            let parts = resolved(&prefix, &name);
            let expected = parts.map(|parts| if parts.is_empty() { ".".to_owned() } else { parts.join("/") });
            prop_assert_eq!(&found, &expected);
            if let Some(found) = expected {
                prop_assert_eq!(SourceTree::at("/r".into()).name(Path::new(&found)).ok(), Some(found.clone()));
                prop_assert_eq!(tree.name(&Path::new("/r").join(&found)).ok(), Some(found));
            }
        }
    }
}
