//! `t4 annotate` and `t4 prune`.

use t4_tests::process;

use crate::support::Repo;

/// Findings wherever a comment may and may not stand.
const SOURCE: &str = "import os  # noqa: E501\nimport re; import sys\nfrom a import (\n    b,\n    c as d,\n)\n\
    x = '''\n{} '''.format(missing1)\ny = 1 + \\\n    missing2\nz = f'''\n{missing3}\n'''\n\
    def f(p=g(), q=[]):\n    try:\n        return missing4\n    except ValueError:\n        raise KeyError\n";

fn unannotated(repo: &Repo) -> (u64, u64) {
    let report = repo.t4(&["check", "--json"]).json();
    let count = |name: &str| report["summary"][name].as_u64().expect("a number");
    (count("total_findings"), count("unannotated"))
}

#[test]
fn after_annotating_every_finding_that_can_be_is_answered_for() {
    let repo = Repo::new();
    repo.write("a.py", SOURCE);
    repo.write("crlf.py", SOURCE.replace('\n', "\r\n"));
    repo.write("mark.py", format!("\u{feff}{}", SOURCE.trim_end()));
    repo.commit("one");
    let (total, open) = unannotated(&repo);
    assert!(total == open && total >= 27, "{total} {open}");
    let dry = repo.t4(&["annotate", "--json"]).ends(0).json();
    assert_eq!(unannotated(&repo), (total, open));
    assert_eq!(dry["mode"], "dry-run");
    let run = repo.t4(&["annotate", "--apply"]).ends(0);
    assert!(run.stdout.contains("undo with `t4 annotate --undo "), "{run:?}");
    let left = dry["skipped"].as_array().expect("a list").len() as u64;
    // The one inside an f-string.
    assert_eq!((unannotated(&repo), left), ((total, left), 3));
    let report = repo.t4(&["check", "--json"]).json();
    assert_eq!(report["quality_issues"].as_array().map(Vec::len), Some(0), "{}", report["quality_issues"]);
    let mut python = std::process::Command::new("python3");
    python.current_dir(repo.root()).args(["-m", "py_compile", "a.py", "crlf.py", "mark.py"]);
    process::stdout_of(&mut python);
    repo.t4(&["annotate", "--check"]).ends(0);
    repo.t4(&["annotate", "--undo"]).ends(0);
    assert_eq!(repo.git(&["diff", "--stat"]), "");
}

#[test]
fn the_owner_is_that_of_codeowners_else_who_wrote_the_row() {
    let repo = Repo::new();
    repo.write("a.py", "import os\n");
    repo.write("b/c.py", "import os\n");
    repo.write("CODEOWNERS", "/b/ @org/team @other\n");
    repo.commit("one");
    let owners = |arguments: &[&str]| {
        let list = repo.t4(arguments).ends(0).json()["annotations"].clone();
        (list[0]["owner"].clone(), list[1]["owner"].clone())
    };
    assert_eq!(owners(&["annotate", "--json"]), ("@Ada Example".into(), "@org/team".into()));
    assert_eq!(owners(&["annotate", "--json", "--no-blame"]), (serde_json::Value::Null, "@org/team".into()));
}

#[test]
fn sources_that_do_not_parse_are_left_alone() {
    let repo = Repo::new();
    let tag = "# TODO[T4-ISSUE]: {\"id\":\"1\",\"code\":\"F401\",\"reason\":\"a good one\",\"status\":\"accepted\"}";
    repo.write("a.py", format!("import os\nx = 1  {tag}\ndef f(:\n"));
    for command in ["annotate", "prune"] {
        let run = repo.t4(&[command, "--apply"]).ends(0);
        assert!(run.stderr.contains("a.py: does not parse"), "{run:?}");
        assert_eq!(run.stdout, "nothing to change\n");
    }
}

#[test]
fn prune_takes_out_what_the_check_calls_stale_and_nothing_else() {
    let repo = Repo::new();
    let tag = |id: u32, code: &str| {
        format!(
            "# TODO[T4-ISSUE]: {{\"id\":\"{id}\",\"code\":\"{code}\",\"reason\":\"a good one\",\"status\":\"accepted\"}}"
        )
    };
    let source = format!(
        "import os  {}\nx = 1  {}\r\n{}\ny = '{}'\nz = 1  # type: ignore  {}\nw = 1  {}",
        tag(1, "F401"),
        tag(2, "F401"),
        tag(3, "B008"),
        tag(4, "F401"),
        tag(5, "E501"),
        tag(6, "F821")
    );
    repo.write("a.py", &source);
    let stale = repo.t4(&["check", "--json"]).json()["stale"].clone();
    assert_eq!(stale.as_array().map(Vec::len), Some(3), "{stale}");
    let pruned = repo.t4(&["prune", "--json", "--codes", "F"]).ends(0).json()["pruned"].clone();
    assert_eq!(pruned.as_array().map(Vec::len), Some(2), "{pruned}");
    repo.t4(&["prune", "--check"]).ends(1);
    repo.t4(&["prune", "--apply"]).ends(0);
    assert_eq!(
        repo.read("a.py"),
        format!(
            "import os  {}\nx = 1\r\ny = '{}'\nz = 1  # type: ignore  {}\nw = 1",
            tag(1, "F401"),
            tag(4, "F401"),
            tag(5, "E501")
        )
    );
    repo.t4(&["prune", "--check"]).ends(0);
    repo.t4(&["prune", "--undo"]).ends(0);
    assert_eq!(repo.read("a.py"), source);
}
