//! What a hostile key sends: the largest requests of each kind, at its full limit.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use crate::client::Client;

/// Counts of the answers to hostile requests, by what became of them.
#[derive(Default)]
pub struct Answers {
    pub served: AtomicU64,
    pub limited: AtomicU64,
    pub refused: AtomicU64,
    pub broken: AtomicU64,
}

/// A kind of heavy request.
#[derive(Debug, Clone, Copy)]
pub enum Attack {
    /// A pre-PR check of as many paths as it takes.
    Check,
    /// A list of intents with the largest `raw`.
    List,
    /// A batch of 8 MiB.
    Batch,
    /// A look through all rows that finds none.
    Scan,
    /// Figures over all rows.
    Summary,
}

pub const ALL: [Attack; 5] = [Attack::Check, Attack::List, Attack::Batch, Attack::Scan, Attack::Summary];

/// The file whose intents have the largest `raw`.
pub const LARGE: &str = "hostile/large.py";

/// The bytes of a request with a key.
pub fn request(method: &str, path: &str, key: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: bench\r\nx-t4-api-key: {key}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A batch of `raw`s that fill 8 MiB.
pub fn large_batch(key: &str) -> Vec<u8> {
    let one = format!(r#"{{"code":"F821","file":"{LARGE}","raw":{{"x":"{}"}}}}"#, "y".repeat(65_000));
    let body = format!(r#"{{"intents":[{}]}}"#, vec![one; 128].join(","));
    request("POST", "/intents/batch", key, &body)
}

impl Attack {
    fn request(self, key: &str) -> Vec<u8> {
        match self {
            Self::Check => {
                let files: Vec<_> =
                    (0..1000).map(|n| format!("\"hostile/{n}/{}.py\"", "p".repeat(900))).collect();
                let body =
                    format!(r#"{{"files":["{LARGE}",{}],"auto_create_reserved":false}}"#, files.join(","));
                request("POST", "/intents/pre_pr_check", key, &body)
            }
            Self::List => request("GET", &format!("/intents/by_file?file={LARGE}&limit=1000"), key, ""),
            Self::Batch => large_batch(key),
            Self::Scan => request("GET", "/intents?file=nowhere", key, ""),
            Self::Summary => request("GET", "/metrics/summary", key, ""),
        }
    }
}

/// Sends each kind on connections of its own until `over`.
pub fn start<'s>(
    scope: &'s Scope<'s, '_>,
    address: SocketAddr,
    key: &'s str,
    connections: usize,
    answers: &'s Answers,
    over: &'s AtomicBool,
) -> Vec<ScopedJoinHandle<'s, ()>> {
    let kinds = ALL.into_iter().flat_map(|kind| std::iter::repeat_n(kind, connections));
    kinds
        .map(|kind| {
            scope.spawn(move || {
                let (mut client, request) = (Client::new(address), kind.request(key));
                while !over.load(Ordering::Relaxed) {
                    let (count, pause) = match client.send(&request) {
                        Ok(200..=299) => (&answers.served, 0),
                        Ok(429) => (&answers.limited, 200),
                        Ok(_) => (&answers.refused, 50),
                        Err(_) => {
                            client = Client::new(address);
                            (&answers.broken, 50)
                        }
                    };
                    count.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(pause));
                }
            })
        })
        .collect()
}
