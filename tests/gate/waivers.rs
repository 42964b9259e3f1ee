//! `t4 waivers`.

use crate::support::{Repo, Run};

const FOREVER: &str = "waivers:\n- {file: src/a.py, line: 1, codes: [F401], reason: plugin, owner: core}\n";

fn waivers(repo: &Repo, arguments: &[&str]) -> Run {
    repo.t4(&[&["waivers"], arguments].concat())
}

fn with(text: &str) -> Repo {
    let repo = Repo::new();
    repo.write("audit/waivers/a.yaml", text);
    repo
}

#[test]
fn without_waivers_all_is_fine() {
    let repo = Repo::without_git();
    assert_eq!(waivers(&repo, &["list"]).ends(0).stdout, "no waivers\n");
    assert_eq!(waivers(&repo, &["list", "--json"]).ends(0).stdout, "{\"waivers\":[]}\n");
    assert_eq!(waivers(&repo, &["check"]).ends(0).stdout, "ok: 0 waivers\n");
}

#[test]
fn the_list_tells_what_passes_until_when_and_why() {
    let repo = with(
        "waivers:\n- {file: src/a.py, line: 7, codes: [F401], reason: \"plug\\e[2Jin\", owner: core}\n\
         - {file: b.py, reason: old, owner: \"@org/x\", expires: 2020-02-01}\n",
    );
    let table = waivers(&repo, &["list"]).ends(0).stdout;
    for word in ["src/a.py", "7", "F401", "never", "days ago", "@org/x", "\\u{1b}[2Jin", "all"] {
        assert!(table.contains(word), "{word}: {table}");
    }
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let json = waivers(&repo, &["list", "--json"]).ends(0).json();
    assert_eq!(json["waivers"][0]["codes"][0], "F401");
    assert_eq!(json["waivers"][0]["days_left"], serde_json::Value::Null);
    assert_eq!(json["waivers"][1]["expired"], true);
    assert!(json["waivers"][1]["days_left"].as_i64().is_some_and(|left| left < -2000));
    assert_eq!(json["waivers"][1]["at"]["row"], 3);
}

#[test]
fn what_has_expired_or_lacks_something_ends_with_1() {
    waivers(&with(FOREVER), &["check"]).ends(0);
    for (entry, word) in [
        ("{file: b.py, reason: r, owner: o, expires: 2020-02-01}", "expired"),
        ("{file: b.py, reason: r, owner: o, expires: soon}", "`soon` is no date"),
        ("{file: b.py, reason: r, owner: o}", "lacks `expires`"),
        ("{file: b.py, line: 3, reason: r}", "lacks `owner`"),
    ] {
        let repo = with(&format!("{FOREVER}- {entry}\n"));
        let told = waivers(&repo, &["check"]).ends(1).stdout;
        assert!(told.contains(word) && told.contains("audit/waivers/a.yaml:3"), "{told}");
        let json = waivers(&repo, &["check", "--json"]).ends(1).json();
        assert_eq!((&json["ok"], &json["waivers"]), (&false.into(), &2.into()), "{json}");
    }
}

#[test]
fn what_is_no_list_of_waivers_ends_with_3() {
    for text in ["waivers: 1\n", "- a\n", "waivers:\n- {file: a.py, owners: x}\n", "waivers: [\n"] {
        let repo = with(text);
        for command in [&["check"][..], &["list"], &["check", "--json"]] {
            let run = waivers(&repo, command).ends(3);
            assert!(run.stdout.is_empty() && run.stderr.contains("audit/waivers/a.yaml"), "{run:?}");
        }
    }
    let repo = Repo::new();
    repo.write("secret.yaml", FOREVER);
    repo.write("audit/waivers/b.txt", "");
    std::os::unix::fs::symlink("../../secret.yaml", repo.path("audit/waivers/a.yaml")).expect("a link");
    assert!(waivers(&repo, &["check"]).ends(3).stderr.contains("link"));
}

#[test]
fn a_change_may_not_add_a_waiver() {
    let repo = with(FOREVER);
    repo.commit("base");
    repo.git(&["checkout", "-q", "-b", "change"]);
    waivers(&repo, &["ratchet", "--base", "main"]).ends(0);

    repo.write("audit/waivers/a.yaml", FOREVER.replace("line: 1", "line: 9"));
    waivers(&repo, &["ratchet", "--base", "main"]).ends(0);

    repo.write("audit/waivers/b.yml", FOREVER.replace("src/a.py", "src/new.py"));
    repo.commit("more");
    let told = waivers(&repo, &["ratchet", "--base", "main"]).ends(1).stdout;
    assert!(told.contains("new: audit/waivers/b.yml:2: src/new.py:1 (F401)"), "{told}");
    let json = waivers(&repo, &["ratchet", "--base", "main", "--json"]).ends(1).json();
    assert_eq!((&json["before"], &json["now"], &json["ok"]), (&1.into(), &2.into(), &false.into()));

    // What the base got meanwhile is not the change's: the merge base counts.
    repo.git(&["checkout", "-q", "main"]);
    repo.write("audit/waivers/c.yml", FOREVER);
    repo.write("audit/waivers/d.yml", FOREVER);
    repo.commit("meanwhile");
    repo.git(&["checkout", "-q", "change"]);
    waivers(&repo, &["ratchet", "--base", "main"]).ends(1);
}

#[test]
fn a_waiver_that_holds_longer_is_told() {
    let whole = |day: &str| format!("waivers:\n- {{file: a.py, reason: r, owner: o, expires: {day}}}\n");
    let repo = with(&whole("2027-01-31"));
    repo.commit("base");
    repo.write("audit/waivers/a.yaml", whole("2028-01-31"));
    let told = waivers(&repo, &["ratchet", "--base", "HEAD"]).ends(0).stdout;
    assert!(told.contains("a.py (every code) holds longer: 2027-01-31 -> 2028-01-31"), "{told}");
    let json = waivers(&repo, &["ratchet", "--base", "HEAD", "--json"]).ends(0).json();
    assert_eq!(json["extended"][0]["expired_before"], "2027-01-31");
}

#[test]
fn mending_waivers_of_the_original_is_no_growth() {
    let repo = with("waivers:\n- {file: a.py, line: 1, reason: r}\n");
    repo.commit("base");
    repo.write("audit/waivers/a.yaml", "waivers:\n- {file: a.py, line: 1, reason: r, owner: o}\n");
    waivers(&repo, &["ratchet", "--base", "HEAD"]).ends(0);

    repo.write("audit/waivers/a.yaml", "waivers: 1\n");
    repo.commit("broken");
    repo.write("audit/waivers/a.yaml", FOREVER);
    let run = waivers(&repo, &["ratchet", "--base", "HEAD"]).ends(1);
    assert!(run.stderr.contains("counts as empty"), "{run:?}");
}

#[test]
fn a_base_that_can_not_be_compared_with_is_wrong_usage() {
    let repo = with(FOREVER);
    repo.commit("base");
    for base in ["nowhere", "--upload-pack=x", "HEAD~7", ""] {
        waivers(&repo, &["ratchet", &format!("--base={base}")]).ends(2);
    }
    repo.git(&["checkout", "-q", "--orphan", "other"]);
    repo.commit("other");
    let told = waivers(&repo, &["ratchet", "--base", "main"]).ends(2).stderr;
    assert!(told.contains("no commit in common"), "{told}");
    waivers(&repo, &["ratchet"]).ends(2);
    waivers(&Repo::without_git(), &["ratchet", "--base", "main"]).ends(2);
}
