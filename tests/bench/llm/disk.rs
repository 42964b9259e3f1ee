//! What one durable commit costs on this disk, without anything around it.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// What the commit of one hold adds to the write-ahead log: two pages.
const BYTES: usize = 8192;

/// Times of writes that are made durable, in microseconds.
pub fn commits(dir: &Path, time: Duration) -> Vec<u32> {
    let file = dir.join("fsync.probe");
    let mut file = OpenOptions::new().create(true).append(true).open(file).expect("a file");
    let block = vec![0x5a; BYTES];
    let started = Instant::now();
    let mut times = Vec::new();
    while started.elapsed() < time {
        let at = Instant::now();
        file.write_all(&block).expect("write");
        file.sync_data().expect("fdatasync");
        times.push(u32::try_from(at.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    times
}
