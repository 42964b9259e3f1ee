//! A client that keeps its connection, reads answers of any framing, and opens a new one when the server has closed it.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take before the request counts as failed.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Client {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    /// The status of a request's answer; its body is read and forgotten.
    pub fn send(&mut self, request: &[u8]) -> std::io::Result<u16> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.address)?,
        };
        stream.write_all(request)?;
        let (status, keeps) = receive(&mut stream)?;
        self.stream = keeps.then_some(stream);
        Ok(status)
    }
}

/// A connection with timeouts.
pub fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads one answer: its status, and whether the connection stays open.
fn receive(stream: &mut TcpStream) -> std::io::Result<(u16, bool)> {
    let mut bytes = Vec::with_capacity(4096);
    let mut part = vec![0; 64 * 1024];
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        read_part(stream, &mut part, &mut bytes)?;
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| Error::from(ErrorKind::InvalidData))?;
    let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if header("transfer-encoding:") == Some("chunked") {
        let mut last = bytes.split_off(head);
        while !last.ends_with(b"0\r\n\r\n") {
            // Only the end is looked at.
            last.drain(..last.len().saturating_sub(5));
            read_part(stream, &mut part, &mut last)?;
        }
    } else {
        let length: usize = header("content-length:").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut have = bytes.len() - head;
        while have < length {
            bytes.clear();
            read_part(stream, &mut part, &mut bytes)?;
            have += bytes.len();
        }
    }
    Ok((status, header("connection:") != Some("close")))
}

fn read_part(stream: &mut TcpStream, part: &mut [u8], into: &mut Vec<u8>) -> std::io::Result<()> {
    match stream.read(part)? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        count => {
            into.extend_from_slice(&part[..count]);
            Ok(())
        }
    }
}
