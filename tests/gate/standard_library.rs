//! Annotate, prune and the codemods on the standard library of the installed Python: 50 of its files, all of them with
//! `T4_TEST_LONG=1`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;
use t4_tests::process;

use crate::support::Repo;

/// Copies files that parse, and notes what each means; later tells which do not mean the same, or do not parse.
const SCRIPT: &str = r#"
import ast, hashlib, json, os, sys, sysconfig, warnings
warnings.simplefilter("ignore")
sys.setrecursionlimit(20000)
def meaning(path):
    try:
        tree = ast.parse(open(path, "rb").read())
        return hashlib.sha256(ast.dump(tree).encode("utf-8", "surrogatepass")).hexdigest()
    except Exception:
        return None
mode, target, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
if mode == "meaning":
    print(json.dumps({name: meaning(os.path.join(target, name)) for name in sorted(os.listdir(target)) if name.endswith(".py")}))
    sys.exit()
library, found = sysconfig.get_paths()["stdlib"], 0
for folder, folders, files in os.walk(library):
    folders[:] = sorted(set(folders) - {"site-packages"})
    for name in sorted(files):
        path = os.path.join(folder, name)
        if found >= most or not name.endswith(".py") or os.path.getsize(path) > 1000000 or meaning(path) is None:
            continue
        data = open(path, "rb").read()
        own = os.path.relpath(path, library).replace(os.sep, "_")
        open(os.path.join(target, own), "wb").write(data)
        found += 1
print(found)
"#;

fn python(mode: &str, repo: &Repo, most: usize) -> Value {
    let mut python = Command::new("python3");
    python.args(["-", mode, repo.root().to_str().expect("UTF-8"), &most.to_string()]);
    let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 is needed");
    child.stdin.take().expect("stdin").write_all(SCRIPT.as_bytes()).expect("python3 reads");
    let output = child.wait_with_output().expect("python3 ends");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn sources() -> Repo {
    let repo = Repo::without_git();
    let copied = python("copy", &repo, process::count(50, 100_000)).as_u64().expect("a number");
    assert!(copied >= 50, "{copied}");
    repo
}

fn meanings(repo: &Repo) -> Value {
    python("meaning", repo, 0)
}

fn bytes(repo: &Repo) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(repo.root()).expect("a folder");
    let names = files.map(|file| file.expect("a file").file_name().into_string().expect("UTF-8"));
    names.filter(|name| name.ends_with(".py")).map(|name| (name.clone(), repo.bytes(&name))).collect()
}

/// The lines of a file without comments of ours: what annotate adds and prune takes away.
fn without_annotations(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let bare = text.split('\n').filter_map(|line| match line.split_once("# TODO[T4-ISSUE]") {
        None => Some(line.to_owned()),
        Some((code, _)) if code.trim().is_empty() => None,
        Some((code, _)) => Some(code.trim_end().to_owned()),
    });
    // A trailing annotation may have swallowed blanks that stood at the end of its line.
    bare.map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn annotations_change_no_meaning_and_no_other_byte_and_come_back_by_undo() {
    let repo = sources();
    let (before, meant) = (bytes(&repo), meanings(&repo));
    repo.t4(&["annotate", "--apply"]).ends(0);
    assert_eq!(meanings(&repo), meant);
    let annotated = bytes(&repo);
    assert_ne!(annotated, before);
    for (name, bytes) in &annotated {
        assert_eq!(without_annotations(bytes), without_annotations(&before[name]), "{name}");
    }
    // Twice is once, and nothing of it is stale.
    repo.t4(&["annotate", "--check"]).ends(0);
    repo.t4(&["prune", "--check"]).ends(0);
    repo.t4(&["annotate", "--undo"]).ends(0);
    assert_eq!(bytes(&repo), before);
}

#[test]
fn codemods_leave_sources_that_parse_and_what_they_made_stale_is_pruned() {
    let repo = sources();
    repo.t4(&["annotate", "--apply"]).ends(0);
    let before = bytes(&repo);
    let run = repo.t4(&["codemod", "run", "--apply", "--json"]).ends(0).json();
    assert!(!run["fixed"].is_null(), "{run:#}");
    let fixed = bytes(&repo);
    assert_ne!(fixed, before);
    let meant = meanings(&repo);
    let broken = |meaning: &&Value| meaning.is_null();
    assert_eq!(meant.as_object().expect("an object").values().filter(broken).count(), 0, "all parse");
    repo.t4(&["codemod", "run", "--apply"]).ends(0);
    assert_eq!(bytes(&repo), fixed, "twice is once");

    repo.t4(&["prune", "--apply"]).ends(0);
    assert_ne!(bytes(&repo), fixed, "the annotations of what was fixed are stale");
    assert_eq!(meanings(&repo), meant);
    for (name, bytes) in bytes(&repo) {
        assert_eq!(without_annotations(&bytes), without_annotations(&fixed[&name]), "{name}");
    }
    repo.t4(&["prune", "--check"]).ends(0);
    repo.t4(&["prune", "--undo"]).ends(0);
    assert_eq!(bytes(&repo), fixed);
    repo.t4(&["codemod", "revert"]).ends(0);
    assert_eq!(bytes(&repo), before);
}
