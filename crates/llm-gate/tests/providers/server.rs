//! A server that answers each request with scripted bytes and records the requests.

use std::fmt::Write as _;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_gate::provider::{Frame, FrameStream, Incoming, Outgoing, Provider, ProviderError, Whole};
use llm_gate::provider_of;
use llm_policy::{HoldId, Operation, ProviderConfig, ProviderKind};
use registry_core::{ManualClock, Timestamp};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// One step of the server's answer to a request.
#[derive(Clone)]
pub enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Waits for this many milliseconds.
    Pause(u64),
    /// Sends nothing until the client closes the connection.
    Hang,
    /// Closes the connection.
    Close,
    /// Resets the connection.
    Reset,
}

pub fn send(text: impl AsRef<[u8]>) -> Step {
    Step::Send(text.as_ref().to_vec())
}

/// A recorded request, with the number of its connection.
#[derive(Debug, Clone)]
pub struct Seen {
    pub connection: usize,
    pub head: String,
    pub body: Value,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    gone: Arc<Notify>,
}

impl Server {
    /// Answers request `n`, from 0, with the steps of `script(n)`.
    pub async fn start(script: impl Fn(usize) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let gone = Arc::new(Notify::new());
        let (log, left) = (Arc::clone(&seen), Arc::clone(&gone));
        tokio::spawn(async move {
            let script = Arc::new(script);
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (log, left, script) = (Arc::clone(&log), Arc::clone(&left), Arc::clone(&script));
                tokio::spawn(async move {
                    Box::pin(serve(stream, connection, &log, &*script)).await;
                    left.notify_one();
                });
            }
        });
        Self { url, seen, gone }
    }

    /// Answers every request with the same bytes.
    pub async fn always(answer: impl AsRef<[u8]>) -> Self {
        let steps = vec![send(answer)];
        Self::start(move |_| steps.clone()).await
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until a connection has ended.
    pub async fn connection_over(&self) {
        tokio::time::timeout(Duration::from_secs(10), self.gone.notified()).await.unwrap();
    }
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    log: &Mutex<Vec<Seen>>,
    script: &(impl Fn(usize) -> Vec<Step> + Send + Sync),
) {
    while let Some((head, body)) = request(&mut stream).await {
        let number = {
            let mut log = log.lock().unwrap();
            log.push(Seen { connection, head, body: serde_json::from_slice(&body).unwrap() });
            log.len() - 1
        };
        for step in script(number) {
            match step {
                Step::Send(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Step::Pause(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
                Step::Hang => {
                    let _ = stream.read(&mut [0; 64]).await;
                    return;
                }
                Step::Close => return,
                Step::Reset => return stream.set_zero_linger().unwrap(),
            }
        }
    }
}

async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 16 * 1024];
    loop {
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if bytes.len() >= end + 4 + length.unwrap_or(0) {
            return Some((head, bytes[end + 4..].to_vec()));
        }
    }
}

/// Returns an answer with a `content-length`.
pub fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

pub fn json_answer(body: &str) -> String {
    answer("200 OK", "content-type: application/json\r\nx-request-id: req_7\r\n", body)
}

/// Returns a chunked answer with one chunk for each piece.
pub fn chunked(media: &str, pieces: &[&str]) -> String {
    let mut text = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {media}\r\nx-request-id: req_7\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        write!(text, "{:x}\r\n{piece}\r\n", piece.len()).unwrap();
    }
    text + "0\r\n\r\n"
}

pub const COMPLETION: &str = r#"{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hi there"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;
pub const FRAMES: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Hé\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"llo\"}}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";

pub fn config(kind: ProviderKind, url: &str) -> ProviderConfig {
    ProviderConfig {
        name: "test".to_owned(),
        kind,
        base_url: registry_core::BaseUrl::parse(url).unwrap(),
        api_key_env: None,
        models: vec!["m".to_owned()],
        priced_as: "test".to_owned(),
        max_tokens_field: "max_tokens".to_owned(),
        connect_timeout_ms: 2_000,
        first_byte_timeout_ms: 20_000,
        idle_timeout_ms: 20_000,
        total_timeout_ms: 20_000,
    }
}

/// The fixed time of the tests, in Unix seconds: 2026-11-21 00:00:00 UTC.
pub const NOW: i64 = 1_795_219_200;

pub fn provider(config: &ProviderConfig) -> Arc<dyn Provider> {
    let clock = ManualClock::at(Timestamp::from_micros(NOW * 1_000_000));
    provider_of(config, Some("sk-geheim"), Arc::new(clock)).unwrap()
}

pub fn openai(url: &str) -> Arc<dyn Provider> {
    provider(&config(ProviderKind::Openai, url))
}

pub fn request_of(body: Value, stream: bool) -> Outgoing {
    let Value::Object(body) = body else { panic!("a body is an object") };
    let hold_id = HoldId::from_stored("call_1.1".to_owned());
    Outgoing { operation: Operation::Chat, hold_id, body, stream }
}

pub fn small(stream: bool) -> Outgoing {
    let messages = json!([{ "role": "user", "content": "Hello" }]);
    request_of(json!({ "model": "m", "max_completion_tokens": 16, "messages": messages }), stream)
}

/// Sends a small request and returns the complete answer.
pub async fn whole(provider: &dyn Provider) -> Result<Whole, ProviderError> {
    match provider.send(small(false)).await? {
        Incoming::Whole(whole) => Ok(whole),
        Incoming::Stream(..) => panic!("a stream was not asked for"),
    }
}

pub async fn open(provider: &dyn Provider) -> Result<FrameStream, ProviderError> {
    match provider.send(small(true)).await? {
        Incoming::Whole(whole) => panic!("no stream but {whole:?}"),
        Incoming::Stream(head, frames) => {
            assert_eq!(head.status, 200);
            Ok(frames)
        }
    }
}

pub async fn next(frames: &mut FrameStream) -> Option<Result<Frame, ProviderError>> {
    poll_fn(|cx| frames.as_mut().poll_next(cx)).await
}

/// Reads a stream to its end. Returns its frames, and the error that ended it, if any.
pub async fn collect(mut frames: FrameStream) -> (Vec<Frame>, Option<ProviderError>) {
    let mut all = Vec::new();
    while let Some(frame) = next(&mut frames).await {
        match frame {
            Ok(frame) => all.push(frame),
            Err(error) => {
                assert!(next(&mut frames).await.is_none(), "something followed {error}");
                return (all, Some(error));
            }
        }
    }
    (all, None)
}
