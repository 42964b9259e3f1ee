//! Heavy reads of one key, and what others get meanwhile: the threads that serve requests never wait for a reader.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use t4_tests::http::{Connection, request};
use t4_tests::process::Server;

/// Heavy reads that are sent at once.
const FLOOD: usize = 100;
/// A ceiling for what should take a moment: a server that is stuck takes longer, a slow machine does not.
const PATIENCE: Duration = Duration::from_secs(60);

struct World {
    server: Server,
    greedy: String,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path());
        let (greedy, _) = server.key("greedy");
        Self { server, greedy, _folder: folder }
    }

    /// Registers `batches` times `rows` intents with so many bytes of `raw`.
    fn fill(&self, batches: usize, rows: usize, file: &str, raw: usize) {
        let one = format!(r#"{{"code":"F821","file":"{file}","raw":{{"x":"{}"}}}}"#, "y".repeat(raw));
        // Small batches: on a loaded machine a large one may take longer than a request may.
        let part = if raw > 1000 { 10 } else { 100 };
        for part in vec![one; batches * rows].chunks(part) {
            let body = format!(r#"{{"intents":[{}]}}"#, part.join(","));
            let made = self.server.agent(&self.greedy, "POST", "/intents/batch", &body);
            assert_eq!(made.status, 201, "{}", made.body);
        }
    }
}

/// Whether nothing has come on a connection yet.
fn unanswered(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let silent = matches!(stream.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
    stream.set_nonblocking(false).unwrap();
    silent
}

/// Sends the heavy read a hundred times at once, and asks for other things while some of them are under way.
fn others_are_served_during(world: &World, heavy: &str) {
    let server = &world.server;
    let (other, _) = server.key("other");
    assert_eq!(server.register(&other, "known").status, 201);
    let (cold, _) = server.key("cold");
    let mut flood: Vec<Connection> = (0..FLOOD).map(|_| server.connect()).collect();
    let bytes = request("GET", heavy, &[("x-t4-api-key", &world.greedy)], "");
    for connection in &mut flood {
        connection.send(&bytes).unwrap();
    }
    // A refusal tells that the share of the key is used up: its reads are under way and more of them wait.
    let end = Instant::now() + PATIENCE;
    while flood.iter_mut().all(|connection| unanswered(connection.stream())) {
        assert!(Instant::now() < end, "no read beyond the share was refused");
        std::thread::sleep(Duration::from_millis(1));
    }
    // In this order: a key that nobody has used yet, a read, a list, a probe.
    let answers = [
        server.agent(&cold, "GET", "/intents/known", ""),
        server.agent(&other, "GET", "/intents/known", ""),
        server.agent(&other, "GET", "/intents/by_owner/team", ""),
        server.get("/health"),
        server.get("/readyz"),
    ];
    let open = flood.iter_mut().map(|connection| usize::from(unanswered(connection.stream()))).sum::<usize>();
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert!(open > 0, "the heavy reads had ended before the others were answered");
    let (mut served, mut refused) = (0, 0);
    for mut connection in flood {
        connection.stream().set_read_timeout(Some(PATIENCE)).unwrap();
        let answer = connection.receive().unwrap();
        match (answer.status, answer.code().as_str()) {
            (200, _) => served += 1,
            (503, "server_busy") => {
                assert!(answer.header("retry-after").is_some());
                refused += 1;
            }
            (status, _) => panic!("{status} {}", answer.body),
        }
    }
    // Two run at a time and sixteen wait, for ten seconds at the most; a slow machine serves fewer of them.
    assert!(served >= 2 && refused >= FLOOD / 4, "{served} served, {refused} refused");
}

#[test]
fn reads_of_large_lists_hold_up_nobody_else() {
    let world = World::new();
    world.fill(2, 100, "big.py", 60_000);
    others_are_served_during(&world, "/intents/by_file?file=big.py&limit=1000");
}

#[test]
fn scans_that_find_nothing_hold_up_nobody_else() {
    let world = World::new();
    world.fill(15, 1000, "some.py", 1);
    others_are_served_during(&world, "/intents?file=nowhere");
}

#[test]
fn figures_over_the_whole_registry_hold_up_nobody_else() {
    let world = World::new();
    world.fill(15, 1000, "some.py", 1);
    others_are_served_during(&world, "/metrics/summary");
}

#[test]
fn another_caller_s_scan_is_served_while_one_caller_s_scans_wait() {
    let world = World::new();
    world.fill(15, 1000, "some.py", 1);
    let (other, _) = world.server.key("other");
    let mut flood: Vec<Connection> = (0..FLOOD).map(|_| world.server.connect()).collect();
    let bytes = request("GET", "/intents?file=nowhere", &[("x-t4-api-key", &world.greedy)], "");
    for connection in &mut flood {
        connection.send(&bytes).unwrap();
    }
    let answer = world.server.agent(&other, "GET", "/intents?file=nowhere", "");
    let open = flood.iter_mut().map(|connection| usize::from(unanswered(connection.stream()))).sum::<usize>();
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(open > 0, "the other caller's scan came after all of them");
}
