//! `t4 migrate`.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;
use t4_tests::process;

use crate::support::Repo;

/// A file with every line end, a mark at its start, both kinds of strings, no line end at its end.
const MIXED: &[u8] = b"\xef\xbb\xbfimport os  # TODO[T4-UNUSED-IMPORT]: kept\r\nimport sys # noqa: F401 # TODO[T4-UNUSED-IMPORT]: {\"id\": \"old\"}\n\
    # T4: code=F821 | owner=me\rx = '# TODO[T4-LINT-ISSUE]: {}'\n'''\n# T4: code=F401\n'''\ty = 1 # \xc3\xa9 # TODO[T4-LINT-ISSUE]: {\"id\":\"9\"} ";

/// The bytes as characters, each annotation's payload taken out.
fn bare(bytes: &[u8]) -> String {
    let mut text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    while let Some(start) = text.find("TODO[T4-ISSUE]: {") {
        let end = start + text[start..].find(['\r', '\n']).unwrap_or(text.len() - start);
        let end = start + text[start..end].rfind('}').expect("a payload") + 1;
        text.replace_range(start..end, "@");
    }
    text
}

fn annotations(repo: &Repo) -> Vec<Value> {
    let report = repo.t4(&["migrate", "--json"]).ends(0).json();
    report["annotations"].as_array().expect("annotations").clone()
}

#[test]
fn a_dry_run_prints_a_diff_and_writes_nothing() {
    let repo = Repo::new();
    repo.write("a.py", "import os  # TODO[T4-UNUSED-IMPORT]: kept\n");
    repo.commit("one");
    let run = repo.t4(&["migrate"]).ends(0);
    assert!(run.stdout.starts_with("--- a/a.py\n+++ b/a.py\n@@"), "{run:?}");
    assert!(run.stdout.contains("+import os  # TODO[T4-ISSUE]: {\"id\":\"t4-"), "{run:?}");
    assert!(run.stderr.contains("1 legacy annotation converted in 1 file; nothing was written"), "{run:?}");
    repo.t4(&["migrate", "--apply", "--dry-run"]).ends(0);
    repo.t4(&["migrate", "--check"]).ends(1);
    repo.t4(&["migrate", "--check", "--apply"]).ends(2);
    repo.t4(&["migrate", ".."]).ends(2);
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
}

#[test]
fn all_bytes_but_those_of_the_annotations_stay_and_a_second_run_changes_nothing() {
    let repo = Repo::new();
    let latin = b"# -*- coding: latin-1 -*-\nx = '\xe9'  # TODO[T4-UNUSED-IMPORT]: kept\ny = 1  # \xe9 # T4: code=F401\n";
    repo.write("mixed.py", MIXED);
    repo.write("latin.py", latin);
    repo.write("run.sh", "#!/bin/sh\necho '# T4: code=F401' # T4: code=SC1 | reason=r\n");
    repo.write("a.c", "int x; /* TODO[T4-UNUSED-IMPORT]: a / b */ int y;\n");
    let script = repo.path("run.sh");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let run = repo.t4(&["migrate", "--apply", "--no-blame"]).ends(0);
    assert!(run.stderr.contains("latin.py:3: left alone: its comment is not UTF-8"), "{run:?}");
    assert_eq!(
        bare(&repo.bytes("mixed.py")),
        "\u{ef}\u{bb}\u{bf}import os  # @\r\nimport sys # noqa: F401 # @\n# @\rx = '# TODO[T4-LINT-ISSUE]: {}'\n\
         '''\n# T4: code=F401\n'''\ty = 1 # \u{c3}\u{a9} # @ "
    );
    assert_eq!(
        bare(&repo.bytes("latin.py")),
        "# -*- coding: latin-1 -*-\nx = '\u{e9}'  # @\ny = 1  # \u{e9} # T4: code=F401\n"
    );
    assert_eq!(bare(&repo.bytes("run.sh")), "#!/bin/sh\necho '# T4: code=F401' # @\n");
    assert_eq!(bare(&repo.bytes("a.c")), "int x; /* @ */ int y;\n");
    assert_eq!(std::fs::metadata(&script).expect("a file").permissions().mode() & 0o777, 0o755);
    let run = repo.t4(&["migrate", "--check"]).ends(0);
    assert_eq!(run.stdout, "nothing to change\n");
}

#[test]
fn the_owner_is_who_wrote_the_row_and_nobody_for_what_is_not_committed() {
    let repo = Repo::new();
    repo.write("a.py", "import os # TODO[T4-UNUSED-IMPORT]: kept\n");
    repo.commit("one");
    repo.write("a.py", "import  os # TODO[T4-UNUSED-IMPORT]: kept\n");
    repo.git(&["-c", "user.name=ci[bot]", "commit", "-qam", "format"]);
    let format = repo.git(&["rev-parse", "HEAD"]);
    let owner = || {
        let one = annotations(&repo).remove(0);
        (one["owner"].clone(), one["inferred_owner_confidence"].as_f64(), one["needs_owner_review"].clone())
    };
    assert_eq!(owner(), ("@ci[bot]".into(), Some(0.5), true.into()));
    repo.write(".git-blame-ignore-revs", format);
    assert_eq!(owner(), ("@Ada Example".into(), Some(1.0), Value::Null));
    repo.write("a.py", "import   os # TODO[T4-UNUSED-IMPORT]: kept\n");
    assert_eq!(owner(), (Value::Null, Some(0.0), Value::Null));
    repo.write(".git-blame-ignore-revs", "not a hash\n");
    let run = repo.t4(&["migrate"]).ends(3);
    assert!(run.stderr.contains("takes a full commit hash per line"), "{run:?}");
    repo.t4(&["migrate", "--no-blame"]).ends(0);
}

#[test]
fn the_report_has_the_originals_fields() {
    let repo = Repo::without_git();
    repo.write("b.py", "x = 1  # TODO[T4-LINT-ISSUE]: {\"code\": \"B008\"}\n");
    repo.write("a.py", "import os  # TODO[T4-UNUSED-IMPORT]: kept\n");
    repo.write("c.py", "x  # TODO[T4-ISSUE]: {\"id\":\"1\"} # TODO[T4-UNUSED-IMPORT]: kept\n");
    repo.t4(&["migrate", "--apply"]).ends(0);
    let report: Value =
        serde_json::from_str(&repo.read("reports/todos/migration_report.json")).expect("a report");
    let numbers =
        ["total_files_scanned", "files_modified", "total_conversions"].map(|name| report[name].as_u64());
    assert_eq!((&report["mode"], numbers), (&"applied".into(), [Some(3), Some(2), Some(2)]));
    assert!(report["timestamp"].is_string());
    assert_eq!(
        (&report["files"][0]["file"], &report["files"][0]["conversions"]),
        (&"a.py".into(), &1.into())
    );
    assert_eq!(report["files"][1]["annotations"][0], report["annotations"][1]["id"]);
    assert_eq!(report["skipped"][0]["file"], "c.py");
}

#[test]
fn nothing_outside_of_the_tree_is_written() {
    let (repo, outside) = (Repo::new(), Repo::without_git());
    let text = "import os  # TODO[T4-UNUSED-IMPORT]: kept\n";
    outside.write("a.py", text);
    repo.write("b.py", text);
    std::os::unix::fs::symlink(outside.path("a.py"), repo.path("link.py")).expect("a link");
    std::os::unix::fs::symlink(outside.root(), repo.path("folder")).expect("a link");
    std::os::unix::fs::symlink(outside.root(), repo.path("reports")).expect("a link");
    repo.t4(&["migrate", "--apply"]).ends(3);
    assert_eq!(repo.read("b.py"), text, "the report can't be written, so nothing is");
    std::fs::remove_file(repo.path("reports")).expect("a link");
    repo.t4(&["migrate", "--apply"]).ends(0);
    assert_ne!(repo.read("b.py"), text);
    let _ = repo.t4(&["migrate", "--apply", "link.py", "folder/a.py"]);
    assert_eq!(outside.read("a.py"), text);
    assert_eq!(std::fs::read_dir(outside.root()).expect("a folder").count(), 1);
}

/// Copies sources of the standard library that still mean something with legacy annotations at the ends of their rows,
/// and notes what each means; with `check`, compares.
const SPRINKLE: &str = r#"
import ast, hashlib, json, os, sys, sysconfig, warnings
warnings.simplefilter("ignore")
sys.setrecursionlimit(20000)
def meaning(data):
    return hashlib.sha256(ast.dump(ast.parse(data)).encode("utf-8", "surrogatepass")).hexdigest()
mode, target, notes, most = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
if mode == "check":
    wrong = []
    for name, (expected, rows) in json.load(open(notes)).items():
        data = open(os.path.join(target, name), "rb").read()
        try:
            same = meaning(data) == expected
        except Exception as error:
            same = False
        if not same or data.count(b"\n") != rows:
            wrong.append(name)
    print(json.dumps(wrong))
    sys.exit()
tags = [b"  # TODO[T4-UNUSED-IMPORT]: kept for api #1", b" # noqa # TODO[T4-LINT-ISSUE]: {\"code\": \"B008\"}",
        b"  # TODO[T4-UNUSED-IMPORT]: {'bad", b"  # T4: code=F401 | ticket=GH-1 # noqa: F401"]
library, found = sysconfig.get_paths()["stdlib"], {}
for folder, folders, files in os.walk(library):
    folders.sort()
    for name in sorted(files):
        path = os.path.join(folder, name)
        if len(found) >= most or not name.endswith(".py") or os.path.getsize(path) > 1000000:
            continue
        rows = open(path, "rb").read().split(b"\n")
        for at in range(len(rows) - 1):
            if (at * 7 + len(name)) % 11 == 0 and rows[at].strip() and not rows[at].rstrip(b"\r").endswith(b"\\"):
                end = b"\r" if rows[at].endswith(b"\r") else b""
                rows[at] = rows[at].removesuffix(b"\r") + tags[at % 4] + end
        data = b"\n".join(rows)
        try:
            meant = meaning(data)
        except Exception:
            continue
        own = os.path.relpath(path, library).replace(os.sep, "_")
        open(os.path.join(target, own), "wb").write(data)
        found[own] = (meant, data.count(b"\n"))
json.dump(found, open(notes, "w"))
print(len(found))
"#;

fn python(arguments: &[&str]) -> Value {
    let mut python = Command::new("python3");
    python.arg("-").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = python.spawn().expect("python3 is needed");
    child.stdin.take().expect("stdin").write_all(SPRINKLE.as_bytes()).expect("python3 reads");
    let output = child.wait_with_output().expect("python3 ends");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn sources_of_the_standard_library_mean_the_same_afterwards_and_come_back_by_undo() {
    let (repo, aside) = (Repo::without_git(), Repo::without_git());
    let target = repo.root().to_str().expect("UTF-8");
    let notes = aside.path("notes.json");
    let notes = notes.to_str().expect("UTF-8");
    let most = process::count(150, 100_000).to_string();
    let copied = python(&["copy", target, notes, &most]).as_u64().expect("a number");
    assert!(copied >= 100, "{copied}");
    let names: Vec<String> = {
        let files = std::fs::read_dir(target).expect("a folder");
        files.map(|file| file.expect("a file").file_name().into_string().expect("UTF-8")).collect()
    };
    let before: Vec<_> = names.iter().map(|name| repo.bytes(name)).collect();
    repo.t4(&["migrate", "--apply", "--report", aside.path("r.json").to_str().expect("UTF-8")]).ends(0);
    assert_eq!(python(&["check", target, notes, "0"]), Value::Array(Vec::new()));
    let report: Value = serde_json::from_str(&aside.read("r.json")).expect("JSON");
    assert!(report["total_conversions"].as_u64() > Some(10 * copied), "{}", report["total_conversions"]);
    let again = repo.t4(&["migrate", "--check", "--json"]).ends(0).json();
    assert_eq!(again["total_conversions"], 0);
    repo.t4(&["migrate", "--undo"]).ends(0);
    for (name, bytes) in names.iter().zip(before) {
        assert!(repo.bytes(name) == bytes, "{name}");
    }
}
