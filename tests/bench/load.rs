//! A load generator: one thread, keep-alive connections, one request in flight on each.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// What one run showed.
pub struct Run {
    pub requests: u64,
    pub failures: u64,
    pub seconds: f64,
    /// Sorted, in microseconds.
    pub latencies: Vec<u32>,
    /// The status line of the first failure.
    pub first_failure: Option<String>,
}

impl Run {
    pub fn per_second(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    pub fn percentile(&self, p: f64) -> u32 {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get((last as f64 * p) as usize).copied().unwrap_or(0)
    }
}

struct Connection {
    stream: TcpStream,
    out: Vec<u8>,
    written: usize,
    answer: Vec<u8>,
    /// The answer's length, once its head is there.
    expected: Option<usize>,
    sent: Instant,
    busy: bool,
}

/// Sends requests on `connections` connections for `time`. `next` writes the request for a connection into a buffer.
pub fn run(
    address: SocketAddr,
    connections: usize,
    time: Duration,
    mut next: impl FnMut(usize, &mut Vec<u8>),
) -> Run {
    let mut poll = Poll::new().expect("epoll");
    let mut all: Vec<Connection> = (0..connections)
        .map(|n| {
            let stream = std::net::TcpStream::connect(address).expect("connect");
            stream.set_nodelay(true).expect("nodelay");
            stream.set_nonblocking(true).expect("nonblocking");
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(n), Interest::READABLE).expect("register");
            let (out, answer) = (Vec::with_capacity(1024), Vec::with_capacity(32 * 1024));
            Connection { stream, out, written: 0, answer, expected: None, sent: Instant::now(), busy: false }
        })
        .collect();
    let mut run = Run { requests: 0, failures: 0, seconds: 0.0, latencies: Vec::new(), first_failure: None };
    let started = Instant::now();
    let end = started + time;
    for (n, connection) in all.iter_mut().enumerate() {
        connection.send(n, &mut next);
    }
    let mut events = Events::with_capacity(256);
    let mut buffer = vec![0_u8; 64 * 1024];
    let mut open = connections;
    while open > 0 {
        poll.poll(&mut events, Some(Duration::from_secs(30))).expect("poll");
        assert!(!events.is_empty(), "the server has not answered for 30 seconds");
        for event in &events {
            let n = event.token().0;
            let connection = &mut all[n];
            if !connection.receive(&mut buffer, &mut run) {
                continue;
            }
            if Instant::now() < end {
                connection.send(n, &mut next);
            } else {
                connection.busy = false;
                open -= 1;
            }
        }
    }
    run.seconds = started.elapsed().as_secs_f64();
    run.latencies.sort_unstable();
    run
}

impl Connection {
    fn send(&mut self, n: usize, next: &mut impl FnMut(usize, &mut Vec<u8>)) {
        self.out.clear();
        next(n, &mut self.out);
        self.written = 0;
        self.answer.clear();
        self.expected = None;
        self.busy = true;
        self.sent = Instant::now();
        while self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) => panic!("the server closed the connection: {error}"),
            }
        }
    }

    /// Takes what is there; true when the answer is whole.
    fn receive(&mut self, buffer: &mut [u8], run: &mut Run) -> bool {
        if !self.busy {
            return false;
        }
        loop {
            match self.stream.read(buffer) {
                Ok(0) => panic!("the server closed the connection"),
                Ok(count) => self.answer.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) => panic!("{error}"),
            }
            if self.expected.is_none() {
                self.expected = whole_length(&self.answer);
            }
            if self.expected.is_some_and(|expected| self.answer.len() >= expected) {
                break;
            }
        }
        run.requests += 1;
        run.latencies.push(u32::try_from(self.sent.elapsed().as_micros()).unwrap_or(u32::MAX));
        if self.answer.get(9) != Some(&b'2') {
            run.failures += 1;
            run.first_failure.get_or_insert_with(|| String::from_utf8_lossy(&self.answer).into_owned());
        }
        true
    }
}

/// The length of head and body, when the head is there.
fn whole_length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&answer[..head]).ok()?;
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    Some(head + length.trim().parse::<usize>().ok()?)
}
