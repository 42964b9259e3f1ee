//! A small HTTP client on a bare socket, so that tests can send what no library would.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// The first header of this (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON, null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// The error code, empty when there is none.
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// How long a test waits for an answer before it calls the server dead.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that stays open.
pub struct Connection {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, rest: Vec::new() })
    }

    /// The socket itself.
    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads one answer.
    pub fn receive(&mut self) -> std::io::Result<Answer> {
        self.receive_for("GET")
    }

    /// Reads one answer to a request of this method: HEAD has no body.
    pub fn receive_for(&mut self, method: &str) -> std::io::Result<Answer> {
        loop {
            if let Some((answer, used)) = parse(&self.rest, method) {
                self.rest.drain(..used);
                // 100 Continue is no answer yet.
                if answer.status != 100 {
                    return Ok(answer);
                }
                continue;
            }
            self.read_more()?;
        }
    }

    /// Reads the 100 that an `Expect: 100-continue` asks for; false when another answer came.
    pub fn continues(&mut self) -> std::io::Result<bool> {
        let status = |bytes: &[u8]| parse(bytes, "GET").map(|(answer, used)| (answer.status, used));
        loop {
            if let Some((status, used)) = status(&self.rest) {
                if status == 100 {
                    self.rest.drain(..used);
                }
                return Ok(status == 100);
            }
            self.read_more()?;
        }
    }

    /// Whether the other side closes the connection within the time; what it still sends is kept.
    pub fn closes_within(&mut self, time: Duration) -> bool {
        let end = std::time::Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() || self.stream.set_read_timeout(Some(left)).is_err() {
                return false;
            }
            match self.read_more() {
                Ok(()) => {}
                Err(error) => {
                    let late = [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut];
                    return !late.contains(&error.kind());
                }
            }
        }
    }

    /// What has come and was not read as an answer yet.
    pub fn unread(&self) -> String {
        String::from_utf8_lossy(&self.rest).into_owned()
    }

    fn read_more(&mut self) -> std::io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        let count = loop {
            match self.stream.read(&mut buffer) {
                // Says nothing about the connection.
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.rest.extend_from_slice(&buffer[..count]);
        Ok(())
    }

    /// Sends a request and reads its answer.
    pub fn call(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> std::io::Result<Answer> {
        self.send(&request(method, target, headers, body))?;
        self.receive_for(method)
    }
}

/// The bytes of a request. A body is declared as JSON unless a header says otherwise.
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\nhost: test\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let declared = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if !body.is_empty() && !declared {
        text.push_str("content-type: application/json\r\n");
    }
    if !body.is_empty() || matches!(method, "POST" | "PATCH" | "PUT") {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

fn parse(bytes: &[u8], method: &str) -> Option<(Answer, usize)> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    if chunked && method != "HEAD" {
        let (body, used) = unchunk(bytes.get(end..)?)?;
        return Some((Answer { status, headers, body }, end + used));
    }
    let length: usize = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let length = if method == "HEAD" || status == 100 { 0 } else { length };
    let body = bytes.get(end..end + length)?;
    let body = String::from_utf8_lossy(body).into_owned();
    Some((Answer { status, headers, body }, end + length))
}

/// The body of a chunked answer once its last chunk is there, and how many bytes it took.
fn unchunk(bytes: &[u8]) -> Option<(String, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let line = bytes.get(at..)?.windows(2).position(|w| w == b"\r\n")?;
        let size = std::str::from_utf8(&bytes[at..at + line]).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        at += line + 2;
        body.extend_from_slice(bytes.get(at..at + size)?);
        at += size + 2;
        bytes.get(at - 2..at)?;
        if size == 0 {
            return Some((String::from_utf8_lossy(&body).into_owned(), at));
        }
    }
}
