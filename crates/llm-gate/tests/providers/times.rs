//! Time limits of each phase, and connections that fail.

use llm_gate::provider::{Incoming, ProviderError};
use llm_policy::{ProviderConfig, ProviderKind};
use tokio::net::TcpListener;

use super::server::{
    COMPLETION, FRAMES, Server, Step, collect, config, json_answer, next, open, openai, provider, send,
    small, whole,
};

const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const FRAME: &str = "18\r\ndata: {\"choices\":[{}]}\n\n\r\n";

fn timeout(phase: &'static str) -> ProviderError {
    ProviderError::Timeout { phase }
}

fn with(url: &str, change: impl Fn(&mut ProviderConfig)) -> ProviderConfig {
    let mut config = config(ProviderKind::Openai, url);
    change(&mut config);
    config
}

#[tokio::test]
async fn a_missing_first_byte_is_a_timeout() {
    let server = Server::start(|_| vec![Step::Hang]).await;
    let slow = provider(&with(&server.url, |config| config.first_byte_timeout_ms = 60));
    assert_eq!(whole(&*slow).await.unwrap_err(), timeout("first_byte"));
    server.connection_over().await;
    let slow = provider(&with(&server.url, |config| config.total_timeout_ms = 60));
    assert_eq!(whole(&*slow).await.unwrap_err(), timeout("total"));
}

#[tokio::test]
async fn a_body_that_pauses_too_long_is_an_idle_timeout() {
    let half = json_answer(COMPLETION);
    let half = half.split_at(half.len() - 9).0.to_owned();
    let server = Server::start(move |_| vec![send(&half), Step::Hang]).await;
    let slow = provider(&with(&server.url, |config| config.idle_timeout_ms = 60));
    assert_eq!(whole(&*slow).await.unwrap_err(), timeout("idle"));
    server.connection_over().await;
    let slow = provider(&with(&server.url, |config| config.total_timeout_ms = 60));
    assert_eq!(whole(&*slow).await.unwrap_err(), timeout("total"));
}

#[tokio::test]
async fn a_body_that_does_not_begin_is_an_idle_timeout() {
    let server = Server::start(|_| vec![send(STREAM), Step::Hang]).await;
    let slow = provider(&with(&server.url, |config| config.idle_timeout_ms = 60));
    let (frames, error) = collect(open(&*slow).await.unwrap()).await;
    assert_eq!((frames.len(), error), (0, Some(timeout("idle"))));
}

#[tokio::test]
async fn a_stream_that_pauses_too_long_yields_its_frames_and_an_idle_timeout() {
    let server = Server::start(|_| vec![send(STREAM), send(FRAME), send(FRAME), Step::Hang]).await;
    let slow = provider(&with(&server.url, |config| config.idle_timeout_ms = 60));
    let (frames, error) = collect(open(&*slow).await.unwrap()).await;
    assert_eq!((frames.len(), error), (2, Some(timeout("idle"))));
    server.connection_over().await;
}

#[tokio::test]
async fn an_endless_stream_ends_at_the_total_time_limit() {
    let server = Server::start(|_| {
        let drip = [send(FRAME), Step::Pause(5)];
        [send(STREAM)].into_iter().chain(drip.into_iter().cycle().take(20_000)).collect()
    })
    .await;
    let slow = provider(&with(&server.url, |config| config.total_timeout_ms = 150));
    let (frames, error) = collect(open(&*slow).await.unwrap()).await;
    assert_eq!(error, Some(timeout("total")));
    assert!(!frames.is_empty());
    server.connection_over().await;
}

#[tokio::test]
async fn each_byte_restarts_the_idle_time() {
    let pieces = FRAMES.as_bytes().chunks(FRAMES.len() / 8 + 1);
    let mut steps = vec![send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")];
    for piece in pieces {
        steps.extend([Step::Pause(60), send(piece)]);
    }
    let server = Server::start(move |_| steps.clone()).await;
    let slow = provider(&with(&server.url, |config| config.idle_timeout_ms = 300));
    let (frames, error) = collect(open(&*slow).await.unwrap()).await;
    assert_eq!((frames.len(), error), (4, None));
}

#[tokio::test]
async fn a_frame_arrives_before_the_stream_ends() {
    let server = Server::start(|_| vec![send(STREAM), send(FRAME), Step::Hang]).await;
    let mut frames = open(&*openai(&server.url)).await.unwrap();
    assert!(next(&mut frames).await.unwrap().is_ok());
    // Dropping the stream closes the connection.
    drop(frames);
    server.connection_over().await;
}

#[tokio::test]
async fn a_closed_port_is_not_connected() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let error = whole(&*openai(&url)).await.unwrap_err();
    assert!(matches!(&error, ProviderError::NotConnected(_)), "{error:?}");
    assert!(!error.to_string().contains("127.0.0.1:"), "{error}");
}

#[tokio::test]
async fn a_tls_handshake_without_an_answer_is_not_connected() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/v1", listener.local_addr().unwrap());
    let silent = provider(&with(&url, |config| config.connect_timeout_ms = 60));
    let Err(error) = silent.send(small(false)).await else { panic!("an answer without a server") };
    assert!(matches!(&error, ProviderError::NotConnected(_)), "{error:?}");
}

#[tokio::test]
async fn a_complete_answer_to_a_stream_request_is_accepted() {
    let server = Server::always(json_answer(COMPLETION)).await;
    let Ok(Incoming::Whole(whole)) = openai(&server.url).send(small(true)).await else { panic!("no answer") };
    assert_eq!(whole.text.as_deref(), Some("Hi there"));
    assert_eq!(whole.usage.unwrap().completion_tokens, 2);
}
