//! `t4 dashboard`: the page in a real browser, the history, and the server.
//!
//! The tests that start a browser have names that begin with `chromium_`: they run one at a time.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use t4_tests::http::{Answer, Connection};
use t4_tests::process;
use tempfile::TempDir;

use crate::support::Repo;

const PAGE: &str = "reports/t4_dashboard.html";
const HISTORY: &str = "reports/t4_metrics_history.json";

/// A tree with three findings: an annotated one, and two that nothing answers for.
fn tree() -> Repo {
    let repo = Repo::new();
    let annotation = json!({"id": "t4-00000001", "code": "F401", "status": "documented", "owner": "@ada",
        "reason": "the adapters import it from here"});
    let source =
        format!("import os\nimport sys  # TODO[T4-ISSUE]: {annotation}\n\n\ndef f():\n    return missing\n");
    repo.write("src/a.py", source);
    repo.commit("A tree with findings");
    repo
}

/// Chromium, without a profile of anybody's.
fn chromium(folder: &Path, arguments: &[&str]) -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path);
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let program =
        folders.find_map(|folder| names.iter().map(|name| folder.join(name)).find(|path| path.is_file()));
    let program = program.expect("Chromium is missing: run scripts/setup.sh (the package is `chromium`)");
    let mut command = Command::new(program);
    command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]);
    // Pages of files may look into each other: the test's own page measures the dashboard inside a frame.
    command.arg("--allow-file-access-from-files");
    command.arg(format!("--user-data-dir={}", folder.join("profile").display()));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    let output = command.output().expect("Chromium starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a script says about the page of a file, seen in a frame of this width. It is told by `say(value)` and has the
/// frame's document as `page`.
fn ask(file: &Path, fragment: &str, width: u32, flags: &[&str], script: &str) -> Value {
    let folder = TempDir::new().expect("a folder");
    let asks = format!(
        "<!doctype html><meta charset=utf-8><iframe id=f width={width} height=900 style='border:0' \
         src='file://{}{fragment}'></iframe><pre id=said></pre><script>onload = () => {{ \
         const page = document.getElementById('f').contentDocument; const view = document.getElementById('f').contentWindow; \
         const say = (value) => {{ document.getElementById('said').textContent = 'SAID' + \
         btoa(unescape(encodeURIComponent(JSON.stringify(value)))) + 'END'; }}; {script} }}</script>",
        file.display()
    );
    let asking = folder.path().join("ask.html");
    std::fs::write(&asking, asks).expect("a page");
    let address = format!("file://{}", asking.display());
    let mut arguments = flags.to_vec();
    arguments.extend(["--dump-dom", &address]);
    let dom = chromium(folder.path(), &arguments);
    let said = dom.split("SAID").skip(1).find_map(|part| part.split_once("END")).map(|(said, _)| said);
    let said = said.filter(|said| !said.contains('\'')).unwrap_or_else(|| panic!("nothing said: {dom}"));
    serde_json::from_slice(&decode(said)).expect("JSON")
}

/// Base64, as the page's `btoa` writes it.
fn decode(text: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for letter in text.trim_end_matches('=').chars() {
        bits = bits << 6 | u32::try_from(ALPHABET.find(letter).expect("base64")).expect("six bits");
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 255).expect("a byte"));
        }
    }
    bytes
}

/// The numbers of the page, by their names.
const NUMBERS: &str = "const all = {}; \
    for (const e of page.querySelectorAll('[data-metric]')) all[e.dataset.metric] = parseFloat(e.textContent.replaceAll(',', '')); \
    for (const e of page.querySelectorAll('[data-state]:not(tr)')) all['state:' + e.dataset.state] = Number(e.textContent.replaceAll(',', '')); \
    for (const r of page.querySelectorAll('[data-table=by-code] tbody tr')) all['code:' + r.cells[0].textContent] = Number(r.cells[1].textContent); \
    for (const r of page.querySelectorAll('[data-table=by-status] tbody tr')) all['status:' + r.cells[0].textContent] = Number(r.cells[1].textContent); \
    all.rows = page.querySelectorAll('#findings-table tbody tr').length; \
    all.verdict = page.querySelector('[data-verdict]').dataset.verdict; \
    all.width = page.documentElement.scrollWidth; say(all);";

#[test]
fn chromium_the_page_shows_the_numbers_of_the_check_at_two_widths() {
    let repo = tree();
    repo.t4(&["dashboard"]).ends(0);
    let report = repo.t4(&["check", "--json"]).ends(1).json();
    let summary = &report["summary"];
    assert_eq!(summary["total_findings"], 3, "{report}");
    for width in [1280, 360] {
        let shown = ask(&repo.path(PAGE), "", width, &[], NUMBERS);
        for count in ["total_findings", "unannotated", "stale", "expired"] {
            assert_eq!(shown[count].as_u64(), summary[count].as_u64(), "{count} at {width}: {shown}");
        }
        for share in ["coverage_percent", "annotation_quality_score"] {
            let (page, json) = (shown[share].as_f64(), report["metrics"][share].as_f64());
            assert!(
                (page.expect("shown") - json.expect("there")).abs() <= 0.05,
                "{share} at {width}: {shown}"
            );
        }
        assert_eq!((shown["code:F401"].as_u64(), shown["code:F821"].as_u64()), (Some(2), Some(1)), "{shown}");
        assert_eq!(shown["status:documented"], 1, "{shown}");
        assert_eq!((&shown["state:annotated"], &shown["state:unannotated"]), (&json!(1), &json!(2)));
        assert_eq!((&shown["rows"], &shown["verdict"]), (&json!(3), &report["status"]));
        assert_eq!(shown["width"], width, "the page scrolls sideways");
    }
    // What people see: an image of each width.
    let folder = TempDir::new().expect("a folder");
    let address = format!("file://{}", repo.path(PAGE).display());
    for width in [1280_u32, 500] {
        let image = folder.path().join(format!("{width}.png"));
        let shot = format!("--screenshot={}", image.display());
        chromium(folder.path(), &[&shot, &format!("--window-size={width},2000"), &address]);
        let bytes = std::fs::read(&image).expect("an image");
        assert_eq!(bytes.get(16..20), Some(&width.to_be_bytes()[..]), "the width of the PNG");
        assert!(bytes.len() > 30_000, "an image of nothing: {} bytes", bytes.len());
    }
}

#[test]
fn chromium_the_page_follows_the_readers_light_and_dark() {
    let repo = tree();
    repo.t4(&["dashboard"]).ends(0);
    let ground = "say(view.getComputedStyle(page.body).backgroundColor)";
    let ask = |scheme: &str| ask(&repo.path(PAGE), "", 800, &[scheme], ground);
    assert_eq!(ask("--blink-settings=preferredColorScheme=1"), "rgb(244, 246, 248)");
    assert_eq!(ask("--blink-settings=preferredColorScheme=0"), "rgb(14, 18, 23)");
}

#[test]
fn chromium_text_of_sources_is_text() {
    let repo = Repo::new();
    let evil = "</script><img id=evil src=x onerror=\"document.title='owned'\"><!--";
    let annotation =
        json!({"id": evil, "code": "F401", "status": evil, "owner": evil, "ticket": evil, "reason": evil});
    let name = "src/<img id=evil onerror=alert(1) src=x>.py";
    repo.write(name, format!("import os  # TODO[T4-ISSUE]: {annotation}\n"));
    let at = |column: u32| json!({"row": 1, "column": column});
    let findings = json!([{"code": "F401", "filename": repo.path(name), "message": evil, "location": at(8),
        "end_location": at(10), "url": "javascript:document.title='owned'", "fix": null, "noqa_row": 1}]);
    repo.write("found.json", findings.to_string());
    repo.commit("A tree of somebody who means no good");
    repo.t4(&["dashboard", "--from", "found.json"]).ends(0);
    let said = ask(
        &repo.path(PAGE),
        "",
        800,
        &[],
        "const row = page.querySelector('#findings-table tbody tr'); \
         say({evil: page.querySelectorAll('#evil, img').length, title: page.title, scripts: page.scripts.length, \
         links: Array.from(page.links).filter((a) => a.protocol === 'javascript:').length, \
         message: row.cells[3].textContent, owner: row.cells[5].textContent, \
         same: JSON.parse(page.getElementById('data').textContent).report.findings[0].message})",
    );
    assert_eq!(
        (&said["evil"], &said["scripts"], &said["links"]),
        (&json!(0), &json!(2), &json!(0)),
        "{said}"
    );
    assert!(said["title"].as_str().expect("a title").starts_with("T4 dashboard: "), "{said}");
    for place in ["message", "owner", "same"] {
        assert_eq!(said[place], evil, "{place}");
    }
}

#[test]
fn chromium_the_filter_of_the_address_shows_the_rows_that_fit_and_sorts_on_a_click() {
    let repo = tree();
    repo.t4(&["dashboard"]).ends(0);
    let said = ask(
        &repo.path(PAGE),
        "#filter=f401%20@ada",
        800,
        &[],
        "const visible = () => Array.from(page.querySelectorAll('#findings-table tbody tr')).filter((r) => !r.hidden); \
         const one = visible().map((r) => r.cells[2].textContent); \
         const box = page.getElementById('filter'); box.value = ''; box.dispatchEvent(new Event('input')); \
         const button = page.querySelectorAll('#findings-table th button')[2]; button.click(); button.click(); \
         say({one, all: visible().map((r) => r.cells[2].textContent), shown: page.getElementById('shown').textContent, \
         sort: page.querySelectorAll('#findings-table th')[2].getAttribute('aria-sort')})",
    );
    assert_eq!(said["one"], json!(["F401"]), "{said}");
    assert_eq!(said["all"], json!(["F821", "F401", "F401"]), "{said}");
    assert_eq!((&said["shown"], &said["sort"]), (&json!("3 of 3 shown"), &json!("descending")));
}

#[test]
fn chromium_two_thousand_findings_are_paged_and_downloaded_whole() {
    let repo = Repo::new();
    let source: String = (0..2000).map(|number| format!("import module_{number}\n")).collect();
    repo.write("many.py", source);
    repo.commit("Many");
    repo.t4(&["dashboard", "--codes", "F401"]).ends(0);
    let said = ask(
        &repo.path(PAGE),
        "",
        1000,
        &[],
        "const visible = () => Array.from(page.querySelectorAll('#findings-table tbody tr')).filter((r) => !r.hidden).length; \
         const first = visible(); page.getElementById('more').click(); const all = visible(); \
         let text = ''; view.Blob = function (parts) { text = parts.join(''); }; \
         view.URL.createObjectURL = () => 'about:blank'; view.HTMLAnchorElement.prototype.click = () => {}; \
         page.querySelector('[data-download=csv]').click(); say({first, all, text})",
    );
    assert_eq!((&said["first"], &said["all"]), (&json!(100), &json!(2000)));
    let csv = said["text"].as_str().expect("CSV");
    assert_eq!(csv.lines().count(), 2001);
    assert!(csv.lines().nth(1).expect("a row").starts_with("unannotated,many.py,1,F401,"), "{csv:.200}");
}

#[test]
fn each_run_adds_to_the_history_and_the_page_says_what_the_original_said() {
    let repo = tree();
    let day = |day: u32, count: u32| {
        json!({"timestamp": format!("2025-01-{day:02}T00:00:00+00:00"), "total_findings": count, "quality_score": 100.0,
            "counts_by_code": {}, "counts_by_status": {}})
    };
    repo.write(HISTORY, json!([day(1, 9), day(2, 8)]).to_string());
    repo.t4(&["dashboard", "--no-history"]).ends(0);
    assert_eq!(repo.read(HISTORY), json!([day(1, 9), day(2, 8)]).to_string(), "--no-history only looks");
    repo.t4(&["dashboard"]).ends(0);
    repo.t4(&["dashboard"]).ends(0);
    let history: Value = serde_json::from_slice(&repo.bytes(HISTORY)).expect("JSON");
    let counts: Vec<_> =
        history.as_array().expect("a list").iter().map(|entry| &entry["total_findings"]).collect();
    assert_eq!(counts, [3, 3], "what is older than 90 days goes");
    assert!(repo.read(PAGE).contains("data-eta=\"not_decreasing\""));
}

#[test]
fn a_history_that_is_none_is_named_and_nothing_is_written() {
    let repo = tree();
    repo.write(HISTORY, "<<<<<<< HEAD");
    let run = repo.t4(&["dashboard"]).ends(3);
    assert!(run.stderr.contains("t4_metrics_history.json"), "{}", run.stderr);
    assert_eq!(repo.read(HISTORY), "<<<<<<< HEAD");
    assert!(!repo.path(PAGE).exists());
}

#[test]
fn the_tree_chooses_no_place_outside_of_it() {
    let repo = tree();
    let elsewhere = TempDir::new().expect("a folder");
    let name = elsewhere.path().join("page.html");
    repo.write("t4.toml", format!("[dashboard]\noutput = {:?}\n", name.display().to_string()));
    repo.t4(&["dashboard"]).ends(3);
    std::fs::remove_file(repo.path("t4.toml")).expect("gone");
    std::os::unix::fs::symlink(elsewhere.path(), repo.path("reports")).expect("a link");
    repo.t4(&["dashboard"]).ends(3);
    assert_eq!(std::fs::read_dir(elsewhere.path()).expect("a folder").count(), 0);
    // Whoever types the command may.
    let history = elsewhere.path().join("history.json");
    let [page, history] = [&name, &history].map(|path| path.display().to_string());
    let run = repo.t4(&["dashboard", "--output", &page, "--history", &history]).ends(0);
    assert_eq!(run.stdout.trim(), page);
    assert!(name.exists());
}

#[test]
fn the_page_goes_to_stdout_when_asked() {
    let repo = tree();
    let run = repo.t4(&["dashboard", "--output", "-", "--no-history"]).ends(0);
    assert!(run.stdout.starts_with("<!doctype html>") && run.stdout.ends_with("</html>\n"));
    assert!(!repo.path("reports").exists());
}

/// A served dashboard; killed by its pid when dropped.
struct Served {
    child: Child,
    address: SocketAddr,
}

impl Served {
    fn start(repo: &Repo) -> Self {
        let mut command = repo.command(&["dashboard", "--serve", "127.0.0.1:0", "--refresh", "1"]);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("t4 starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout");
        let mut served = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let first: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        served.address = first["listening"].as_str().expect("an address").parse().expect("an address");
        served
    }

    fn get(&self, target: &str) -> Answer {
        self.call("GET", target, "localhost")
    }

    fn call(&self, method: &str, target: &str, host: &str) -> Answer {
        let mut connection = Connection::open(self.address).expect("it listens");
        let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n");
        connection.send(head.as_bytes()).expect("sent");
        connection.receive().expect("an answer")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Already gone after a stop.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_served_report_is_inert_and_means_what_it_did() {
    let repo = tree();
    let name = "src/##vso[x] \u{9b}2J\u{202e}.py";
    repo.write(name, "import json\n");
    let served = Served::start(&repo);
    let report = served.get("/report.json");
    assert!(!report.body.contains("##") && !report.body.contains(['\u{9b}', '\u{202e}']), "{}", report.body);
    let report = report.json();
    let mut findings = report["findings"].as_array().expect("a list").iter();
    assert!(findings.any(|one| one["file"] == name), "{report}");
}

#[test]
fn the_served_page_follows_the_tree_and_outlives_a_check_that_fails() {
    let repo = tree();
    let mut served = Served::start(&repo);
    let within = Duration::from_secs(60);
    let page = served.get("/");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.body.contains("data-metric=\"total_findings\">3<"), "{}", page.body);
    let report = served.get("/report.json").json();
    assert_eq!((&report["format"], &report["summary"]["total_findings"]), (&"t4.check/1".into(), &3.into()));

    let mut events = TcpStream::connect(served.address).expect("it listens");
    write!(events, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    events.set_read_timeout(Some(within)).expect("a limit");
    repo.write("src/b.py", "import json\n");
    process::eventually("the report has the new finding", within, || {
        (served.get("/report.json").json()["summary"]["total_findings"] == 4).then_some(())
    });
    let mut heard = String::new();
    while heard.matches("event: page").count() < 2 {
        let mut some = [0; 512];
        let count = events.read(&mut some).expect("events");
        assert!(count > 0, "the stream ended: {heard}");
        heard.push_str(&String::from_utf8_lossy(&some[..count]));
    }

    repo.write("t4.toml", "[chek]\n");
    process::eventually("the page says that the check failed", within, || {
        let page = served.get("/").body;
        (page.contains("The newest check failed") && page.contains("total_findings\">4<")).then_some(())
    });
    std::fs::remove_file(repo.path("t4.toml")).expect("gone");
    process::eventually("the page is well again", within, || {
        (!served.get("/").body.contains("The newest check failed")).then_some(())
    });
    let history: Value = serde_json::from_slice(&repo.bytes(HISTORY)).expect("JSON");
    assert_eq!(history.as_array().map(Vec::len), Some(1), "one entry an hour");
    assert!(!repo.path(PAGE).exists(), "a served page is no file unless --output says so");

    let status = Command::new("kill").arg("-TERM").arg(served.child.id().to_string()).status();
    assert!(status.expect("kill").success());
    let ended = process::eventually("it stops", within, || served.child.try_wait().expect("wait"));
    assert_eq!(ended.code(), Some(0));
}

#[test]
fn the_served_page_is_for_its_reader_alone() {
    let repo = tree();
    let served = Served::start(&repo);
    let rebound = served.call("GET", "/", "evil.example");
    assert_eq!(rebound.status, 403);
    assert!(!rebound.body.contains("src/"), "{}", rebound.body);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        assert_eq!(served.call(method, "/", "localhost").status, 405, "{method}");
    }
    let page = served.get("/");
    for (name, value) in
        [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("cache-control", "no-store")]
    {
        assert_eq!(page.header(name), Some(value));
    }
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("access-control-allow-origin"), None);
    assert_eq!(served.get("/../etc/passwd").status, 404);
    let run = repo.t4(&["dashboard", "--serve", "0.0.0.0:0"]).ends(2);
    assert!(run.stderr.contains("--allow-remote"), "{}", run.stderr);
}
