//! `t4 codemod`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use serde_json::json;
use t4_tests::process;

use crate::support::{Repo, ruff_folder};

/// A tree with a finding for two codemods in one file, and files that must be left alone.
fn tree() -> Repo {
    let repo = Repo::new();
    repo.write(
        "a.py",
        "import os\nimport sys\n\ntry:\n    print(sys)\nexcept KeyError as e:\n    raise ValueError\n",
    );
    fs::set_permissions(repo.path("a.py"), Permissions::from_mode(0o755)).unwrap();
    repo.write("sub/b.py", "import os\r\nx = 1\r\n");
    repo.write("broken.py", "import os\ndef f(:\n");
    repo.write("latin.py", b"import os\nx = '\xe9'\n");
    repo.write("archive/c.py", "import os\n");
    repo.write("nb.ipynb", "{}");
    repo.commit("first");
    repo
}

#[test]
fn the_codemods_are_listed() {
    let repo = Repo::new();
    assert!(repo.t4(&["codemod", "list"]).ends(0).stdout.contains("unused-import            F401"));
    let list = repo.t4(&["codemod", "list", "--json"]).ends(0).json();
    assert_eq!(list.as_array().unwrap().len(), 6);
    let run = repo.t4(&["codemod", "run", "--only", "nonsense"]).ends(2);
    assert!(run.stderr.contains("reraise-from"), "{run:?}");
    repo.t4(&["codemod", "run", "missing.py"]).ends(2);
    repo.t4(&["codemod", "run", "../x.py"]).ends(2);
}

#[test]
fn a_dry_run_shows_a_diff_and_writes_nothing() {
    let repo = tree();
    let run = repo.t4(&["codemod", "run"]).ends(0);
    assert!(run.stdout.contains("-import os\n"), "{run:?}");
    assert!(run.stdout.contains("--- a/a.py"), "{run:?}");
    assert!(run.stdout.contains("`--apply` writes it"), "{run:?}");
    assert!(!run.stdout.contains("archive/c.py"), "{run:?}");
    assert_eq!(repo.git(&["status", "--porcelain"]).trim(), "");
    assert!(!repo.path(".t4").exists());
}

#[test]
fn apply_and_revert_are_exact() {
    let repo = tree();
    let before = repo.bytes("a.py");
    let run = repo.t4(&["codemod", "run", "--apply", "--json"]).ends(0).json();
    assert_eq!(run["applied"], true);
    assert!(run["fixed"].as_u64().unwrap() >= 3, "{run}");
    let id = run["snapshot"].as_str().unwrap();
    let text = repo.read("a.py");
    assert!(!text.contains("import os") && text.contains("raise ValueError from e"), "{text}");
    assert_eq!(repo.bytes("sub/b.py"), b"x = 1\r\n");
    assert_eq!(fs::metadata(repo.path("a.py")).unwrap().permissions().mode() & 0o7777, 0o755);
    let unread: Vec<_> =
        run["unparsable"].as_array().unwrap().iter().map(|one| one["file"].as_str().unwrap()).collect();
    assert_eq!(unread, ["broken.py", "nb.ipynb"], "{run}");
    assert_eq!(repo.bytes("archive/c.py"), b"import os\n");

    let list = repo.t4(&["codemod", "snapshots", "--json"]).ends(0).json();
    assert_eq!(list[0]["id"], id);
    repo.t4(&["codemod", "verify"]).ends(0);
    repo.t4(&["codemod", "revert", id]).ends(0);
    assert_eq!(repo.bytes("a.py"), before);
    assert_eq!(repo.git(&["status", "--porcelain"]).trim(), "");
    assert!(repo.t4(&["codemod", "snapshots"]).ends(0).stdout.contains("reverted"));
    repo.t4(&["codemod", "revert"]).ends(3);
}

#[test]
fn a_second_run_changes_nothing() {
    let repo = tree();
    repo.t4(&["codemod", "run", "--apply"]).ends(0);
    let run = repo.t4(&["codemod", "run", "--apply", "--json"]).ends(0).json();
    assert_eq!((&run["fixed"], &run["snapshot"]), (&json!(0), &json!(null)));
}

#[test]
fn a_file_that_changed_since_is_not_overwritten_unless_forced() {
    let repo = tree();
    let before = repo.bytes("a.py");
    repo.t4(&["codemod", "run", "--apply"]).ends(0);
    repo.write("a.py", "mine\n");
    let verify = repo.t4(&["codemod", "verify"]).ends(1);
    assert_eq!(verify.stdout, "a.py: changed\n");
    let run = repo.t4(&["codemod", "revert"]).ends(3);
    assert!(run.stderr.contains("`a.py` (changed)"), "{run:?}");
    assert_eq!((repo.read("a.py"), repo.bytes("sub/b.py")), ("mine\n".to_owned(), b"x = 1\r\n".to_vec()));
    repo.t4(&["codemod", "revert", "--force"]).ends(0);
    assert_eq!(repo.bytes("a.py"), before);
}

#[test]
fn only_what_is_asked_for_is_fixed() {
    let repo = tree();
    repo.t4(&["codemod", "run", "a.py", "--only", "B904", "--apply"]).ends(0);
    let text = repo.read("a.py");
    assert!(text.contains("import os") && text.contains("from e"), "{text}");
    assert!(repo.read("sub/b.py").contains("import os"));
}

#[test]
fn links_are_not_followed() {
    let repo = Repo::new();
    let outside = Repo::without_git();
    outside.write("x.py", "import os\n");
    symlink(outside.path("x.py"), repo.path("link.py")).unwrap();
    symlink(outside.root(), repo.path("folder")).unwrap();
    repo.t4(&["codemod", "run", "--apply"]);
    repo.t4(&["codemod", "run", "--apply", "link.py", "folder/x.py", "folder"]);
    assert_eq!(outside.read("x.py"), "import os\n");
    assert!(fs::symlink_metadata(repo.path("link.py")).unwrap().is_symlink());
}

/// A `ruff` that finds an undefined name as soon as the file is fixed.
#[test]
fn a_fix_that_brings_an_undefined_name_is_taken_back() {
    let repo = Repo::new();
    repo.write("a.py", "import os\n");
    repo.commit("first");
    let bin = Repo::without_git();
    bin.write(
        "ruff",
        format!(
            "#!/bin/sh\ncase $1 in check) grep -q 'import os' a.py || {{ echo '{}'; exit 0; }};; esac\nexec {}/ruff \"$@\"\n",
            r#"[{"code":"F821","message":"undefined","filename":"a.py","location":{"row":1,"column":1},"end_location":{"row":1,"column":2}}]"#,
            ruff_folder().display()
        ),
    );
    fs::set_permissions(bin.path("ruff"), Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.root().display(), std::env::var("PATH").unwrap());
    let output = process::run(repo.command(&["codemod", "run", "--apply"]).env("PATH", path));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("undone") && said.contains("undefined names"), "{said}");
    assert_eq!(repo.read("a.py"), "import os\n");
}

#[test]
fn a_disk_that_takes_no_more_leaves_the_tree_as_it_was() {
    let repo = Repo::new();
    let large = format!("import os\nx = '{}'\n", "x".repeat(200_000));
    repo.write("a.py", "import os\n");
    repo.write("b.py", &large);
    repo.commit("first");
    let t4 = repo.command(&["codemod", "run", "--apply"]);
    // A file may have 64 KB: the old content of the larger file can't be kept, so nothing may be written.
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 128; exec \"$@\"", "sh"])
        .arg(t4.get_program())
        .args(t4.get_args());
    shell.current_dir(repo.root());
    for (name, value) in t4.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let output = process::run(&mut shell);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!((repo.read("a.py"), repo.read("b.py")), ("import os\n".to_owned(), large));
    assert_eq!(repo.git(&["status", "--porcelain"]).trim(), "");
    assert_eq!(repo.t4(&["codemod", "snapshots"]).ends(0).stdout, "no snapshots\n");
}

#[test]
fn a_run_that_is_killed_is_undone() {
    let repo = Repo::new();
    for n in 0..300 {
        repo.write(&format!("m{n}.py"), "import os\nx = 1\n");
    }
    repo.commit("first");
    // Killed as soon as the first file has changed.
    let mut child = repo.command(&["codemod", "run", "--apply"]).spawn().unwrap();
    let changed = || (0..300).filter(|n| repo.bytes(&format!("m{n}.py")) == b"x = 1\n").count();
    while changed() == 0 && child.try_wait().unwrap().is_none() {}
    let _ = child.kill();
    child.wait().unwrap();
    assert!(changed() > 0);
    for n in 0..300 {
        let text = repo.read(&format!("m{n}.py"));
        assert!(text == "import os\nx = 1\n" || text == "x = 1\n", "{text:?}");
    }
    repo.t4(&["codemod", "revert"]).ends(0);
    assert_eq!(repo.git(&["status", "--porcelain"]).trim(), "");
}

fn annotation(id: &str, code: &str, status: &str) -> String {
    format!(
        r##"# TODO[T4-ISSUE]: {{"id":"{id}","code":"{code}","reason":"the plugin loads it","status":"{status}","owner":"@ada","ticket":"T-1"}}"##
    )
}

#[test]
fn what_somebody_decided_to_keep_is_left_alone() {
    let repo = Repo::new();
    let lines = [
        format!("import os  {}", annotation("t4-1", "F401", "accepted")),
        annotation("t4-2", "F401", "documented"),
        "import sys".to_owned(),
        r#"import re  # TODO[T4-LINT-ISSUE]: {"code":"F401","reason":"kept","status":"accepted","owner":"@bob"}"#
            .to_owned(),
        format!("import abc  {}", annotation("t4-3", "F401", "planned")),
        "from x import (".to_owned(),
        format!("    a,  {}", annotation("t4-4", "F401", "accepted")),
        "    b,".to_owned(),
        ")".to_owned(),
        "import json".to_owned(),
    ];
    repo.write("a.py", lines.join("\n") + "\n");
    repo.commit("first");
    let run = repo.t4(&["codemod", "run", "--apply"]).ends(0);
    let text = repo.read("a.py");
    for kept in ["import os", "import sys", "import re", "    a,"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    for gone in ["import abc", "    b,", "import json"] {
        assert!(!text.contains(gone), "{gone}: {text}");
    }
    for told in [
        "a.py:1: F401 left alone: accepted: t4-1 @ada\n",
        "a.py:3: F401 left alone: documented: t4-2 @ada\n",
        "a.py:4: F401 left alone: accepted: @bob\n",
        "a.py:7: F401 left alone: accepted: t4-4 @ada\n",
        "fixed 3 findings in 1 file, 4 left alone",
    ] {
        assert!(run.stdout.contains(told), "{told}: {run:?}");
    }
    repo.t4(&["codemod", "run", "--apply", "--include-accepted"]).ends(0);
    assert!(!repo.read("a.py").contains("import "), "{}", repo.read("a.py"));
}

#[test]
fn a_waived_finding_is_left_alone_wherever_its_row_goes() {
    let repo = Repo::new();
    // Unused imports go first, so the rows of the raises are others when it is their turn.
    let source = "import os\nimport sys\nimport re\n\ntry:\n    pass\nexcept KeyError as e:\n    raise ValueError\n\
                  except ValueError as e:\n    raise KeyError\n";
    repo.write("a.py", source);
    repo.write("whole.py", "import os\n");
    repo.write(
        "audit/waivers/a.yaml",
        "waivers:\n  - {file: a.py, line: 2, codes: [F401], reason: the plugin needs it, owner: '@ada'}\n  \
         - {file: a.py, line: 8, codes: [B904], reason: the cause is secret, owner: '@ada'}\n  \
         - {file: a.py, line: 1, codes: [E702], reason: another rule, owner: '@ada'}\n  \
         - {file: whole.py, reason: generated code, owner: '@ada', expires: 2999-01-01}\n",
    );
    repo.commit("first");
    let run = repo.t4(&["codemod", "run", "--apply"]).ends(0);
    let text = repo.read("a.py");
    let left = "import sys\n\ntry:\n    pass\nexcept KeyError as e:\n    raise ValueError\n\
                except ValueError as e:\n    raise KeyError from e\n";
    assert_eq!(text, left);
    assert_eq!(repo.read("whole.py"), "import os\n");
    assert!(run.stdout.contains("F401 left alone: waived by audit/waivers/a.yaml:2\n"), "{run:?}");
    // A waiver file that can't be read may waive anything: nothing is fixed.
    repo.write("audit/waivers/b.yaml", "waivers: 1\n");
    repo.t4(&["codemod", "run", "--apply"]).ends(3);
}

#[test]
fn annotations_whose_finding_was_fixed_are_told_and_left() {
    let repo = Repo::new();
    let line = annotation("t4-1", "B904", "planned");
    repo.write("a.py", format!("try:\n    pass\nexcept KeyError as e:\n    raise ValueError  {line}\n"));
    repo.commit("first");
    let run = repo.t4(&["codemod", "run"]).ends(0);
    assert!(run.stdout.contains("1 annotation would be stale"), "{run:?}");
    let run = repo.t4(&["codemod", "run", "--apply"]).ends(0);
    assert!(run.stdout.ends_with("1 annotation is stale now: `t4 prune` takes it out\n"), "{run:?}");
    assert!(repo.read("a.py").contains(&format!("raise ValueError from e  {line}")), "{}", repo.read("a.py"));
    repo.t4(&["prune", "--apply"]).ends(0);
    assert!(!repo.read("a.py").contains("T4-ISSUE"), "{}", repo.read("a.py"));
}
