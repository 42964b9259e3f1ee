//! What the bench puts in, and the requests that it sends.

use t4_bench::server::Server;

/// Intents of one file.
pub const PER_FILE: usize = 20;

fn body_of(n: usize) -> String {
    format!(
        r#"{{"id":"T4-{n:08}","code":"F{:03}","file":"src/module_{}/file_{}.py","line":{},"reason":"the name is not defined in this scope","owner":"team-{}","ticket":"OPS-{n}","status":"planned"}}"#,
        n % 40,
        n / PER_FILE % 100,
        n / PER_FILE,
        n % PER_FILE + 1,
        n % 50,
    )
}

/// Registers `count` intents in batches.
pub fn intents(server: &Server, key: &str, count: usize) {
    let header = format!("x-t4-api-key: {key}\r\n");
    for start in (0..count).step_by(1000) {
        let rows: Vec<String> = (start..(start + 1000).min(count)).map(body_of).collect();
        server.call("POST", "/intents/batch", &header, &format!("{{\"intents\":[{}]}}", rows.join(",")));
    }
}

/// A cheap sequence that visits every row without order.
fn scatter(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn pick(state: &mut u64, count: usize) -> usize {
    usize::try_from(scatter(state)).unwrap_or(0) % count
}

fn get(out: &mut Vec<u8>, path: &str, key: &str) {
    out.extend_from_slice(
        format!("GET {path} HTTP/1.1\r\nhost: bench\r\nx-t4-api-key: {key}\r\n\r\n").as_bytes(),
    );
}

pub fn get_requests(keys: &[String], count: usize) -> impl FnMut(usize, &mut Vec<u8>) + '_ {
    let mut state = 1;
    move |n, out| get(out, &format!("/intents/T4-{:08}", pick(&mut state, count)), &keys[n])
}

pub fn by_file_requests(keys: &[String], count: usize) -> impl FnMut(usize, &mut Vec<u8>) + '_ {
    let mut state = 1;
    let files = count / PER_FILE;
    move |n, out| {
        let file = pick(&mut state, files);
        let path = format!("/intents/by_file?file=src/module_{}/file_{file}.py", file % 100);
        get(out, &path, &keys[n]);
    }
}

pub fn create_requests(keys: &[String]) -> impl FnMut(usize, &mut Vec<u8>) + '_ {
    let mut created = 0_u64;
    move |n, out| {
        created += 1;
        create(out, created, &keys[n]);
    }
}

fn create(out: &mut Vec<u8>, number: u64, key: &str) {
    let body = format!(
        r#"{{"code":"F821","file":"src/new/file_{}.py","line":{},"reason":"the name is not defined in this scope"}}"#,
        number % 997,
        number % 500 + 1
    );
    let length = body.len();
    out.extend_from_slice(
        format!(
            "POST /intents HTTP/1.1\r\nhost: bench\r\nx-t4-api-key: {key}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
        .as_bytes(),
    );
}

/// Eight reads by id, one by file, one create.
pub fn mixed_requests(keys: &[String], count: usize) -> impl FnMut(usize, &mut Vec<u8>) + '_ {
    let mut read = get_requests(keys, count);
    let mut list = by_file_requests(keys, count);
    let mut write = create_requests(keys);
    let mut turn = 0_u64;
    move |n, out| {
        turn += 1;
        match turn % 10 {
            0 => write(n, out),
            1 => list(n, out),
            _ => read(n, out),
        }
    }
}

/// A check of files of which half have an intent and half have none; no placeholders are left.
pub fn pre_pr_request(key: &str, files: usize) -> Vec<u8> {
    let names: Vec<String> = (0..files)
        .map(|n| {
            if n % 2 == 0 {
                format!("\"src/module_{}/file_{n}.py\"", n % 100)
            } else {
                format!("\"absent/{n}.py\"")
            }
        })
        .collect();
    let body =
        format!(r#"{{"files":[{}],"critical_codes":[],"auto_create_reserved":false}}"#, names.join(","));
    format!(
        "POST /intents/pre_pr_check HTTP/1.1\r\nhost: bench\r\nx-t4-api-key: {key}\r\ncontent-type: \
         application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
