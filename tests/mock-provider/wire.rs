//! HTTP/1.1, as little as the mock needs, with a hand on every byte that leaves.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// One request.
pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// How an answer may be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Not at all.
    Never,
    /// After this many bytes, with a reset.
    Reset(usize),
    /// After this many bytes, with an orderly end.
    Close(usize),
}

/// A connection.
pub struct Wire {
    reader: BufReader<TcpStream>,
    cut: Cut,
    sent: usize,
}

/// The answer was cut on purpose.
pub fn cut() -> io::Error {
    io::Error::other("cut")
}

impl Wire {
    pub fn new(stream: TcpStream) -> Self {
        Self { reader: BufReader::new(stream), cut: Cut::Never, sent: 0 }
    }

    /// The next request; `None` when the caller has closed.
    pub fn receive(&mut self) -> io::Result<Option<Request>> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace();
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default().to_owned();
        let mut headers = Vec::new();
        let mut length = 0;
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            let value = value.trim().to_owned();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().map_err(io::Error::other)?;
            }
            headers.push((name.to_owned(), value));
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        Ok(Some(Request { method, target, headers, body }))
    }

    /// From here on an answer is cut.
    pub fn cut(&mut self, cut: Cut) {
        (self.cut, self.sent) = (cut, 0);
    }

    /// Sends bytes of an answer, as far as they are not cut off.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (limit, reset) = match self.cut {
            Cut::Never => return self.reader.get_mut().write_all(bytes),
            Cut::Reset(limit) => (limit, true),
            Cut::Close(limit) => (limit, false),
        };
        let now = bytes.len().min(limit.saturating_sub(self.sent));
        self.reader.get_mut().write_all(&bytes[..now])?;
        self.sent += now;
        if now < bytes.len() || self.sent >= limit {
            if reset {
                self.reset()?;
            }
            return Err(cut());
        }
        Ok(())
    }

    /// Ends the connection with a reset.
    pub fn reset(&self) -> io::Result<()> {
        let socket = socket2::SockRef::from(self.reader.get_ref());
        socket.set_linger(Some(Duration::ZERO))?;
        Ok(())
    }

    /// A whole JSON answer.
    pub fn json(&mut self, status: u16, body: &str) -> io::Result<()> {
        self.whole(status, "application/json", &[], body.as_bytes())
    }

    /// A whole answer.
    pub fn whole(
        &mut self,
        status: u16,
        media: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> io::Result<()> {
        let mut text = head(status, media, headers);
        text.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(body);
        self.send(&bytes)
    }

    /// The head of a streamed answer.
    pub fn stream(&mut self, headers: &[(&str, String)]) -> io::Result<()> {
        let mut text = head(200, "text/event-stream", headers);
        text.push_str("transfer-encoding: chunked\r\n\r\n");
        self.send(text.as_bytes())
    }

    /// One chunk of a streamed answer; an empty one ends it.
    pub fn chunk(&mut self, text: &str) -> io::Result<()> {
        self.send(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
    }
}

fn head(status: u16, media: &str, headers: &[(&str, String)]) -> String {
    let mut text = format!("HTTP/1.1 {status} Mock\r\ncontent-type: {media}\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text
}
