//! Streams: when the first byte comes, and what many at a time cost in memory.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use t4_bench::server::Server;

use crate::report::{Report, Spread};
use crate::{DIRECT, GATE, TURN, chat, disk, request};

/// How many streams run at a time.
const STREAMS: usize = 256;

/// One stream on an open connection: the time to the first frame, and the whole answer.
fn stream(connection: &mut TcpStream, bytes: &[u8]) -> (Duration, String) {
    let started = Instant::now();
    connection.write_all(bytes).expect("send");
    let (mut answer, mut buffer, mut first) = (Vec::new(), [0; 16 * 1024], None);
    while !answer.ends_with(b"0\r\n\r\n") {
        let count = connection.read(&mut buffer).expect("read");
        assert!(count > 0, "the stream ended: {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&buffer[..count]);
        if first.is_none() && answer.windows(6).any(|w| w == b"data: ") {
            first = Some(started.elapsed());
        }
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (first.unwrap_or_else(|| panic!("no frame came: {answer}")), answer)
}

fn connect(address: SocketAddr) -> TcpStream {
    let connection = TcpStream::connect(address).expect("connect");
    connection.set_nodelay(true).expect("nodelay");
    connection.set_read_timeout(Some(Duration::from_secs(30))).expect("timeout");
    connection
}

pub fn first_byte(
    report: &mut Report,
    dir: &Path,
    provider: &Server,
    server: &Server,
    key: &str,
    rounds: u64,
) {
    let body = chat("!mock tokens=64", true);
    let turn = |address: SocketAddr, target: &str| {
        let (mut connection, bytes) = (connect(address), request(target, key, &body));
        let (started, mut times) = (Instant::now(), Vec::new());
        while started.elapsed() < TURN {
            let (first, _) = stream(&mut connection, &bytes);
            times.push(u32::try_from(first.as_micros()).unwrap_or(u32::MAX));
        }
        times
    };
    turn(provider.address, DIRECT);
    turn(server.address, GATE);
    let (mut direct_all, mut gate_all, mut disk_all) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        direct_all.extend(turn(provider.address, DIRECT));
        gate_all.extend(turn(server.address, GATE));
        disk_all.extend(disk::commits(dir, TURN));
    }
    let (direct, gate) = (Spread::of(direct_all), Spread::of(gate_all));
    let disk = Spread::of(disk_all);
    report.spread("first streamed byte, direct", &direct);
    report.spread("first streamed byte, through the gate", &gate);
    report.added("first streamed byte later by, beyond one fsync, p50", &gate, &direct, &disk, 0.5);
    report.added("first streamed byte later by, beyond one fsync, p99", &gate, &direct, &disk, 0.99);
}

/// Streams of 64 frames in 20 ms steps, all at once, again and again; the memory while they run.
pub fn many(report: &mut Report, server: &Server, keys: &[String]) {
    let body = chat("!mock tokens=64 frame_ms=20", true);
    let start = Barrier::new(STREAMS + 1);
    let mut peak = 0_f64;
    std::thread::scope(|scope| {
        let streams: Vec<_> = (0..STREAMS)
            .map(|n| {
                let (body, start, key) = (&body, &start, &keys[n % keys.len()]);
                scope.spawn(move || {
                    let mut connection = connect(server.address);
                    let bytes = request(GATE, key, body);
                    start.wait();
                    for _ in 0..3 {
                        let (_, answer) = stream(&mut connection, &bytes);
                        assert!(answer.contains("[DONE]") && answer.contains("cost_usd"), "{answer}");
                    }
                })
            })
            .collect();
        start.wait();
        while streams.iter().any(|stream| !stream.is_finished()) {
            peak = peak.max(server.resident_mib());
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    report.memory("peak at 256 streams", peak);
}
