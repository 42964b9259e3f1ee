//! A key that is taken back, by whatever way, is refused at most one second later.

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use t4_tests::process::{ADMIN, Server, binary, eventually, run};

use crate::support::{SayOver, number, sqlite3};

/// CONTRACT: one second.
const BOUND: Duration = Duration::from_secs(1);

struct World {
    server: Server,
    key: String,
    key_id: String,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path());
        let (key, key_id) = server.key("agent");
        Self { server, key, key_id, _folder: folder }
    }
}

/// Takes the key back in the middle of a stream of requests. Gives how long after `revoke` had returned the last
/// request was sent that was still accepted; `None` when there was none.
fn last_accepted_after(world: &World, revoke: impl FnOnce(&World)) -> Option<Duration> {
    // When the latest accepted, and the latest refused request were sent.
    let (accepted, refused) = (Mutex::new(None::<Instant>), Mutex::new(None::<Instant>));
    let over = AtomicBool::new(false);
    let headers = [("x-t4-api-key", world.key.as_str())];
    std::thread::scope(|scope| {
        let _over = SayOver(&over);
        scope.spawn(|| {
            let mut connection = world.server.connect();
            while !over.load(Ordering::Relaxed) {
                let sent = Instant::now();
                let answer = connection.call("GET", "/intents?limit=1", &headers, "").expect("an answer");
                match answer.status {
                    200 => *accepted.lock().unwrap() = Some(sent),
                    // Too many refusals of this address end in a 429.
                    401 | 429 => *refused.lock().unwrap() = Some(sent),
                    _ => panic!("{} {}", answer.status, answer.body),
                }
            }
        });
        let latest = |which: &Mutex<Option<Instant>>| *which.lock().unwrap();
        eventually("the key is accepted", Duration::from_secs(10), || latest(&accepted));
        revoke(world);
        let returned = Instant::now();
        // Watched for as long again as the bound, so that a late acceptance would be seen.
        eventually("requests are sent after the bound", BOUND * 10, || {
            latest(&refused).max(latest(&accepted)).filter(|sent| *sent > returned + BOUND * 2)
        });
        over.store(true, Ordering::Relaxed);
        assert!(latest(&refused) > latest(&accepted), "the key is still accepted");
        latest(&accepted).and_then(|sent| sent.checked_duration_since(returned))
    })
}

fn obeyed_within_one_second(world: &World, revoke: impl FnOnce(&World)) {
    let late = last_accepted_after(world, revoke);
    assert!(late.is_none_or(|late| late <= BOUND), "accepted {late:?} after the key was taken back");
}

fn audit_rows(world: &World, condition: &str) -> i64 {
    number(&world.server.db(), &format!("SELECT COUNT(*) FROM audit_log WHERE {condition}"))
}

#[test]
fn a_key_revoked_over_the_api_is_refused_at_once() {
    let world = World::new();
    let late = last_accepted_after(&world, |world| {
        let answer = world.server.admin("DELETE", &format!("/admin/api_keys/{}", world.key_id), "");
        assert_eq!(answer.json()["revoked"], true, "{}", answer.body);
    });
    assert_eq!(late, None, "this server knows of its own change");
    assert_eq!(world.server.agent(&world.key, "GET", "/intents", "").status / 100, 4);
    let path =
        format!("path = '/admin/api_keys/{}' AND method = 'DELETE' AND status_code = 200", world.key_id);
    assert_eq!(audit_rows(&world, &path), 1);
}

#[test]
fn a_key_revoked_by_admin_keys_on_the_file_is_refused_within_one_second() {
    let world = World::new();
    obeyed_within_one_second(&world, |world| {
        let mut command = Command::new(binary("admin-keys"));
        let ended = run(command.args(["revoke", &world.key_id, "--db"]).arg(world.server.db()));
        assert!(ended.status.success(), "{ended:?}");
    });
    let row = format!("event = 'tool' AND route LIKE '%revoke {}%'", world.key_id);
    assert_eq!(audit_rows(&world, &row), 1);
    world.server.assert_log_verifies();
}

#[test]
fn a_key_revoked_by_the_runbooks_sql_is_refused_within_one_second_and_the_change_is_recorded() {
    let world = World::new();
    obeyed_within_one_second(&world, |world| {
        sqlite3(&world.server.db(), "UPDATE api_keys SET revoked=1");
    });
    eventually("the change gets its row", Duration::from_secs(5), || {
        let row = format!("event = 'outside_change' AND detail LIKE '%{}%'", world.key_id);
        (audit_rows(&world, &row) == 1).then_some(())
    });
    world.server.assert_log_verifies();
}

#[test]
fn a_key_revoked_by_a_second_server_on_the_file_is_refused_within_one_second() {
    let world = World::new();
    let second = Server::start(&world.server.folder);
    obeyed_within_one_second(&world, |world| {
        let path = format!("/admin/api_keys/{}", world.key_id);
        let answer = second.call("DELETE", &path, &[("x-t4-admin-token", ADMIN)], "");
        assert_eq!(answer.json()["revoked"], true, "{}", answer.body);
    });
    world.server.assert_log_verifies();
}

#[test]
fn a_key_given_back_by_sql_works_again_within_one_second() {
    let world = World::new();
    let status = || world.server.agent(&world.key, "GET", "/intents", "").status;
    sqlite3(&world.server.db(), "UPDATE api_keys SET revoked=1");
    eventually("the key is refused", BOUND, || (status() == 401).then_some(()));
    sqlite3(&world.server.db(), "UPDATE api_keys SET revoked=0");
    eventually("the key is accepted", BOUND, || (status() == 200).then_some(()));
}
