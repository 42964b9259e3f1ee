//! Files behind a git filter that is not run, such as those of Git LFS.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking as well")]

use source_tree::worktree::Workshop;

use crate::support::Scene;

/// A repository whose user has a filter: git has words in small letters, the working tree in capital ones.
fn scene() -> Scene {
    let scene = Scene::new();
    let user = "[user]\n\tname = Ada\n\temail = ada@example.com\n[filter \"case\"]\n\tclean = tr A-Z a-z\n\t\
                smudge = tr a-z A-Z\n\trequired = true\n";
    scene.write("user.gitconfig", user);
    scene.write("repo/.gitattributes", "*.txt filter=case\n*.other filter=unknown\n");
    scene.write("repo/a.txt", "WORDS\n");
    scene.write("repo/b.txt", "WORDS\n");
    scene.write("repo/c.other", "WORDS\n");
    // Of a file that is as young as the index, git does not trust the time.
    for name in ["a.txt", "b.txt"] {
        let file = std::fs::File::options().append(true).open(scene.path("repo").join(name)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000)).unwrap();
    }
    scene.commit("filtered");
    scene
}

#[test]
fn files_behind_a_filter_are_known_and_those_that_may_be_unchanged_are_told_apart() {
    let scene = scene();
    assert_eq!(scene.git(&["show", "HEAD:a.txt"]), "words");
    let git = scene.open().unwrap();
    let names = ["a.txt", "a.py", "c.other", "no-such.txt", "odd\n\"name.txt"];
    let behind: Vec<_> = git.behind_filter(&names).unwrap();
    assert_eq!(behind, [&b"a.txt"[..], b"no-such.txt", b"odd\n\"name.txt"]);
    let unchanged = git.changed("HEAD").unwrap();
    assert_eq!(unchanged, source_tree::git::ChangedNames::default());
    // Written again as it was: only the filter could tell.
    std::fs::remove_file(scene.path("repo/b.txt")).unwrap();
    scene.write("repo/b.txt", "WORDS\n");
    scene.write("repo/a.py", "import ast\n");
    let changed = git.changed("HEAD").unwrap();
    assert_eq!(
        (changed.names, changed.behind_filter),
        (vec![b"a.py".to_vec(), b"b.txt".to_vec()], vec![b"b.txt".to_vec()])
    );
    // What is committed is changed for sure.
    scene.write("repo/b.txt", "OTHER WORDS\n");
    scene.commit("changed");
    let changed = git.changed("HEAD~1").unwrap();
    assert!(changed.names.contains(&b"b.txt".to_vec()) && changed.behind_filter.is_empty());
}

#[test]
fn a_worktree_has_what_git_stores_and_says_which_files_that_is_about() {
    let scene = scene();
    let git = scene.open().unwrap();
    let base = git.commit("HEAD").unwrap().unwrap();
    let shop = Workshop::open(&git, &scene.temporary(), &base, false).unwrap();
    let tree = shop.worktree("batch").unwrap();
    assert_eq!(std::fs::read_to_string(tree.path.join("a.txt")).unwrap(), "words\n");
    assert_eq!(std::fs::read_to_string(tree.path.join("c.other")).unwrap(), "WORDS\n");
    assert_eq!(tree.git.behind_filter(&["a.txt", "a.py", "c.other"]).unwrap(), [b"a.txt"]);
}
