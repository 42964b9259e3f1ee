//! `t4 pre-pr`.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Ended, Folder, Registry};

/// How many columns of a terminal a line takes; the names in these tests hold no other wide characters.
fn columns(line: &str) -> usize {
    line.chars().map(|c| if ('\u{3000}'..'\u{a000}').contains(&c) { 2 } else { 1 }).sum()
}

#[test]
fn covered_files_pass() {
    let repository = Folder::repository();
    repository.write("new.py", "1").commit();
    let registry = Registry::missing(&[]);
    let ended = repository.run(&registry, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("new.py") && ended.out.contains("covered"), "{}", ended.out);
    let sent = json!({"files": ["new.py"], "critical_codes": [], "auto_create_reserved": true});
    assert_eq!(registry.asked(), [sent]);
}

#[test]
fn a_missing_file_fails_and_its_placeholder_is_named() {
    let repository = Folder::repository();
    repository.write("new.py", "1").write("fine.py", "1").commit();
    let registry = Registry::missing(&["new.py"]);
    let ended = repository.run(&registry, &["--codes", "F821,F401"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("T4-01arz3ndektsv4rrffq69g5fav") && ended.out.contains("reserved"));
    assert!(ended.out.contains("1 of 2 files have no intent"), "{}", ended.out);
    assert_eq!(registry.asked()[0]["critical_codes"], json!(["F821", "F401"]));

    let ended = repository.run(&registry, &["--no-reserve"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.contains("missing") && !ended.out.contains("T4-01"), "{}", ended.out);
    assert_eq!(registry.asked()[1]["auto_create_reserved"], false);
}

#[test]
fn json_is_alone_on_stdout() {
    let repository = Folder::repository();
    repository.write("b.py", "1").write("a.py", "1").commit();
    let ended = repository.run(&Registry::missing(&["b.py"]), &["--json"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let printed: Value = serde_json::from_str(&ended.out).unwrap();
    let reserved = &printed["reserved"];
    assert_eq!((&printed["ok"], &printed["missing"]), (&json!(false), &json!(["b.py"])));
    assert_eq!(printed["files"], json!(["a.py", "b.py"]));
    assert_eq!((&reserved[0]["file"], &reserved[0]["status"]), (&json!("b.py"), &json!("reserved")));
    assert_eq!(printed.as_object().unwrap().len(), 4);
    assert!(ended.err.contains("main"), "{}", ended.err);
}

#[test]
fn committed_staged_and_unstaged_changes_count_and_others_do_not() {
    let repository = Folder::repository();
    repository.git(&["rm", "-q", "gone.py"]);
    repository.write("sub/committed.py", "1").write("undone.py", "1").commit();
    repository.write("staged.py", "1").git(&["add", "staged.py"]);
    repository.write("old.py", "2").write("untracked.py", "1");
    std::fs::remove_file(repository.path().join("undone.py")).unwrap();
    // What is new on main since is not this branch's.
    repository.git(&["stash", "-q", "-u"]).git(&["switch", "-q", "main"]);
    repository.write("theirs.py", "1").commit();
    repository.git(&["switch", "-q", "work"]).git(&["stash", "pop", "-q", "--index"]);
    let registry = Registry::missing(&[]);
    assert_eq!(repository.run(&registry, &[]).code, Some(0));
    assert_eq!(registry.files(), ["old.py", "staged.py", "sub/committed.py", "undone.py"]);
}

#[test]
fn a_renamed_file_counts_under_its_new_name() {
    let repository = Folder::repository();
    repository.git(&["mv", "old.py", "renamed.py"]).commit();
    let registry = Registry::missing(&[]);
    repository.run(&registry, &["--since", "main"]);
    assert_eq!(registry.files(), ["renamed.py"]);
}

#[test]
fn the_settings_of_a_user_change_nothing() {
    let repository = Folder::repository();
    repository.write("sub/a.py", "1").write("b.py", "1").commit();
    repository.git(&["config", "diff.relative", "true"]).git(&["config", "diff.external", "false"]);
    let registry = Registry::missing(&[]);
    let mut command = repository.t4(&registry.url, &[]);
    let ended = Ended::from(command.current_dir(repository.path().join("sub")).output().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(registry.files(), ["b.py", "sub/a.py"]);
}

#[test]
fn nothing_changed_is_fine_and_said_without_asking() {
    let repository = Folder::repository();
    let registry = Registry::missing(&[]);
    let ended = repository.run(&registry, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("No changed files"));
    let ended = repository.run(&registry, &["--json"]);
    assert_eq!(
        serde_json::from_str::<Value>(&ended.out).unwrap(),
        json!({"ok": true, "files": [], "missing": [], "reserved": []})
    );
    assert!(registry.asked().is_empty());
}

#[test]
fn named_files_are_taken_from_the_root() {
    let repository = Folder::repository();
    repository.write("sub/a.py", "1");
    let registry = Registry::missing(&[]);
    let absolute = repository.path().join("x/../abs.py");
    let files = ["a.py", "./a.py", "../b.py", absolute.to_str().unwrap(), "not there.py"];
    let mut command = repository.t4(&registry.url, &files);
    let ended = Ended::from(command.current_dir(repository.path().join("sub")).output().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(registry.files(), ["sub/a.py", "b.py", "abs.py", "sub/not there.py"]);
}

#[test]
fn outside_of_a_repository_files_are_taken_as_given() {
    let folder = Folder::plain();
    let registry = Registry::missing(&[]);
    assert_eq!(folder.run(&registry, &["src/../a.py"]).code, Some(0));
    assert_eq!(registry.files(), ["src/../a.py"]);
    let ended = folder.run(&registry, &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("FILES"));
}

#[test]
fn wrong_usage_is_two_and_asks_nothing() {
    let repository = Folder::repository();
    repository.write("sub/a.py", "1").commit();
    let registry = Registry::missing(&[]);
    for (arguments, word) in [
        (&["--since", "nowhere"][..], "nowhere"),
        (&["--since=--output=x"], "--output=x"),
        (&["--since", "main", "a.py"], "cannot be used"),
        (&["--codes", "F821,"], "--codes"),
        (&["--api", "ftp://h", "a.py"], "URL"),
        (&["../a.py"], "outside"),
        (&["sub"], "directory"),
        (&[""], "value is required"),
        (&["--colour"], "--colour"),
    ] {
        let ended = repository.run(&registry, arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?} {ended:?}");
        assert!(ended.err.contains(word) && ended.out.is_empty(), "{arguments:?} {ended:?}");
    }
    repository.git(&["branch", "-m", "main", "trunk"]);
    let ended = repository.run(&registry, &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("--since"));
    assert!(registry.asked().is_empty());
}

#[test]
fn what_can_not_be_decided_is_three_and_never_a_pass() {
    let folder = Folder::plain();
    for (status, code, word) in [
        (401, "revoked_key", "ask an admin for a new key"),
        (403, "missing_scope", "scope"),
        (403, "unknown_to_this_client", "T4_API_KEY"),
        (422, "invalid_field", "req-7"),
        (500, "internal", "report the request id"),
    ] {
        let ended = folder.run(&Registry::refusing(status, code), &["a.py", "--json"]);
        assert_eq!(ended.code, Some(3), "{code} {ended:?}");
        assert!(ended.err.contains(word) && ended.out.is_empty(), "{code} {ended:?}");
    }
    let ended = folder.run(&Registry::serve(|_| (200, json!("not a result"))), &["a.py"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
}

#[test]
fn no_server_and_no_key_are_three_and_say_what_to_do() {
    let folder = Folder::plain();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = Ended::from(folder.t4(&format!("http://{closed}"), &["a.py"]).output().unwrap());
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.err.contains("T4_INTENT_API"));
    let mut command = folder.t4("http://127.0.0.1:9", &["a.py"]);
    let ended = Ended::from(command.env_remove("T4_API_KEY").output().unwrap());
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.err.contains("T4_API_KEY"));
}

#[test]
fn without_git_named_files_are_checked_and_changed_ones_are_undecided() {
    let repository = Folder::repository();
    let registry = Registry::missing(&[]);
    let run = |arguments: &[&str]| {
        Ended::from(repository.t4(&registry.url, arguments).env("PATH", "/nonexistent").output().unwrap())
    };
    assert_eq!(run(&["a.py"]).code, Some(0));
    let ended = run(&[]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.err.contains("git"));
}

#[test]
fn the_api_flag_wins_over_the_environment() {
    let folder = Folder::plain();
    let registry = Registry::missing(&[]);
    let mut command = folder.t4("http://127.0.0.1:9", &["--api", &registry.url, "a.py"]);
    assert_eq!(Ended::from(command.output().unwrap()).code, Some(0));
}

#[test]
fn a_dot_env_of_the_repository_does_not_choose_the_server() {
    let folder = Folder::plain();
    let (ours, theirs) = (Registry::missing(&[]), Registry::missing(&[]));
    folder.write(".env", &format!("T4_INTENT_API={}\n", theirs.url));
    assert_eq!(folder.run(&ours, &["a.py"]).code, Some(0));
    assert_eq!((ours.asked().len(), theirs.asked().len()), (1, 0));
}

#[test]
fn odd_names_reach_the_registry_and_leave_the_terminal_whole() {
    let repository = Folder::repository();
    let long = format!("{}/{}.py", "ordner".repeat(12), "datei".repeat(20));
    let names = ["a b.py", "käse/漢字漢字.py", "-rf.py", "\u{202e}yp.exe", &long];
    for name in names {
        repository.write(name, "1");
    }
    repository.write("line\nbreak\u{1b}[2J.py", "1").commit();
    let registry = Registry::missing(&["a b.py"]);
    let ended = repository.run(&registry, &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let mut sent = registry.files();
    let mut expected = names.map(str::to_owned).to_vec();
    sent.sort();
    expected.sort();
    assert_eq!(sent, expected, "the registry can't hold a name with a line break");
    for line in ended.out.lines() {
        assert!(columns(line) <= 80, "{} {line}", columns(line));
    }
    assert!(!ended.out.contains('\u{1b}') && !ended.out.contains('\u{202e}'));
    assert!(ended.out.contains("line\\nbreak\\u{1b}[2J.py"), "{}", ended.out);
    assert!(ended.out.contains("2 of 6 files") && ended.out.contains("Rename"), "{}", ended.out);

    let ended = repository.run(&registry, &["--json"]);
    let printed: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(printed["missing"], json!(["a b.py", "line\nbreak\u{1b}[2J.py"]));
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_utf8_is_missing_and_no_crash() {
    use std::os::unix::ffi::OsStrExt;
    let repository = Folder::repository();
    repository.write(std::ffi::OsStr::from_bytes(b"a\xff.py"), "1").commit();
    let registry = Registry::missing(&[]);
    let ended = repository.run(&registry, &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(registry.asked().is_empty());
}

#[test]
fn a_reader_that_goes_early_does_no_harm() {
    let folder = Folder::plain();
    let registry = Registry::missing(&["f7.py"]);
    let names: Vec<_> = (0..3000).map(|n| format!("f{n}.py")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let mut child =
        folder.t4(&registry.url, &names).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdout.take().unwrap().read_exact(&mut [0; 10]).unwrap();
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.err, "");
}

#[test]
fn the_help_fits_and_says_which_changes_count() {
    let folder = Folder::plain();
    let ended = Ended::from(folder.t4("http://127.0.0.1:9", &["--help"]).output().unwrap());
    assert_eq!(ended.code, Some(0));
    for word in ["merge base", "Untracked", "deleted", "T4_INTENT_API"] {
        assert!(ended.out.contains(word), "{word}: {}", ended.out);
    }
}
