//! Output about a hostile tree: it controls no terminal and no CI runner, and JSON keeps its meaning.

use std::io::Write as _;
use std::process::{Command, Stdio};

use t4_tests::process;

use crate::support::{Repo, Run};

const UNUSED: &str = "import os\n";

/// Names as a stranger may choose them.
const NAMES: [&str; 12] = [
    "a\n::add-mask::true\n::stop-commands::x\n.py",
    "b\u{1b}]0;owned\u{7}\u{1b}[2J.py",
    "c ##vso[task.setvariable variable=x]y.py",
    "##[error]d.py",
    "##teamcity[buildStop].py",
    "e\r::error::from a name\r.py",
    "f\u{202e}yp.txt\u{2066}.py",
    "g \"quoted\" \\ back.py",
    "é 漢\u{9b}2J\u{200b}.py",
    "::set-output name=x::y.py",
    "%0A::error::x.py",
    "-h.py",
];

/// A tree with a finding in each file, legacy annotations, and hostile text in sources, waivers and annotations.
fn hostile() -> Repo {
    let repo = Repo::new();
    for name in NAMES {
        repo.write(name, UNUSED);
        repo.write(&format!("legacy/{name}"), "import os  # TODO[T4-UNUSED-IMPORT]: it is needed\n");
    }
    let word = r"a\u001b[2J\n::error::x ##vso[x]\r::y\u202e";
    let tag = |status: &str| {
        format!(
            r#"# TODO[T4-ISSUE]: {{"id":"{word}","code":"F401","reason":"{word}","status":"{status}","owner":"{word}"}}"#
        )
    };
    repo.write("text.py", format!("import os  {}\nx = 1  {}\n", tag("accepted"), tag("planned")));
    repo.write("escapes.py", "# \u{1b}]0;owned\u{7} \u{9b}2J\nimport os\n ::error::x\n##vso[x]\n");
    repo.write("context.py", "\"\"\"\n::add-mask::x\n ::error::y\n\r::z\n##[x]\n\"\"\"\nimport os\n");
    let yaml = serde_json::json!({"waivers": [{"file": "text.py", "codes": ["F401"], "reason": "::error::x\u{1b}\n::y ##vso[x]",
        "owner": "::x\n##[y]\u{202e}", "expires": "2020-01-31"}]});
    repo.write("audit/waivers/w.yaml", yaml.to_string());
    repo.commit("one");
    repo.write("new.py", UNUSED);
    repo
}

/// Whether a runner would obey a line of it, or a terminal a character.
fn steers(text: &str) -> Option<String> {
    let lines = text.replace("\r\n", "\n");
    for line in lines.split(['\n', '\r']) {
        let marked = ["##[", "##vso[", "##teamcity["].iter().any(|mark| line.contains(mark));
        if marked || line.trim_start().starts_with("::") {
            return Some(line.to_owned());
        }
    }
    let bad = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}')
    };
    lines.chars().find(|c| bad(*c)).map(|c| format!("{c:?}"))
}

#[test]
fn no_command_prints_what_steers_a_terminal_or_a_runner() {
    let repo = hostile();
    let commands: [&[&str]; 22] = [
        &["check"],
        &["check", "--strict", "--age"],
        &["check", "--since", "HEAD"],
        &["check", "--json"],
        &["check", "--sarif"],
        &["check", "--compat"],
        &["check", "--compat", "--json"],
        &["annotate"],
        &["annotate", "--json"],
        &["migrate"],
        &["migrate", "--json"],
        &["prune"],
        &["prune", "--json"],
        &["codemod", "run"],
        &["codemod", "run", "--json"],
        &["batches", "--dry-run", "--codes", "F401"],
        &["batches", "--dry-run", "--codes", "F401", "--json"],
        &["waivers", "check"],
        &["waivers", "list", "--json"],
        &["waivers", "ratchet", "--base", "HEAD"],
        &["dashboard", "--output", "-", "--no-history"],
        &["init", "--yes", "--json"],
    ];
    for command in commands {
        let run = repo.t4(command);
        for text in [&run.stdout, &run.stderr] {
            assert_eq!(steers(text), None, "{command:?} {}", run.stderr);
        }
        assert!(!run.stdout.is_empty(), "{command:?}: {run:?}");
        if command.contains(&"--json") || command.contains(&"--sarif") {
            run.json();
        }
    }
    // JSON means what it did.
    let report = repo.t4(&["check", "--json"]).json();
    let files: Vec<_> =
        report["findings"].as_array().unwrap().iter().filter_map(|one| one["file"].as_str()).collect();
    assert!(NAMES.iter().all(|name| files.contains(name)), "{files:?}");
    // GitHub's commands are there on purpose, and no others.
    let run = repo.t4(&["check", "--github"]).ends(1);
    let table: String = run
        .stdout
        .split_inclusive('\n')
        .filter(|line| {
            !line.starts_with("::error file=")
                && !line.starts_with("::warning file=")
                && !line.starts_with("::error title=t4")
                && !line.starts_with("::warning title=t4")
        })
        .collect();
    assert_eq!(steers(&table), None);
    assert_eq!(steers(&run.stdout.replace("::error ", "").replace("::warning ", "")), None);
}

#[test]
fn errors_and_wrong_usage_are_inert_too() {
    let repo = Repo::new();
    repo.write("a.py", UNUSED);
    let hostile = "x\u{1b}[2J\n::error::y\r##vso[z]";
    for arguments in [
        &["check", hostile][..],
        &["check", "--from", hostile],
        &["check", "--since", hostile],
        &["check", &format!("--{hostile}")],
        &["annotate", "--undo", hostile],
        &["waivers", "ratchet", "--base", hostile],
        &["batches", "--base", hostile],
        &["dashboard", "--output", hostile],
        &["codemod", "run", "--only", hostile],
    ] {
        let run = repo.t4(arguments);
        assert!(run.code >= 2 || arguments[0] == "dashboard", "{run:?}");
        assert_eq!(steers(&run.stderr), None, "{arguments:?}");
        assert_eq!(steers(&run.stdout), None, "{arguments:?}");
    }
}

#[test]
fn the_diff_of_files_with_hostile_names_can_be_applied_and_is_what_apply_writes() {
    let repo = Repo::new();
    for name in NAMES {
        repo.write(name, UNUSED);
        repo.write(&format!("crlf/{name}"), UNUSED.replace('\n', "\r\n"));
    }
    repo.commit("one");
    for command in ["annotate", "codemod"] {
        let (show, apply): (&[&str], &[&str]) = match command {
            "annotate" => (&["annotate"], &["annotate", "--apply"]),
            _ => (&["codemod", "run"], &["codemod", "run", "--apply"]),
        };
        let shown = repo.t4(show).ends(0).stdout;
        let diff = shown.split_once("\nwould fix").map_or(shown.as_str(), |(diff, _)| diff).to_owned() + "\n";
        let mut git = Command::new("git");
        git.current_dir(repo.root()).args(["apply", "-"]).env("GIT_CONFIG_GLOBAL", "/dev/null");
        let mut child = git.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(diff.as_bytes()).unwrap();
        let run = Run::of(child.wait_with_output().unwrap()).ends(0);
        assert!(!run.stderr.contains("error"), "{run:?}");
        // The ids of annotations are drawn anew.
        let contents = || {
            let all = NAMES.iter().flat_map(|name| [(*name).to_owned(), format!("crlf/{name}")]);
            all.map(|name| repo.read(&name))
                .map(|text| text.split("\"id\"").next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let applied = contents();
        repo.git(&["checkout", "-q", "."]);
        repo.t4(apply).ends(0);
        assert_eq!(contents(), applied);
        assert!(applied.iter().all(|text| text != UNUSED), "{applied:?}");
        repo.git(&["checkout", "-q", "."]);
    }
}

#[test]
fn a_terminal_gets_no_more_than_a_pipe() {
    let repo = hostile();
    let program = "import os, pty, sys\n\
        def read(fd):\n    return os.read(fd, 65536)\n\
        sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], read)))\n";
    for command in [&["annotate"][..], &["codemod", "run"], &["check"]] {
        let t4 = process::binary("t4").display().to_string();
        let mut python = Command::new("python3");
        python.args(["-c", program, &t4]).args(command).current_dir(repo.root());
        python.env("PATH", crate::support::path_with_ruff()).env("TERM", "xterm");
        let output = process::run(process::bare(&mut python));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        // The bar's own, which are ours.
        let mut text = text.replace("\r\n", "\n");
        for own in ["\u{1b}[?25l", "\u{1b}[?25h", "\u{1b}[2K", "\u{1b}[1A", "\u{1b}[1B", "\r"] {
            text = text.replace(own, "");
        }
        assert!(
            !text.contains("\u{1b}]0;") && !text.contains("\u{1b}[2J") && !text.contains('\u{9b}'),
            "{command:?}: {text:?}"
        );
    }
}
