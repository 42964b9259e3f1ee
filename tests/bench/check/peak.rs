//! The memory of a program, without that of the programs it runs.

use std::process::{Command, Stdio};
use std::time::Duration;

/// The most that was resident while it ran, in KiB: the system's own high-water mark, read every 200 µs until the
/// program ends. `None` where the system keeps none.
pub fn kib(mut command: Command) -> Option<u64> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
    let status = format!("/proc/{}/status", child.id());
    let mut most = None;
    while child.try_wait().ok()?.is_none() {
        if let Ok(text) = std::fs::read_to_string(&status) {
            let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let mark = mark.and_then(|mark| mark.trim().strip_suffix("kB")?.trim().parse().ok());
            most = most.max(mark);
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    most
}
