//! A server of canned answers that keeps what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use policy_client::{Builder, Client, RetryPolicy};

pub const KEY: &str = "t4_000000000001_secret";

/// One request as it came.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// These bytes, then the connection is closed.
    Raw(Vec<u8>),
    /// Nothing, until the client goes.
    Silence,
    /// The connection is closed at once.
    Cut,
}

/// An answer with a status, more header lines and a body.
pub fn reply(status: u16, headers: &[&str], body: impl AsRef<str>) -> Reply {
    let body = body.as_ref();
    let lines: String = headers.iter().flat_map(|line| [line, "\r\n"]).collect();
    let length = body.len();
    Reply::Raw(
        format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n{lines}\r\n{body}")
            .into_bytes(),
    )
}

/// An answer in JSON.
pub fn json(status: u16, body: &serde_json::Value) -> Reply {
    reply(status, &["Content-Type: application/json"], body.to_string())
}

/// The registry's error of a code.
pub fn error(code: api_types::Code, headers: &[&str]) -> Reply {
    let message = format!("refused as {}", code.as_str());
    let body = serde_json::json!({
        "error": {"code": code.as_str(), "message": message, "request_id": "req-1", "details": {"a": 1}},
        "detail": message,
    });
    reply(code.status(), headers, body.to_string())
}

/// An intent as the registry shows it.
pub fn intent(id: &str) -> serde_json::Value {
    serde_json::json!({
        "id": id, "code": "F821", "type": "lint", "file": "a.py", "line": 1, "import_text": null,
        "reason_category": null, "reason": null, "suggestion": null, "owner": null, "ticket": null, "eta": null,
        "status": "reserved", "created_at": "2026-01-01T00:00:00.000000Z",
        "modified_at": "2026-01-01T00:00:00.000000Z", "resolved_at": null, "raw": {"n": 1.50}, "agent_id": "a",
    })
}

/// The server. It lives until the test ends.
pub struct Canned {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Canned {
    /// `answer` gets the request's number, from 0, and the request.
    pub fn serve(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer, count) = (Arc::clone(&seen), Arc::new(answer), Arc::new(AtomicUsize::new(0)));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, answer, count) = (Arc::clone(&log), Arc::clone(&answer), Arc::clone(&count));
                thread::spawn(move || {
                    let Some(request) = read_request(&stream) else { return };
                    log.lock().unwrap().push(request.clone());
                    respond(stream, answer(count.fetch_add(1, Ordering::SeqCst), &request));
                });
            }
        });
        Self { url, seen }
    }

    /// What was asked so far, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Settings for this server with short waits.
    pub fn builder(&self) -> Builder {
        let retry = RetryPolicy {
            base: Duration::from_millis(1),
            cap: Duration::from_millis(2),
            ..RetryPolicy::default()
        };
        Client::builder().base_url(&self.url).api_key(KEY).admin_token("geheim").retry(retry)
    }

    /// A client for this server.
    pub fn client(&self) -> Client {
        self.builder().build().unwrap()
    }
}

fn read_request(stream: &TcpStream) -> Option<Seen> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let mut seen = Seen { method: words.next()?.into(), target: words.next()?.into(), ..Seen::default() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        seen.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let length = seen.header("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    seen.body = String::from_utf8(body).unwrap();
    Some(seen)
}

fn respond(mut stream: TcpStream, reply: Reply) {
    match reply {
        Reply::Raw(bytes) => {
            let _ = stream.write_all(&bytes);
        }
        Reply::Silence => {
            let _ = stream.read(&mut [0]);
        }
        Reply::Cut => {}
    }
}
